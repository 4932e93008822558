//! Extractors for verified tokens.

use std::ops::Deref;
use std::time::Duration;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack::jwt::{ExtraClaims, NoExtra};
use hardtack::{Need, VerifiedToken};
use http::request::Parts;

use crate::request::{AuthState, Head};
use crate::respond::AuthError;

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

        impl<$(const $constant: u64,)? S: Send + Sync, T: ExtraClaims> FromRequestParts<S> for $name<$($constant,)? T> {
            type Rejection = AuthError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
                let state = AuthState::for_verification(parts)?;
                if state.has_unread_body() {
                    state.read_ahead(parts, Some($need)).await?;
                }
                Ok(Self(Head::of(parts).exchange(&state).required($need).await?))
            }
        }

        /// Extracts `None` if the request has no token. Also extracts `None` if the token in the cookies is invalid and
        /// cannot be refreshed, for example because it is forged or its session has ended. In that case, the response
        /// deletes the cookies that have become useless.
        ///
        /// The request is still refused if its CSRF value is missing or wrong, or if the session store fails. It is
        /// also refused if a token outside the cookies, for example in the `Authorization` header, is invalid.
        impl<$(const $constant: u64,)? S: Send + Sync, T: ExtraClaims> OptionalFromRequestParts<S> for $name<$($constant,)? T> {
            type Rejection = AuthError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
                let state = AuthState::for_verification(parts)?;
                if state.has_unread_body() {
                    state.read_ahead(parts, Some($need)).await?;
                }
                Ok(Head::of(parts).exchange(&state).verify($need.optional()).await?.map(Self))
            }
        }
    };
}

extractor! {
    /// A valid access token, which shows that the user is logged in.
    ///
    /// The application's own claims are deserialized into `T`. Use an `Option` for a claim that some users do not have.
    ///
    /// A token that lacks a claim might simply be outdated, for example because the claims of its session have changed.
    /// If the token was in a cookie and a new token would have the claim, Hardtack refreshes the token. In all other
    /// cases, the request is [forbidden](hardtack::FailureKind::Forbidden) with 403, the user stays logged in, and the
    /// log names the claim.
    ///
    /// In Flask-JWT-Extended: `@jwt_required()`.
    ///
    /// ```
    /// use hardtack_axum::AccessToken;
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
    /// use hardtack_axum::{AccessToken, VerifiedToken};
    ///
    /// fn forge(token: VerifiedToken) -> AccessToken {
    ///     AccessToken(token)
    /// }
    /// ```
    AccessToken, Need::access()
}
impl AccessToken {
    /// Extracts the token of a request that re-authenticates the user. Also accepts a token that an earlier submission
    /// of the same form has just replaced ([`Need::reauthenticating`]).
    pub(crate) async fn of_reauthentication(parts: &Parts) -> Result<Self, AuthError> {
        let (state, need) = (AuthState::for_verification(parts)?, Need::access().reauthenticating());
        if state.has_unread_body() {
            state.read_ahead(parts, Some(need)).await?;
        }
        Ok(Self(Head::of(parts).exchange(&state).required(need).await?))
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
    /// If the browser's last proof is too old, the browser is redirected to the same URL. The browser then sends a
    /// proof, and repeats the request with its body. If the session is not bound, for example because the browser does
    /// not support device binding, the token must be fresh instead, as for [`FreshAccessToken`]. See [`Need::proven`].
    ///
    /// ```
    /// use hardtack_axum::Proven;
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
