//! Extractors for tokens, users and addresses.

mod client_address;
mod current_user;
mod token;

pub use client_address::ClientAddress;
pub use current_user::CurrentUser;
pub use token::{AccessToken, FreshAccessToken, RefreshToken};
