//! Verified tokens.

use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack::jwt::ExtraClaims;
use hardtack::{Need, NoExtra, VerifiedToken};
use http::request::Parts;

use crate::AuthError;
use crate::head::Head;
use crate::layer::Layered;

/// The token that `need` asks for.
pub(crate) async fn required<T: ExtraClaims>(parts: &Parts, need: Need) -> Result<VerifiedToken<T>, AuthError> {
    let layered = Layered::or_engine(parts)?;
    Ok(Head::of(parts).exchange(&layered).required(need).await?)
}

/// The token that `need` asks for, if there is any.
async fn optional<T: ExtraClaims>(parts: &Parts, need: Need) -> Result<Option<VerifiedToken<T>>, AuthError> {
    let layered = Layered::or_engine(parts)?;
    Ok(Head::of(parts).exchange(&layered).token(need.optional()).await?)
}

/// Generates an extractor around a verified token.
macro_rules! extractor {
    ($(#[$doc:meta])* $name:ident, $need:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<T = NoExtra>(VerifiedToken<T>);

        impl<T> Deref for $name<T> {
            type Target = VerifiedToken<T>;

            fn deref(&self) -> &VerifiedToken<T> {
                &self.0
            }
        }

        impl<S: Send + Sync, T: ExtraClaims> FromRequestParts<S> for $name<T> {
            type Rejection = AuthError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
                required(parts, $need).await.map(Self)
            }
        }

        /// None where there is no token. A bad one is refused all the same.
        impl<S: Send + Sync, T: ExtraClaims> OptionalFromRequestParts<S> for $name<T> {
            type Rejection = AuthError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
                Ok(optional(parts, $need).await?.map(Self))
            }
        }
    };
}

extractor! {
    /// Someone is logged in: `@jwt_required()`. `T` reads the application's own claims; a claim that is
    /// not an `Option` and not in the token refuses it, so claims added to a running site start as `Option`.
    ///
    /// ```
    /// use hardtack_axum::AccessToken;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Role {
    ///     role: String,
    /// }
    ///
    /// async fn service(token: AccessToken<Role>) -> String {
    ///     format!("{} is {}", token.subject(), token.extra().role)
    /// }
    /// ```
    ///
    /// Only verification makes one, so holding it is the proof; a handler cannot:
    ///
    /// ```compile_fail,E0423
    /// use hardtack::VerifiedToken;
    /// use hardtack_axum::AccessToken;
    ///
    /// fn forge(token: VerifiedToken) -> AccessToken {
    ///     AccessToken(token)
    /// }
    /// ```
    AccessToken, Need::access()
}
extractor! {
    /// Someone typed the password recently: `@jwt_required(fresh=True)`.
    FreshAccessToken, Need::access().fresh()
}
extractor! {
    /// A refresh token is there: `@jwt_required(refresh=True)`. Its session is judged when
    /// [`crate::Auth::refresh`] exchanges it.
    RefreshToken, Need::refresh()
}
