//! Extractors for tokens, users and addresses.

mod client_address;
mod current_user;
mod optional;
mod token;

pub use client_address::ClientAddress;
pub use current_user::CurrentUser;
pub use optional::Optional;
pub use token::{AccessToken, ExtractFuture, FreshAccessToken, OptionalFromRequest, RefreshToken};
