//! The extractor `Auth`. Handlers use it to log users in and out, refresh their tokens, and re-authenticate them.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::response::Response;
use hardtack::adapter::{Exchange, TypedName};
use http::HeaderMap;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::request::{AuthState, Head};
use crate::respond::{AuthError, SetCookies, reply_response};

/// An extractor for logging users in and out, refreshing their tokens, and re-authenticating them.
///
/// Methods that change something check the request first. For example, [`log_in`](Self::log_in) and
/// [`log_out`](Self::log_out) refuse a request if its method is safe (such as GET), if it comes from another site, or
/// if a required CSRF token is missing or wrong.
///
/// ```
/// use axum::{Form, response::{IntoResponse, Redirect}};
/// use hardtack_axum::{Auth, AuthError};
/// # #[derive(serde::Deserialize)] struct Credentials { username: String, password: String }
/// # async fn check(credentials: &Credentials) -> Option<String> { None }
///
/// async fn log_in(auth: Auth, Form(credentials): Form<Credentials>) -> Result<impl IntoResponse, AuthError> {
///     auth.require_pre_session()?; // refuses forged forms before their password is checked
///     match check(&credentials).await {
///         Some(user) => Ok((auth.log_in(user).await?, Redirect::to(&auth.next_or_home())).into_response()),
///         None => Ok("The user name and password do not match.".into_response()),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Auth {
    state: AuthState,
    head: Head<Parts>,
}

impl Auth {
    hardtack::__forward_auth! {
        crate: "hardtack_axum",
        error: AuthError,
        cookies: SetCookies,
        response: Response = reply_response,
        sleep: tokio::time::sleep,
    }

    /// Returns the request's header fields.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// Reads a form with a password. Call this method after the request has been checked.
    pub(crate) fn read_password_form<T: DeserializeOwned>(&self, body: &[u8]) -> Result<(T, TypedName), AuthError> {
        Ok(self.exchange().read_password_form(body)?)
    }

    fn exchange(&self) -> Exchange<'_> {
        self.head.exchange(&self.state)
    }
}

/// Omits the header fields, which contain credentials.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("authenticator", self.authenticator()).finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Auth {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        let state = AuthState::of_layer(parts)?;
        if state.has_unread_body() {
            state.read_ahead(parts, None).await?;
        }
        Ok(Self { state: state.clone(), head: Head::of(parts).to_owned() })
    }
}
