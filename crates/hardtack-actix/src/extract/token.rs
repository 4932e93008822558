//! Verified tokens.

use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use hardtack::adapter::Verification;
use hardtack::jwt::ExtraClaims;
use hardtack::jwt::NoExtra;
use hardtack::{Need, VerifiedToken};

use super::{Extracting, OptionalFromRequest};
use crate::AuthError;
use crate::head::Head;
use crate::layer::Layered;

/// The token that `need` asks for if there is any, as far as nobody has to be waited for.
fn try_verify<T: ExtraClaims>(request: &HttpRequest, need: Need) -> Result<Verification<T>, AuthError> {
    let layered = Layered::or_engine(request)?;
    match Head::of(request).exchange(&layered.memo).try_verify(need.optional()) {
        Verification::Ready(Err(failure)) => Err(layered.refuse(failure)),
        settled => Ok(settled),
    }
}

/// The rest of it.
async fn finish_verifying<T: ExtraClaims>(
    request: &HttpRequest,
    settled: Verification<T>,
) -> Result<Option<VerifiedToken<T>>, AuthError> {
    let layered = Layered::or_engine(request)?;
    let token = match settled {
        Verification::Ready(answer) => answer,
        Verification::Pending(waiting) => Head::of(request).exchange(&layered.memo).finish_verifying(waiting).await,
    };
    token.map_err(|failure| layered.refuse(failure))
}

/// The rest of it, and a refusal where there is none.
async fn conclude_required<T: ExtraClaims>(
    request: &HttpRequest,
    settled: Verification<T>,
    need: Need,
) -> Result<VerifiedToken<T>, AuthError> {
    match finish_verifying(request, settled).await? {
        Some(token) => Ok(token),
        // Whoever drops this error treats a visitor as one. It is no refusal that has to be answered.
        None => Ok(Head::of(request).exchange(&Layered::or_engine(request)?.memo).required(need).await?),
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

        impl<T: ExtraClaims + 'static> FromRequest for $name<T> {
            type Error = AuthError;
            type Future = Extracting<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                match try_verify(request, $need) {
                    Ok(Verification::Ready(Ok(Some(token)))) => Extracting::done(Ok(Self(token))),
                    Ok(settled) => {
                        let request = request.clone();
                        Extracting::waiting(async move { conclude_required(&request, settled, $need).await.map(Self) })
                    }
                    Err(error) => Extracting::done(Err(error)),
                }
            }
        }

        /// None where there is no token. A bad one is refused all the same.
        impl<T: ExtraClaims> OptionalFromRequest for $name<T> {
            async fn from_request_optional(request: &HttpRequest) -> Result<Option<Self>, AuthError> {
                Ok(finish_verifying(request, try_verify(request, $need)?).await?.map(Self))
            }
        }
    };
}

extractor! {
    /// Someone is logged in: `@jwt_required()`. `T` reads the application's own claims; a claim that is
    /// not an `Option` and not in the token refuses it, so claims added to a running site start as `Option`.
    ///
    /// ```
    /// use hardtack_actix::AccessToken;
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
    /// use hardtack_actix::AccessToken;
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
