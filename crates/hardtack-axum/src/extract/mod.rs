//! The extractors: what a handler asks of its request.

mod auth;
mod current_user;
mod token;

pub use auth::Auth;
pub use current_user::CurrentUser;
pub use token::{AccessToken, FreshAccessToken, RefreshToken};
pub(crate) use token::{finish_verifying, try_verify};
