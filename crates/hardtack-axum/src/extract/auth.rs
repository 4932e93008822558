//! What a handler does with a log-in: begin it, end it, refresh it, prove it anew.

use axum::extract::FromRequestParts;
use axum::response::Response;
use hardtack::adapter::Exchange;
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack::{Authenticator, FindUser, LogIn, Need, VerifiedToken};
use http::HeaderMap;
use http::request::Parts;

use crate::head::Head;
use crate::layer::Layered;
use crate::respond::reply_response;
use crate::{AuthError, SetCookies};

/// This request's authentication: logs in and out, refreshes, re-authenticates. Every method makes the
/// checks that belong to it, so that none can be forgotten: a log-in by GET, from another site or
/// without its form's token is refused, and so is a log-out.
///
/// ```
/// use axum::{Form, response::{IntoResponse, Redirect}};
/// use hardtack_axum::{Auth, AuthError};
/// # #[derive(serde::Deserialize)] struct Credentials { username: String, password: String }
/// # async fn check(c: &Credentials) -> Option<String> { None }
///
/// async fn log_in(auth: Auth, Form(credentials): Form<Credentials>) -> Result<impl IntoResponse, AuthError> {
///     auth.require_pre_session()?; // before the password is even looked at
///     match check(&credentials).await {
///         Some(user) => Ok((auth.log_in(user).await?, Redirect::to(&auth.next_or_home())).into_response()),
///         None => Ok("That did not match.".into_response()),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Auth {
    layered: Layered,
    head: Head<Parts>,
}

impl Auth {
    /// Logs a user in whose password was just checked, by id or with a [`LogIn`]. The browser's
    /// previous session ends.
    ///
    /// # Errors
    /// A request that another site may have sent; a store that failed; claims that do not fit.
    pub async fn log_in(&self, log_in: impl Into<LogIn>) -> Result<SetCookies, AuthError> {
        Ok(self.exchange().log_in(log_in.into()).await?.into())
    }

    /// Logs out whoever the cookies name. Final: a refresh on its way cannot undo it.
    ///
    /// # Errors
    /// A request by GET, from another site or without its CSRF token; a store that failed.
    pub async fn log_out(&self) -> Result<SetCookies, AuthError> {
        Ok(self.exchange().log_out().await?.into())
    }

    /// Exchanges the refresh cookie for new tokens, never fresh ones.
    ///
    /// # Errors
    /// No refresh token, a bad, used or ended one; another site; a store that failed.
    pub async fn refresh(&self) -> Result<SetCookies, AuthError> {
        Ok(self.exchange().refresh().await?.into())
    }

    /// The whole refresh route: refreshes and sends the client back to `next`.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn refresh_and_return(&self) -> Result<Response, AuthError> {
        Ok(reply_response(self.exchange().refresh_and_return().await?))
    }

    /// Fresh tokens for the same session, once the password of `subject` was checked again.
    ///
    /// # Errors
    /// Nobody is logged in, or another user than `subject` is.
    pub async fn reauthenticate(&self, subject: &str) -> Result<SetCookies, AuthError> {
        Ok(self.exchange().reauthenticate(subject).await?.into())
    }

    /// New tokens, and the end of all others of this user: once a new password is stored.
    ///
    /// # Errors
    /// Nobody is logged in; a store that failed.
    pub async fn renew(&self) -> Result<SetCookies, AuthError> {
        Ok(self.exchange().renew().await?.into())
    }

    /// The token that a need asks for, for code outside of extractors (`verify_jwt_in_request`): none where the
    /// need is optional and there is none, or where OPTIONS is exempt.
    ///
    /// ```
    /// use hardtack::{Need, TokenLocation};
    /// use hardtack_axum::{Auth, AuthError};
    ///
    /// async fn report(auth: Auth) -> Result<String, AuthError> {
    ///     let need = Need::access().fresh().locations([TokenLocation::Headers]);
    ///     let token = auth.verify(need).await?;
    ///     Ok(token.map(|token| token.subject().to_owned()).unwrap_or_default())
    /// }
    /// ```
    ///
    /// # Errors
    /// The failure with the reply that the client gets.
    pub async fn verify(&self, need: Need) -> Result<Option<VerifiedToken>, AuthError> {
        Ok(self.exchange().verify(need).await?)
    }

    /// The user whose token it is, looked up by the application (`current_user`).
    ///
    /// # Errors
    /// A user who is there no more; a look-up that failed.
    pub async fn user<U: FindUser>(&self, token: &VerifiedToken, state: &U::State) -> Result<U, AuthError> {
        Ok(self.exchange().user(token, state).await?)
    }

    /// The hidden field and the cookie for a log-in or sign-up form.
    ///
    /// # Errors
    /// A cookie that browsers would drop, from a very long configured name.
    pub fn pre_session(&self) -> Result<(String, SetCookies), AuthError> {
        let (token, cookies) = self.exchange().pre_session()?.into_parts();
        Ok((token, cookies.into()))
    }

    /// Refuses what another site could have sent, for handlers that act before anybody is logged in;
    /// [`Self::log_in`] includes it.
    ///
    /// # Errors
    /// A request by GET, from another site, or from a form without its pre-session token.
    pub fn require_pre_session(&self) -> Result<(), AuthError> {
        Ok(self.exchange().require_pre_session()?)
    }

    /// Refuses requests of other sites whatever their method.
    ///
    /// # Errors
    /// The browser says that another site started it.
    pub fn require_same_origin(&self) -> Result<(), AuthError> {
        Ok(self.exchange().require_same_origin()?)
    }

    /// Refuses the request for a reason of the application's, with the reply that belongs to it.
    pub fn refuse(&self, reason: impl Into<Reason>) -> AuthError {
        self.exchange().refuse(reason).into()
    }

    /// The page to return to: the query's `next` if it is a path of this site, or else home.
    pub fn next_or_home(&self) -> String {
        self.exchange().next_or_home()
    }

    /// The form in which the client wants its answer.
    pub fn wants(&self) -> Wants {
        self.exchange().wants()
    }

    /// The first value of a query parameter of the address that the client asked for.
    pub fn query(&self, name: &str) -> Option<String> {
        self.exchange().query(name)
    }

    /// The request's header fields.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// The CSRF value of the refresh cookie's token, for a form that posts to the refresh URL; none
    /// where there is no good token.
    pub fn refresh_csrf_token(&self) -> Option<String> {
        self.exchange().refresh_csrf_token()
    }

    /// The authenticator itself: tokens outside of a session, device lists, revocation.
    pub fn authenticator(&self) -> &Authenticator {
        self.layered.authenticator()
    }

    fn exchange(&self) -> Exchange<'_> {
        self.head.exchange(&self.layered)
    }
}

/// Without the header fields: they carry credentials.
impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("authenticator", self.authenticator()).finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Auth {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        Ok(Self { layered: Layered::of(parts)?.clone(), head: Head::of(parts).to_owned() })
    }
}
