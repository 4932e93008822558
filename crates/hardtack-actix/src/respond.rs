//! The core's replies and cookies as actix-web responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use hardtack::authenticator::SessionError;
use hardtack::{Failure, Reply};

/// Cookies to set or delete: [`onto`](Self::onto) any response, a redirect or JSON.
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
#[must_use = "these cookies have to be added to the response"]
pub struct SetCookies(hardtack::SetCookies);

impl SetCookies {
    /// A response that sets these cookies, beside whatever else it is.
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
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        self.onto(HttpResponse::Ok().finish()).respond_to(request)
    }
}

/// A response with cookies: what [`SetCookies::onto`] makes. Return it from a handler, or turn it into an
/// `HttpResponse` if it holds one.
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
#[must_use = "the response has to be returned from the handler, or its cookies are lost"]
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

/// Appends the `Set-Cookie` fields. What the core renders is always a valid field value.
pub(crate) fn append(cookies: &hardtack::SetCookies, headers: &mut HeaderMap) {
    for cookie in cookies.iter() {
        match HeaderValue::from_str(cookie) {
            Ok(value) => headers.append(header::SET_COOKIE, value),
            Err(_) => tracing::error!(event = "unsendable_cookie"),
        }
    }
}

/// A refused request: the error of every extractor, and of [`crate::Auth`].
#[derive(Debug)]
pub struct AuthError(Cause);

#[derive(Debug)]
enum Cause {
    Refused(Arc<Refusal>),
    NoLayer,
    NoState(&'static str),
    Session(SessionError),
}

/// A failure, and whether somebody answered it or asked for it.
#[derive(Debug)]
pub(crate) struct Refusal {
    failure: Failure,
    heeded: AtomicBool,
}

impl Refusal {
    pub(crate) fn new(failure: Failure) -> Self {
        Self { failure, heeded: AtomicBool::new(false) }
    }

    pub(crate) fn failure(&self) -> &Failure {
        &self.failure
    }

    pub(crate) fn is_heeded(&self) -> bool {
        self.heeded.load(Ordering::Relaxed)
    }

    fn heed(&self) -> &Failure {
        self.heeded.store(true, Ordering::Relaxed);
        &self.failure
    }
}

impl AuthError {
    pub(crate) fn no_layer() -> Self {
        // Logged here and not with the response, which an `Option` of an extractor would prevent.
        let error = Self(Cause::NoLayer);
        tracing::error!(event = "no_layer", "{error}");
        error
    }

    pub(crate) fn no_state<S>() -> Self {
        let error = Self(Cause::NoState(std::any::type_name::<S>()));
        tracing::error!(event = "no_state", "{error}");
        error
    }

    /// Why the request was refused; none where the layer is missing or the error arose outside of one.
    ///
    /// A handler that takes a `Result<AccessToken, AuthError>` and asks this decides by itself what to
    /// answer. Where nobody asks and the error goes nowhere, [`crate::AuthLayer`] answers with it.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.0 {
            Cause::Refused(refusal) => Some(refusal.heed()),
            _ => None,
        }
    }
}

impl From<Arc<Refusal>> for AuthError {
    fn from(refusal: Arc<Refusal>) -> Self {
        Self(Cause::Refused(refusal))
    }
}

impl From<Failure> for AuthError {
    fn from(failure: Failure) -> Self {
        Arc::new(Refusal::new(failure)).into()
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
            Cause::Refused(refusal) => refusal.failure.fmt(f),
            Cause::NoLayer => f.write_str("no AuthLayer wraps this route; add .wrap(AuthLayer::new(auth)) to the App"),
            Cause::NoState(state) => {
                write!(f, "no web::Data<{state}> for CurrentUser; add .app_data(web::Data::new(..)) to the App")
            }
            Cause::Session(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AuthError {}

impl ResponseError for AuthError {
    fn status_code(&self) -> StatusCode {
        match &self.0 {
            Cause::Refused(refusal) => status(refusal.failure.reply()),
            Cause::Session(SessionError::Store(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Cause::NoLayer | Cause::NoState(_) | Cause::Session(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match &self.0 {
            Cause::Refused(refusal) => reply_response(refusal.heed().reply().clone()),
            Cause::NoLayer | Cause::NoState(_) => self.plain("The server is not set up completely. Tell its operator."),
            Cause::Session(error @ SessionError::Store(_)) => {
                tracing::error!(event = "store_unavailable", %error);
                let mut response = self.plain("Sessions cannot be reached at the moment. Try again shortly.");
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
                response
            }
            Cause::Session(error) => {
                tracing::error!(event = "cannot_issue", %error);
                self.plain("The log-in could not be completed. Tell the site's operator.")
            }
        }
    }
}

impl AuthError {
    fn plain(&self, text: &'static str) -> HttpResponse {
        HttpResponse::build(self.status_code()).content_type("text/plain; charset=utf-8").body(text)
    }
}

fn status(reply: &Reply) -> StatusCode {
    StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Turns the core's plain data into a response.
pub fn reply_response(reply: Reply) -> HttpResponse {
    let mut response = HttpResponse::new(status(&reply)).set_body(actix_web::body::BoxBody::new(reply.body));
    for (name, value) in reply.headers {
        match HeaderValue::try_from(value) {
            Ok(value) => response.headers_mut().append(HeaderName::from_static(name), value),
            Err(_) => tracing::error!(event = "unsendable_header", name),
        }
    }
    append(&reply.cookies, response.headers_mut());
    response
}
