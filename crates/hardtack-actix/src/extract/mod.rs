//! The extractors: what a handler asks of its request.

mod auth;
mod current_user;
mod extracting;
mod optional;
mod token;

pub use auth::Auth;
pub use current_user::CurrentUser;
pub use extracting::Extracting;
pub use optional::{Optional, OptionalFromRequest};
pub use token::{AccessToken, FreshAccessToken, RefreshToken};
