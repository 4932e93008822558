//! The service of `AuthLayer`. It adds Hardtack's state to the request, calls the inner service, and adds cookies and
//! headers to the response.

use std::future::Future;
use std::iter::once_with;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::Body;
use axum::extract::{OriginalUri, Request};
use bytes::Bytes;
use hardtack::Authenticator;
use hardtack::adapter::{NO_STORE, Peeked, RequestState};
use http::{HeaderValue, StatusCode, header};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::background;
use crate::body::SharedBody;
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

impl<S, B, R> Service<http::Request<R>> for AuthService<S>
where
    S: Service<Request, Response = http::Response<B>>,
    R: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = http::Response<B>;
    type Error = S::Error;
    type Future = AuthFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<R>) -> Self::Future {
        let mut request = request.map(Body::new);
        background::ensure_running(&self.authenticator);
        let mut state = RequestState::in_layer(self.authenticator.clone(), Peeked::default());
        if self.authenticator.method_may_need_body(request.method().is_safe()) {
            let (mut parts, mut body) = request.into_parts();
            if self.authenticator.may_read_body(&Head::of(&parts).request_head()) {
                let shared = SharedBody::new(body);
                parts.extensions.insert(shared.clone());
                (body, state) = (Body::new(shared), state.keeping_body());
            }
            request = Request::from_parts(parts, body);
        }
        let state = AuthState::new(state);
        state.note_path(|| full_path(&request));
        state.insert_into(request.extensions_mut());
        AuthFuture { future: self.inner.call(request), state: OpenHead(state) }
    }
}

pin_project! {
    /// The future of [`AuthService`]. It polls the inner future in place and allocates nothing.
    pub struct AuthFuture<F> {
        #[pin]
        future: F,
        state: OpenHead,
    }
}

impl<F: Future<Output = Result<http::Response<B>, E>>, B, E> Future for AuthFuture<F> {
    type Output = Result<http::Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx))?;
        Poll::Ready(Ok(finish(response, this.state)))
    }
}

/// The state of a request whose response has no head yet. This value is dropped when the head is complete or the
/// handler is cancelled. The `Drop` implementation records in the state that the head can no longer change.
struct OpenHead(AuthState);

impl Drop for OpenHead {
    fn drop(&mut self) {
        self.0.close_head();
    }
}

static PRIVATE: HeaderValue = HeaderValue::from_static(NO_STORE);

/// The path as the client sent it. Inside a nested router, the request's own URI lacks the prefix of that router.
fn full_path(request: &Request) -> &str {
    request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0).path()
}

/// Adds Hardtack's cookies, `Cache-Control` and `Vary` to a response.
fn finish<B>(mut response: http::Response<B>, OpenHead(state): &OpenHead) -> http::Response<B> {
    if response.status() == StatusCode::NOT_FOUND {
        state.notice_not_found();
    }
    let headers = response.headers_mut();
    // The `Set-Cookie` fields are looked up only if the core iterates over them.
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
