//! Verified tokens.

use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack::adapter::{PendingVerification, Verification};
use hardtack::jwt::ExtraClaims;
use hardtack::jwt::NoExtra;
use hardtack::refusal::Reason;
use hardtack::{Failure, Need, VerifiedToken};
use http::request::Parts;

use crate::AuthError;
use crate::head::Head;
use crate::layer::Layered;

/// The token that `need` asks for, as far as nobody has to be waited for.
pub(crate) fn try_verify<T: ExtraClaims>(parts: &Parts, need: Need) -> Verification<T> {
    match Layered::find(parts) {
        Some(layered) => Head::of(parts).exchange(layered).try_verify(need),
        None => settle_alone(parts, need),
    }
}

/// The same where no layer is.
#[cold]
fn settle_alone<T: ExtraClaims>(parts: &Parts, need: Need) -> Verification<T> {
    match Layered::or_engine(parts) {
        Ok(memo) => Head::of(parts).exchange(&memo).try_verify(need),
        Err(failure) => Verification::Ready(Err(failure)),
    }
}

/// The rest of it.
pub(crate) async fn finish_verifying<T: ExtraClaims>(
    parts: &Parts,
    waiting: PendingVerification,
) -> Result<Option<VerifiedToken<T>>, Failure> {
    Head::of(parts).exchange(&*Layered::or_engine(parts)?).finish_verifying(waiting).await
}

/// The token that `need` asks for, if there is any.
async fn token<T: ExtraClaims>(parts: &Parts, need: Need) -> Result<Option<VerifiedToken<T>>, Failure> {
    match try_verify(parts, need) {
        Verification::Ready(answer) => answer,
        // Boxed, as it is large and rare.
        Verification::Pending(waiting) => Box::pin(finish_verifying(parts, waiting)).await,
    }
}

/// The same, and a failure where there is none.
async fn required<T: ExtraClaims>(parts: &Parts, need: Need) -> Result<VerifiedToken<T>, Failure> {
    match token(parts, need).await? {
        Some(token) => Ok(token),
        None => Err(Head::of(parts).exchange(&*Layered::or_engine(parts)?).refuse(Reason::Missing)),
    }
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
                Ok(Self(required(parts, $need).await?))
            }
        }

        /// None where there is no token. A bad one is refused all the same.
        impl<S: Send + Sync, T: ExtraClaims> OptionalFromRequestParts<S> for $name<T> {
            type Rejection = AuthError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
                Ok(token(parts, $need.optional()).await?.map(Self))
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
