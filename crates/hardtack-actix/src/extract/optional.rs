//! The extractor for optional tokens and users.

use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::token::{ExtractFuture, OptionalFromRequest};
use crate::respond::AuthError;

/// A token or user, or `None` if the request has no token.
///
/// It is also `None` if the token in the request's cookies is invalid and cannot be refreshed, for example because it
/// is forged or its session has ended. The response then deletes cookies that have become useless. Requests are still
/// refused if the session store fails, a CSRF value is missing, or a token outside of cookies is invalid.
///
/// ```
/// use hardtack_actix::{AccessToken, Optional};
///
/// async fn index(Optional(token): Optional<AccessToken>) -> String {
///     token.map_or_else(|| "Hello, visitor".to_owned(), |token| format!("Hello, {}", token.subject()))
/// }
/// ```
///
/// Use it instead of `Option`. actix-web implements `Option<T>` for every extractor and turns errors into `None`, so a
/// forged token or a store that failed would look like no token. If a handler uses `Option<AccessToken>` anyway, it
/// runs with `None`, but [`AuthLayer`](crate::AuthLayer) discards its response: the client gets the refusal instead,
/// and an error is logged.
///
/// In Flask-JWT-Extended: `@jwt_required(optional=True)`.
#[derive(Clone, Debug)]
pub struct Optional<E>(pub Option<E>);

impl<E> Deref for Optional<E> {
    type Target = Option<E>;

    fn deref(&self) -> &Option<E> {
        &self.0
    }
}

impl<E: OptionalFromRequest + 'static> FromRequest for Optional<E> {
    type Error = AuthError;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        ExtractFuture::boxed(async move { E::from_request_optional(&request).await.map(Self) })
    }
}
