//! The extractors: what a handler asks of its request.

mod auth;
mod current_user;
mod optional;
mod token;

use std::future::Future;
use std::pin::Pin;

pub use auth::Auth;
pub use current_user::CurrentUser;
pub use optional::{Optional, OptionalFromRequest};
pub(crate) use token::required;
pub use token::{AccessToken, FreshAccessToken, RefreshToken};

use crate::AuthError;

/// The future of an extractor. It owns its share of the request, as actix-web's trait lends none.
type Extracting<E> = Pin<Box<dyn Future<Output = Result<E, AuthError>>>>;
