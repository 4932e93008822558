//! Users: names, profiles and the table that holds them.

mod email;
mod name;
mod profile;
mod store;
mod user;

pub use email::EmailAddress;
pub(crate) use email::email_key;
pub(crate) use name::{UserNameProblem, username_key, validate_username};
pub(crate) use profile::{INVALID_EMAIL, Profile, ProfileProblem};
pub(crate) use store::{NewUser, StoredCredentials, UserStore};
pub use user::{User, UserRecord};
