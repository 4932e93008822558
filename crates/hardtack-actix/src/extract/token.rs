//! Extractors for verified tokens.

use std::future::Future;
use std::ops::Deref;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use hardtack::adapter::Verification;
use hardtack::jwt::{ExtraClaims, NoExtra};
use hardtack::{Need, VerifiedToken};

use crate::extract_future::ExtractFuture;
use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// An extractor that can distinguish a missing token from an invalid one. [`Optional`](crate::Optional) requires this
/// trait.
pub trait OptionalFromRequest: Sized {
    /// Extracts the value, or `None` if the request has no token.
    ///
    /// # Errors
    /// The request is refused, for example because a header contains an invalid token, or because the session store
    /// failed.
    fn from_request_optional(request: &HttpRequest) -> impl Future<Output = Result<Option<Self>, AuthError>>;
}

/// The result of a verification that does no I/O.
enum Attempt<T> {
    Verified(Verification<T>),
    /// The verification might need the beginning of the body, so this part must be read first.
    ReadAhead,
}

/// Verifies the token as far as possible without I/O.
fn try_verify<T: ExtraClaims>(request: &HttpRequest, need: Need) -> Result<Attempt<T>, AuthError> {
    let state = AuthState::for_verification(request)?;
    if state.has_unread_body() {
        return Ok(Attempt::ReadAhead);
    }
    match Head::of(request).exchange(&state).try_verify(need) {
        Verification::Ready(Err(failure)) => Err(state.refuse(failure)),
        verification => Ok(Attempt::Verified(verification)),
    }
}

/// Completes a verification that [`try_verify`] has begun.
async fn finish_verifying<T: ExtraClaims>(
    request: &HttpRequest,
    attempt: Attempt<T>,
    need: Need,
) -> Result<Option<VerifiedToken<T>>, AuthError> {
    let (state, head) = (AuthState::for_verification(request)?, Head::of(request));
    let exchange = head.exchange(&state);
    let verification = match attempt {
        Attempt::Verified(verification) => verification,
        Attempt::ReadAhead => match state.read_ahead(request, Some(need)).await {
            Ok(()) => exchange.try_verify(need),
            Err(failure) => Verification::Ready(Err(failure)),
        },
    };
    let result = match verification {
        Verification::Ready(result) => result,
        Verification::Pending(pending) => exchange.finish_verifying(pending).await,
    };
    result.map_err(|failure| state.refuse(failure))
}

/// Completes a verification for a handler that requires a token.
async fn require<T: ExtraClaims>(
    request: &HttpRequest,
    attempt: Attempt<T>,
    need: Need,
) -> Result<VerifiedToken<T>, AuthError> {
    match finish_verifying(request, attempt, need).await? {
        Some(token) => Ok(token),
        None => {
            // The verification allowed an exempt `OPTIONS` request without a token, but this handler requires one.
            let state = AuthState::for_verification(request)?;
            Ok(Head::of(request).exchange(&state).required(need).await?)
        }
    }
}

/// Generates an extractor for a verified token.
macro_rules! extractor {
    ($(#[$doc:meta])* $name:ident $(<const $constant:ident: u64>)?, $need:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<$(const $constant: u64,)? T = NoExtra>(VerifiedToken<T>);

        impl<$(const $constant: u64,)? T> $name<$($constant,)? T> {
            /// Returns the same token without the application's own claims.
            pub fn without_extra(self) -> $name<$($constant)?> {
                $name(self.0.without_extra())
            }
        }

        impl<$(const $constant: u64,)? T> Deref for $name<$($constant,)? T> {
            type Target = VerifiedToken<T>;

            fn deref(&self) -> &VerifiedToken<T> {
                &self.0
            }
        }

        impl<$(const $constant: u64,)? T: ExtraClaims + 'static> FromRequest for $name<$($constant,)? T> {
            type Error = AuthError;
            type Future = ExtractFuture<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                match try_verify(request, $need) {
                    Ok(Attempt::Verified(Verification::Ready(Ok(Some(token))))) => ExtractFuture::complete(Ok(Self(token))),
                    Ok(attempt) => {
                        let request = request.clone();
                        ExtractFuture::boxed(async move { require(&request, attempt, $need).await.map(Self) })
                    }
                    Err(error) => ExtractFuture::complete(Err(error)),
                }
            }
        }

        /// Extracts `None` if the request has no token. Also extracts `None` if the token in the cookies is invalid and
        /// cannot be refreshed, for example because it is forged or its session has ended. In that case, the response
        /// deletes the cookies that have become useless.
        ///
        /// A request is still rejected if its CSRF value is missing or wrong, if a token outside the cookies (for
        /// example in the `Authorization` header) is invalid, or if the session store fails.
        impl<$(const $constant: u64,)? T: ExtraClaims> OptionalFromRequest for $name<$($constant,)? T> {
            async fn from_request_optional(request: &HttpRequest) -> Result<Option<Self>, AuthError> {
                let need = $need.optional();
                let attempt = try_verify(request, need)?;
                Ok(finish_verifying(request, attempt, need).await?.map(Self))
            }
        }
    };
}

