//! The core's replies and cookies as axum responses.

use axum::body::Body;
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use hardtack::authenticator::SessionError;
use hardtack::{Failure, Reply};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Cookies to set or delete: part of any response, a redirect or JSON.
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
#[must_use = "these cookies have to be added to the response"]
pub struct SetCookies(hardtack::SetCookies);

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

/// Appends the `Set-Cookie` fields. What the core renders is always a valid field value.
pub(crate) fn append(cookies: hardtack::SetCookies, headers: &mut HeaderMap) {
    for cookie in cookies {
        match HeaderValue::try_from(cookie) {
            Ok(value) => {
                headers.append(header::SET_COOKIE, value);
            }
            Err(_) => tracing::error!(event = "unsendable_cookie"),
        }
    }
}

/// A refused request: the rejection of every extractor, and the error of [`crate::Auth`].
#[derive(Debug)]
pub struct AuthError(Cause);

#[derive(Debug)]
enum Cause {
    Refused(Failure),
    NoLayer,
    Session(SessionError),
}

impl AuthError {
    pub(crate) const fn no_layer() -> Self {
        Self(Cause::NoLayer)
    }

    /// Why the request was refused; none where the layer is missing or the error arose outside of one.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.0 {
            Cause::Refused(failure) => Some(failure),
            _ => None,
        }
    }
}

impl From<Failure> for AuthError {
    fn from(failure: Failure) -> Self {
        Self(Cause::Refused(failure))
    }
}

impl From<SessionError> for AuthError {
    fn from(error: SessionError) -> Self {
        Self(Cause::Session(error))
    }
}

impl From<hardtack::session::StoreError> for AuthError {
    fn from(error: hardtack::session::StoreError) -> Self {
        Self(Cause::Session(error.into()))
    }
}

impl std::fmt::Display for AuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Cause::Refused(failure) => failure.fmt(f),
            Cause::NoLayer => {
                f.write_str("no AuthLayer wraps this route; add .layer(AuthLayer::new(auth)) to the router")
            }
            Cause::Session(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AuthError {}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        match self.0 {
            Cause::Refused(failure) => reply_response(failure.into_reply()),
            Cause::NoLayer => {
                tracing::error!(event = "no_layer", "{}", AuthError::no_layer());
                plain(StatusCode::INTERNAL_SERVER_ERROR, "The server is not set up completely. Tell its operator.")
            }
            Cause::Session(error @ SessionError::Store(_)) => {
                tracing::error!(event = "store_unavailable", %error);
                let text = "Sessions cannot be reached at the moment. Try again shortly.";
                ([(header::RETRY_AFTER, "5")], plain(StatusCode::SERVICE_UNAVAILABLE, text)).into_response()
            }
            Cause::Session(error) => {
                tracing::error!(event = "cannot_issue", %error);
                plain(StatusCode::INTERNAL_SERVER_ERROR, "The log-in could not be completed. Tell the site's operator.")
            }
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, text).into_response()
}

/// Turns the core's plain data into a response.
pub fn reply_response(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        match HeaderValue::try_from(value) {
            Ok(value) => {
                response.headers_mut().append(HeaderName::from_static(name), value);
            }
            Err(_) => tracing::error!(event = "unsendable_header", name),
        }
    }
    append(reply.cookies, response.headers_mut());
    response
}
