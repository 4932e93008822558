//! The extractor for an optional token or user.

use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::token::OptionalFromRequest;
use crate::extract_future::ExtractFuture;
use crate::respond::AuthError;

/// An optional token or user: `None` if the request has no token.
///
/// The value is also `None` if the token in the request's cookies is invalid and cannot be refreshed, for example
/// because it is forged or its session has ended. In that case, the response deletes the cookies that have become
/// useless.
///
/// A request is still rejected if its CSRF value is missing or wrong, if a token outside the cookies (for example in
/// the `Authorization` header) is invalid, or if the session store fails.
///
/// ```
/// use hardtack_actix::{AccessToken, Optional};
///
/// async fn index(Optional(token): Optional<AccessToken>) -> String {
///     token.map_or_else(|| "Hello, visitor".to_owned(), |token| format!("Hello, {}", token.subject()))
/// }
/// ```
///
/// Use this type instead of `Option`. actix-web implements `Option<T>` for every extractor and turns errors into
/// `None`, so a forged token or a failed store would look like a missing token. If a handler takes an
/// `Option<AccessToken>` anyway and the token is refused, the handler runs with `None`. [`AuthLayer`](crate::AuthLayer)
/// then discards the handler's response, sends the refusal to the client, and logs an error.
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
