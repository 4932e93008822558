//! Optional tokens, told apart from refused ones.

use std::future::Future;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::Extracting;
use crate::AuthError;

/// None where there is no token. A bad one is refused all the same: `@jwt_required(optional=True)`.
///
/// ```
/// use hardtack_actix::{AccessToken, Optional};
///
/// async fn index(Optional(token): Optional<AccessToken>) -> String {
///     token.map_or_else(|| "nobody".to_owned(), |token| token.subject().to_owned())
/// }
/// ```
///
/// This is no plain `Option` because actix-web makes one of every extractor by itself, and takes each of
/// its errors for none: a forged token would pass for a visitor's. No type can forbid
/// `Option<AccessToken>`; so [`crate::AuthLayer`] sees to it that nothing comes of it. The handler runs as
/// for nobody, and where the token was not absent but refused, its answer is dropped: the client gets the
/// refusal, with the cookies unset, and the log an error.
#[derive(Clone, Debug)]
pub struct Optional<E>(pub Option<E>);

impl<E> Deref for Optional<E> {
    type Target = Option<E>;

    fn deref(&self) -> &Option<E> {
        &self.0
    }
}

/// Extractors that know "absent" from "refused", for [`Optional`].
pub trait OptionalFromRequest: Sized {
    /// The value, none where the request has nothing of the kind, or the refusal.
    fn from_request_optional(request: &HttpRequest) -> impl Future<Output = Result<Option<Self>, AuthError>>;
}

impl<E: OptionalFromRequest + 'static> FromRequest for Optional<E> {
    type Error = AuthError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Extracting::waiting(async move { E::from_request_optional(&request).await.map(Self) })
    }
}