extractor! {
    /// A valid access token, which shows that the user is logged in.
    ///
    /// The application's own claims are deserialized into `T`. Use an `Option` for a claim that some users do not have.
    ///
    /// A token that lacks a claim might simply be outdated, for example because its session's claims have changed. If
    /// the token was in a cookie and a new token would have the claim, Hardtack refreshes the token. In all other
    /// cases, the request is refused as [forbidden](hardtack::FailureKind::Forbidden) (403), the user stays logged in,
    /// and the log names the claim.
    ///
    /// In Flask-JWT-Extended: `@jwt_required()`.
    ///
    /// ```
    /// use hardtack_actix::AccessToken;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Role {
    ///     role: Option<String>,
    /// }
    ///
    /// async fn service(token: AccessToken<Role>) -> String {
    ///     format!("{} is {}", token.subject(), token.extra().role.as_deref().unwrap_or("a reader"))
    /// }
    /// ```
    ///
    /// Only verification can create an `AccessToken`, so a handler that takes one is protected. This does not compile:
    ///
    /// ```compile_fail,E0423
    /// use hardtack_actix::{AccessToken, VerifiedToken};
    ///
    /// fn forge(token: VerifiedToken) -> AccessToken {
    ///     AccessToken(token)
    /// }
    /// ```
    AccessToken, Need::access()
}
impl AccessToken {
    /// Extracts the token from a request that re-authenticates the user. Also accepts a token that an earlier copy of
    /// the same form has just replaced ([`Need::reauthenticating`]).
    pub(crate) async fn of_reauthentication(request: &HttpRequest) -> Result<Self, AuthError> {
        let need = Need::access().reauthenticating();
        require(request, try_verify(request, need)?, need).await.map(Self)
    }
}

extractor! {
    /// A fresh access token, which shows that the user entered the password recently.
    ///
    /// If the token is not fresh, a browser is redirected to the re-authentication page, and an API client gets 401.
    ///
    /// In Flask-JWT-Extended: `@jwt_required(fresh=True)`.
    FreshAccessToken, Need::access().fresh()
}
extractor! {
    /// An access token from a client that recently proved possession of its device's key ([device
    /// binding](hardtack::device_binding), ASVS 5.0 V7.5.3). The proof is at most `SECONDS` seconds old. `SECONDS` must
    /// be at least 120, because browsers limit how often they send proofs.
    ///
    /// If the browser's last proof is too old, the browser is redirected to the same URL. It then sends a new proof and
    /// repeats the request, including the body. If the session is not bound to a device, for example because the
    /// browser does not support device binding, the token must be fresh instead, as with [`FreshAccessToken`]. See
    /// [`Need::proven`].
    ///
    /// ```
    /// use hardtack_actix::Proven;
    ///
    /// async fn transfer(token: Proven<300>) -> String {
    ///     format!("Sent by {} from their own device", token.subject())
    /// }
    /// ```
    Proven<const SECONDS: u64>, {
        const { assert!(SECONDS >= 120, "Proven<SECONDS>: SECONDS must be at least 120") };
        Need::access().proven(Duration::from_secs(SECONDS))
    }
}
extractor! {
    /// A valid refresh token of a live session.
    ///
    /// The extractor looks up the session in the store. It does not check whether the token has already been exchanged
    /// for a new token. Only [`Auth::refresh`](crate::Auth::refresh) checks this.
    ///
    /// In Flask-JWT-Extended: `@jwt_required(refresh=True)`.
    RefreshToken, Need::refresh()
}
