//! Users: names, profiles and the table that holds them.

mod email;
mod name;
mod name_looks;
mod name_upgrade;
mod profile;
mod store;
mod user;

pub use email::EmailAddress;
pub(crate) use email::email_key;
pub use name::{NameRules, UserNameProblem};
pub(crate) use name::{NewName, username_key};
pub use name_upgrade::NameCollision;
pub(crate) use name_upgrade::{name_collisions, upgrade_names};
pub(crate) use profile::{INVALID_EMAIL, Profile, ProfileChange, ProfileProblem};
pub(crate) use store::{FIRST_PASSWORD, NameTaken, NewUserRow, StoredCredentials, UserStore};
pub use user::{User, UserRecord};
