//! Converts the core's replies, cookies and errors into axum responses.

use std::fmt;

use axum::body::Body;
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use hardtack::adapter::{CLEAR_CACHE, LogLimit, REGISTRATION};
use hardtack::{Failure, Reply, SessionId};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

static UNSENDABLE_COOKIE: LogLimit = LogLimit::new("unsendable_cookie");
static UNSENDABLE_HEADER: LogLimit = LogLimit::new("unsendable_header");

/// Cookies to set or delete. Return them as part of any response, such as a redirect or JSON.
///
/// ```
/// use axum::response::{IntoResponse, Redirect};
/// use hardtack_axum::{Auth, AuthError};
///
/// async fn log_out(auth: Auth) -> Result<impl IntoResponse, AuthError> {
///     Ok((auth.log_out().await?, Redirect::to("/")))
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

    /// Returns the new session if these cookies are from a log-in or a password change. If a log-in has to be undone,
    /// for example because the password was changed in the meantime, end this session with
    /// [`Authenticator::revoke_session`](hardtack::Authenticator::revoke_session).
    pub fn session(&self) -> Option<SessionId> {
        self.0.session()
    }
}

impl From<hardtack::SetCookies> for SetCookies {
    fn from(cookies: hardtack::SetCookies) -> Self {
        Self(cookies)
    }
}

impl IntoResponseParts for SetCookies {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        append(self.0, parts.headers_mut());
        Ok(parts)
    }
}

impl IntoResponse for SetCookies {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}

/// Appends the cookies as `Set-Cookie` fields. If the response ends the browser's session, also appends
/// `Clear-Site-Data`. If the response asks the browser to bind the session to its device, also appends
/// `Secure-Session-Registration`.
///
/// The values of the `Set-Cookie` fields are marked as sensitive, so `Debug` output, for example in traces, omits them.
/// The core produces only valid field values. If a cookie were invalid, it would be left out, and an error would be
/// logged.
pub(crate) fn append(cookies: hardtack::SetCookies, headers: &mut HeaderMap) {
    if cookies.clears_cache() {
        headers.append(CLEAR_SITE_DATA, HeaderValue::from_static(CLEAR_CACHE));
    }
    if let Some(Ok(registration)) = cookies.registration().map(HeaderValue::try_from) {
        headers.append(HeaderName::from_static(REGISTRATION), registration);
    }
    for cookie in cookies {
        match HeaderValue::try_from(cookie) {
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

/// The rejection type of every extractor, and the error type of [`Auth`](crate::Auth). It contains the reason for the
/// refusal, and can be converted into the response to the client.
///
/// The authenticator's methods return [`BackendError`](hardtack::BackendError) or
/// [`SessionError`](hardtack::authenticator::SessionError). The `?` operator converts both into an `AuthError`.
pub struct AuthError(Failure);

impl AuthError {
    /// Returns why the request was refused.
    pub fn failure(&self) -> &Failure {
        &self.0
    }
}

impl<E: Into<Failure>> From<E> for AuthError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

hardtack::__debug_as_sentence!(AuthError);

impl std::error::Error for AuthError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        reply_response(self.0.into_reply())
    }
}

/// Converts a reply from the core into a response.
pub fn reply_response(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        match HeaderValue::try_from(value) {
            Ok(value) => {
                response.headers_mut().append(HeaderName::from_static(name), value);
            }
            Err(_) => {
                UNSENDABLE_HEADER.add(|not_logged| tracing::error!(event = "unsendable_header", name, not_logged));
            }
        }
    }
    append(reply.cookies, response.headers_mut());
    response
}
