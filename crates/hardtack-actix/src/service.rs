//! The service that `AuthLayer` creates. It adds Hardtack's state to the request, calls the inner service, and adds
//! cookies and headers to the response. During development, it also serves the page that explains refusals.

use std::future::Future;
use std::iter::once_with;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{Error, HttpMessage};
use hardtack::Authenticator;
use hardtack::adapter::{LogLimit, NO_STORE, Peeked, RequestState, ResponseChanges};
use pin_project_lite::pin_project;

use crate::background;
use crate::body::SharedPayload;
use crate::request::{AuthState, Head};
use crate::respond::{append, reply_response};

static UNHEEDED: LogLimit = LogLimit::new("unheeded_refusal");

/// The service that [`AuthLayer`](crate::AuthLayer) creates.
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: Rc<S>,
    authenticator: Authenticator,
}

impl<S> AuthService<S> {
    pub(crate) fn new(inner: S, authenticator: Authenticator) -> Self {
        Self { inner: Rc::new(inner), authenticator }
    }
}

type ServiceResult<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

impl<S, B> Service<ServiceRequest> for AuthService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = AuthFuture<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let authenticator = &self.authenticator;
        if authenticator.explains_refusals() {
            let page = authenticator.explanation_page(&Head::of(request.request()).request_head());
            if let Some(page) = page.map(reply_response) {
                return AuthFuture { work: Work::Page { response: Some(Box::new(request.into_response(page))) } };
            }
        }
        background::ensure_running(authenticator);
        let mut state = RequestState::in_layer(authenticator.clone(), Peeked::default());
        if authenticator.method_may_need_body(request.method().is_safe())
            && authenticator.may_read_body(&Head::of(request.request()).request_head())
        {
            let shared = SharedPayload::new(request.take_payload());
            request.set_payload(shared.payload());
            request.extensions_mut().insert(shared);
            state = state.keeping_body();
        }
        let state = AuthState::new(state);
        state.note_path(|| request.path());
        state.insert_into(&request);
        AuthFuture { work: Work::Inner { future: self.inner.call(request), state: OpenHead(state) } }
    }
}

pin_project! {
    /// The future that [`AuthService`] returns. It polls the inner future in place and allocates nothing.
    pub struct AuthFuture<F> {
        #[pin]
        work: Work<F>,
    }
}

pin_project! {
    #[project = WorkProjection]
    enum Work<F> {
        Inner {
            #[pin]
            future: F,
            state: OpenHead,
        },
        // The page that explains refusals.
        Page {
            response: Option<Box<ServiceResponse>>,
        },
    }
}

impl<F, B> Future for AuthFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = ServiceResult<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().work.project() {
            WorkProjection::Inner { future, state } => future.poll(cx).map(|result| finish(result, &state.0)),
            // If the future is polled again after it has completed, it stays pending.
            WorkProjection::Page { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map_into_right_body())),
                None => Poll::Pending,
            },
        }
    }
}

/// The state of a request whose response does not have a complete head yet. This value is dropped when the head is
/// complete or the handler is canceled. The `Drop` implementation then records in the state that the head can no longer
/// change.
struct OpenHead(Rc<AuthState>);

impl Drop for OpenHead {
    fn drop(&mut self) {
        self.0.close_head();
    }
}

fn finish<B>(result: Result<ServiceResponse<B>, Error>, state: &AuthState) -> ServiceResult<B> {
    match result {
        Ok(response) => Ok(finish_response(response, state)),
        Err(error) => Err(finish_error(error, state)),
    }
}

/// Adds Hardtack's cookies, `Cache-Control` and `Vary` to a response. If the handler ran even though its token was
/// refused, the refusal replaces the handler's response.
fn finish_response<B>(response: ServiceResponse<B>, state: &AuthState) -> ServiceResponse<EitherBody<B>> {
    let mut response = match state.unhandled_refusal() {
        None => response.map_into_left_body(),
        Some(refusal) => {
            UNHEEDED.add(|not_logged| {
                tracing::error!(
                    event = "unheeded_refusal",
                    code = refusal.failure().reason().code(),
                    not_logged,
                    "a handler ran although the request's token was refused; use Optional<AccessToken> instead of \
                     Option<AccessToken>"
                );
            });
            response.into_response(reply_response(refusal.failure().reply().clone()).map_into_right_body())
        }
    };
    if response.status() == StatusCode::NOT_FOUND {
        state.notice_not_found();
    }
    apply(&changes(response.headers(), state), response.headers_mut());
    response
}

/// Makes the same changes as `finish_response`, but to a response that does not exist yet. An outer service will create
/// it from this error.
fn finish_error(mut error: Error, state: &AuthState) -> Error {
    let changes = changes(error.error_response().headers(), state);
    error.add_response_mapper(move |mut response| {
        apply(&changes, response.headers_mut());
        response
    });
    error
}

fn changes(headers: &HeaderMap, state: &AuthState) -> ResponseChanges {
    // The `Set-Cookie` fields are looked up only if the core iterates over them.
    let set_cookies = once_with(|| headers.get_all(header::SET_COOKIE)).flatten();
    state.finish(set_cookies.map(HeaderValue::as_bytes))
}

static PRIVATE: HeaderValue = HeaderValue::from_static(NO_STORE);

fn apply(changes: &ResponseChanges, headers: &mut HeaderMap) {
    if !changes.cookies.is_empty() {
        append(&changes.cookies, headers);
    }
    let vary = changes.missing_vary(headers.get_all(header::VARY).map(HeaderValue::as_bytes));
    if let Some(vary) = vary.and_then(|vary| HeaderValue::from_str(vary).ok()) {
        headers.append(header::VARY, vary);
    }
    if changes.private {
        headers.insert(header::CACHE_CONTROL, PRIVATE.clone());
    }
}
