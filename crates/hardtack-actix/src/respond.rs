//! Converts the core's replies, cookies and errors into actix-web responses.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use hardtack::adapter::{CLEAR_CACHE, LogLimit, REGISTRATION};
use hardtack::{Failure, Reply, SessionId};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

static UNSENDABLE_COOKIE: LogLimit = LogLimit::new("unsendable_cookie");
static UNSENDABLE_HEADER: LogLimit = LogLimit::new("unsendable_header");

/// Cookies to set or delete. Call [`onto`](Self::onto) to add them to any response, such as a redirect or JSON.
///
/// ```
/// use actix_web::{Responder, web::Redirect};
/// use hardtack_actix::{Auth, AuthError};
///
/// async fn log_out(auth: Auth) -> Result<impl Responder, AuthError> {
///     Ok(auth.log_out().await?.onto(Redirect::to("/").see_other()))
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "the cookies must be added to the response"]
pub struct SetCookies(hardtack::SetCookies);

impl SetCookies {
    /// Returns whether there are no cookies.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the new session if these cookies come from a log-in or a password change. If you have to undo a log-in,
    /// for example because the password was changed in the meantime, end this session with
    /// [`Authenticator::revoke_session`](hardtack::Authenticator::revoke_session).
    pub fn session(&self) -> Option<SessionId> {
        self.0.session()
    }

    /// Adds the cookies to a response.
    pub fn onto<R: Responder>(self, responder: R) -> WithCookies<R> {
        WithCookies { cookies: self.0, responder }
    }
}

impl From<hardtack::SetCookies> for SetCookies {
    fn from(cookies: hardtack::SetCookies) -> Self {
        Self(cookies)
    }
}

impl Responder for SetCookies {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        self.onto(HttpResponse::Ok().finish()).respond_to(request)
    }
}

/// A response with cookies, created by [`SetCookies::onto`]. A handler can return a `WithCookies` directly. If the
/// inner response is an `HttpResponse`, call `into()` to get an `HttpResponse` with the cookies.
///
/// ```
/// use actix_web::{HttpResponse, http::header};
/// use hardtack_actix::{Auth, AuthError};
///
/// async fn log_out(auth: Auth) -> Result<HttpResponse, AuthError> {
///     let home = HttpResponse::SeeOther().insert_header((header::LOCATION, "/")).finish();
///     Ok(auth.log_out().await?.onto(home).into())
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "the response must be returned from the handler, or its cookies are lost"]
pub struct WithCookies<R> {
    cookies: hardtack::SetCookies,
    responder: R,
}

impl<R: Responder> Responder for WithCookies<R> {
    type Body = R::Body;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<R::Body> {
        WithCookies { cookies: self.cookies, responder: self.responder.respond_to(request) }.into()
    }
}

impl<B> From<WithCookies<HttpResponse<B>>> for HttpResponse<B> {
    fn from(with: WithCookies<HttpResponse<B>>) -> Self {
        let mut response = with.responder;
        append(&with.cookies, response.headers_mut());
        response
    }
}

/// Appends the cookies as `Set-Cookie` fields. If the response ends the browser's session, also appends
/// `Clear-Site-Data`. If the response asks the browser to bind the session to its device, also appends
/// `Secure-Session-Registration`.
///
/// The values of all these header fields are marked as sensitive, so that `Debug` output, for example in traces, omits
/// them. The core produces only valid field values. An invalid value would be left out, and an error would be logged.
pub(crate) fn append(cookies: &hardtack::SetCookies, headers: &mut HeaderMap) {
    if cookies.clears_cache() {
        headers.append(CLEAR_SITE_DATA, HeaderValue::from_static(CLEAR_CACHE));
    }
    if let Some(Ok(registration)) = cookies.registration().map(HeaderValue::from_str) {
        headers.append(HeaderName::from_static(REGISTRATION), registration);
    }
    for cookie in cookies.iter() {
        match HeaderValue::from_str(cookie) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.append(header::SET_COOKIE, value);
            }
            Err(_) => {
                UNSENDABLE_COOKIE.add(|not_logged| tracing::error!(event = "unsendable_cookie", not_logged));
            }
        }
    }
}

/// The error that all extractors and the methods of [`Auth`](crate::Auth) return. It contains the reason for the
/// refusal, and converts into the response to the client.
///
/// The authenticator's methods return [`BackendError`](hardtack::BackendError) or
/// [`SessionError`](hardtack::authenticator::SessionError). The `?` operator converts both into an `AuthError`.
pub struct AuthError(Arc<Refusal>);

/// A failure, and whether it has been handled. A failure counts as handled if it became a response or if the handler
/// inspected it.
#[derive(Debug)]
pub(crate) struct Refusal {
    failure: Failure,
    handled: AtomicBool,
}

impl Refusal {
    pub(crate) fn new(failure: Failure) -> Self {
        Self { failure, handled: AtomicBool::new(false) }
    }

    pub(crate) fn failure(&self) -> &Failure {
        &self.failure
    }

    pub(crate) fn is_handled(&self) -> bool {
        self.handled.load(Ordering::Relaxed)
    }
}

impl AuthError {
    pub(crate) fn from_refusal(refusal: Arc<Refusal>) -> Self {
        Self(refusal)
    }

    /// Returns why the request was refused.
    ///
    /// If a token is refused, a handler that takes a `Result<AccessToken, AuthError>` still runs. If the handler calls
    /// this method on the error, the response that the handler returns is sent unchanged. If the handler drops the
    /// error without calling this method, [`AuthLayer`](crate::AuthLayer) sends the error's response instead.
    pub fn failure(&self) -> &Failure {
        self.0.handled.store(true, Ordering::Relaxed);
        &self.0.failure
    }
}

impl<E: Into<Failure>> From<E> for AuthError {
    fn from(error: E) -> Self {
        Self(Arc::new(Refusal::new(error.into())))
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.failure.fmt(f)
    }
}

hardtack::__debug_as_sentence!(AuthError);

impl std::error::Error for AuthError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0.failure)
    }
}

impl ResponseError for AuthError {
    fn status_code(&self) -> StatusCode {
        status(self.0.failure.reply())
    }

    fn error_response(&self) -> HttpResponse {
        reply_response(self.failure().reply().clone())
    }
}

fn status(reply: &Reply) -> StatusCode {
    StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Converts a reply from the core into a response.
pub fn reply_response(reply: Reply) -> HttpResponse {
    let mut response = HttpResponse::new(status(&reply)).set_body(BoxBody::new(reply.body));
    for (name, value) in reply.headers {
        match HeaderValue::try_from(value) {
            Ok(value) => response.headers_mut().append(HeaderName::from_static(name), value),
            Err(_) => {
                UNSENDABLE_HEADER.add(|not_logged| tracing::error!(event = "unsendable_header", name, not_logged));
            }
        }
    }
    append(&reply.cookies, response.headers_mut());
    response
}
