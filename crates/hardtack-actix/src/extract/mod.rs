//! Extractors for tokens and users.

mod current_user;
mod optional;
mod token;

pub use current_user::CurrentUser;
pub use optional::Optional;
pub use token::{AccessToken, ExtractFuture, FreshAccessToken, OptionalFromRequest, RefreshToken};
