//! Extractors for tokens, roles, users and addresses.

mod client_address;
mod current_user;
mod has_role;
mod log_in_form;
mod optional;
mod token;

pub use client_address::ClientAddress;
pub use current_user::CurrentUser;
pub use has_role::HasRole;
pub use log_in_form::{LogInForm, ReauthenticationForm};
pub use optional::Optional;
pub use token::{AccessToken, FreshAccessToken, OptionalFromRequest, Proven, RefreshToken};
