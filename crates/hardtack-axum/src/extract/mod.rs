//! Extractors for tokens and users.

mod current_user;
mod token;

pub use current_user::CurrentUser;
pub use token::{AccessToken, FreshAccessToken, RefreshToken};
