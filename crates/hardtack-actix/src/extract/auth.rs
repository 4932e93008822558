//! What a handler does with a log-in: begin it, end it, refresh it, prove it anew.

use std::fmt;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::dev::{self, Payload};
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use hardtack::adapter::Exchange;
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack::{Authenticator, FindUser, LogIn, Need, VerifiedToken};

use crate::head::Head;
use crate::layer::Layered;
use crate::respond::reply_response;
use crate::{AuthError, SetCookies};

/// This request's authentication: logs in and out, refreshes, re-authenticates. Every method makes the
/// checks that belong to it, so that none can be forgotten: a log-in by GET, from another site or
/// without its form's token is refused, and so is a log-out.
///
/// ```
/// use actix_web::{Either, Responder, web::{Form, Redirect}};
/// use hardtack_actix::{Auth, AuthError};
/// # #[derive(serde::Deserialize)] struct Credentials { username: String, password: String }
/// # async fn check(c: &Credentials) -> Option<String> { None }
///
/// async fn log_in(auth: Auth, Form(credentials): Form<Credentials>) -> Result<impl Responder, AuthError> {
///     auth.require_pre_session()?; // before the password is even looked at
///     Ok(match check(&credentials).await {
///         Some(user) => {
///             let home = Redirect::to(auth.next_or_home()).see_other();
///             Either::Left(auth.log_in(user).await?.onto(home))
///         }
///         None => Either::Right("That did not match."),
///     })
/// }
/// ```
#[derive(Clone)]
pub struct Auth {
    layered: Rc<Layered>,
    // A copy: whoever holds an `HttpRequest` in a middleware keeps actix-web from routing it.
    head: Head<dev::RequestHead>,
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
    pub async fn refresh_and_return(&self) -> Result<HttpResponse, AuthError> {
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
        self.layered.memo.authenticator()
    }

    fn exchange(&self) -> Exchange<'_> {
        self.head.exchange(&self.layered.memo)
    }
}

/// Without the header fields: they carry credentials.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("authenticator", self.authenticator()).finish_non_exhaustive()
    }
}

impl FromRequest for Auth {
    type Error = AuthError;
    type Future = Ready<Result<Self, AuthError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = Layered::of(request).map(|layered| Self { layered, head: Head::of(request).to_owned() });
        ready(auth.map_err(AuthError::from))
    }
}
