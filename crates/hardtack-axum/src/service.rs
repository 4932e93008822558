//! The service of the layer. It adds the request's state, calls the handler, and completes the response.

use std::convert::Infallible;
use std::future::Future;
use std::iter::once_with;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::Response;
use hardtack::Authenticator;
use hardtack::adapter::{BodyPeek, NO_STORE, Peeked, RequestState};
use http::{HeaderValue, header};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::background;
use crate::body::peek;
use crate::request::{AuthState, Head};
use crate::respond::append;

/// The service that [`AuthLayer`](crate::AuthLayer) creates.
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: S,
    authenticator: Authenticator,
}

impl<S> AuthService<S> {
    pub(crate) fn new(inner: S, authenticator: Authenticator) -> Self {
        Self { inner, authenticator }
    }
}

impl<S> Service<Request> for AuthService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = AuthFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        background::ensure_running(&self.authenticator);
        if self.authenticator.method_may_need_body(request.method().is_safe()) {
            let (parts, body) = request.into_parts();
            let body_peek = self.authenticator.body_peek(&Head::of(&parts).request_head());
            request = Request::from_parts(parts, body);
            if let Some(body_peek) = body_peek {
                // The service that was polled ready handles this request; its clone handles the next one.
                let next = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, next);
                let future = Box::pin(call_after_peek(ready, self.authenticator.clone(), body_peek, request));
                return AuthFuture { state: State::Peeking { future } };
            }
        }
        let state = AuthState::new(RequestState::in_layer(self.authenticator.clone(), Peeked::default()));
        state.insert_into(request.extensions_mut());
        AuthFuture { state: State::Handler { future: self.inner.call(request), state: OpenHead(state) } }
    }
}

/// Reads the beginning of the body, then runs the handler with the whole body.
async fn call_after_peek<S>(
    mut inner: S,
    authenticator: Authenticator,
    body_peek: BodyPeek,
    request: Request,
) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let (parts, body) = request.into_parts();
    let (peeked, body) = peek(body, body_peek).await;
    let mut request = Request::from_parts(parts, body);
    let state = AuthState::new(RequestState::in_layer(authenticator, peeked));
    state.insert_into(request.extensions_mut());
    let state = OpenHead(state);
    let Ok(response) = inner.call(request).await;
    finish(response, &state)
}

pin_project! {
    /// The future of [`AuthService`]. It polls the inner future in place, and allocates only if the body has to be read
    /// before the handler runs.
    pub struct AuthFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Handler { #[pin] future: F, state: OpenHead },
        Peeking { future: Pin<Box<dyn Future<Output = Response> + Send>> },
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for AuthFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Handler { future, state } => {
                let Ok(response) = ready!(future.poll(cx));
                Poll::Ready(Ok(finish(response, state)))
            }
            StateProjection::Peeking { future } => future.as_mut().poll(cx).map(Ok),
        }
    }
}

/// The state of a request whose response has no head yet. If the handler is cancelled, the response never gets one.
struct OpenHead(AuthState);

impl Drop for OpenHead {
    fn drop(&mut self) {
        self.0.close_head();
    }
}

static PRIVATE: HeaderValue = HeaderValue::from_static(NO_STORE);

/// Adds `Cache-Control`, `Vary` and the cookies of a refresh to a response.
fn finish(mut response: Response, OpenHead(state): &OpenHead) -> Response {
    let headers = response.headers_mut();
    // Looks the fields up only if the core iterates over them.
    let set_cookies = once_with(|| headers.get_all(header::SET_COOKIE)).flatten();
    let mut changes = state.finish(set_cookies.map(HeaderValue::as_bytes));
    if !changes.cookies.is_empty() {
        append(std::mem::take(&mut changes.cookies), headers);
    }
    let vary = changes.missing_vary(headers.get_all(header::VARY).iter().map(HeaderValue::as_bytes));
    if let Some(vary) = vary.and_then(|vary| HeaderValue::from_str(vary).ok()) {
        headers.append(header::VARY, vary);
    }
    if changes.private {
        headers.insert(header::CACHE_CONTROL, PRIVATE.clone());
    }
    response
}
