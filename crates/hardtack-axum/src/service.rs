//! The service of `AuthLayer`. It adds Hardtack's state to the request, calls the inner service, and adds cookies and
//! headers to the response. During development, it also serves the page that explains refusals.

use std::any::Any;
use std::future::Future;
use std::iter::once_with;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::Body;
use axum::extract::{OriginalUri, Request};
use bytes::Bytes;
use hardtack::adapter::{LogLimit, NO_STORE, Peeked, RequestState};
use hardtack::{Authenticator, Reply};
use http::{HeaderValue, StatusCode, header};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::background;
use crate::body::SharedBody;
use crate::request::{AuthState, Head};
use crate::respond::{append, reply_response};

static NOT_SENT: LogLimit = LogLimit::new("explanation_page_not_sent");

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
    B: 'static,
{
    type Response = http::Response<B>;
    type Error = S::Error;
    type Future = AuthFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<R>) -> Self::Future {
        let mut request = request.map(Body::new);
        if self.authenticator.explains_refusals() {
            let page;
            (page, request) = self.explanation_page::<B>(request);
            if page.is_some() {
                return AuthFuture { work: Work::Page { reply: page } };
            }
        }
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
        AuthFuture { work: Work::Inner { future: self.inner.call(request), state: OpenHead(state) } }
    }
}

impl<S> AuthService<S> {
    /// Returns the request. If the request is for the page that explains refusals, also returns this page.
    ///
    /// The type of the response's body depends on the inner service. If this type is not axum's [`Body`], for example
    /// because a compression layer between this layer and a router changes the type, the page cannot be sent.
    #[cold]
    fn explanation_page<B: 'static>(&self, request: Request) -> (Option<Box<Reply>>, Request) {
        let (parts, body) = request.into_parts();
        let mut page = self.authenticator.explanation_page(&Head::of(&parts).request_head()).map(Box::new);
        if page.is_some() && !is_axum_body::<B>() {
            NOT_SENT.add(|not_logged| {
                tracing::warn!(
                    event = "explanation_page_not_sent",
                    not_logged,
                    "the page that explains refusals cannot be sent, because a layer inside AuthLayer changes the type \
                     of response bodies; to see the page, add AuthLayer to the Router directly, with .layer(..)"
                );
            });
            page = None;
        }
        (page, Request::from_parts(parts, body))
    }
}

fn is_axum_body<B: 'static>() -> bool {
    std::any::TypeId::of::<B>() == std::any::TypeId::of::<Body>()
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
        // The page that explains refusals. The page is sent only if the inner service responds with axum's `Body`.
        Page {
            reply: Option<Box<Reply>>,
        },
    }
}

impl<F: Future<Output = Result<http::Response<B>, E>>, B: 'static, E> Future for AuthFuture<F> {
    type Output = Result<http::Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().work.project() {
            WorkProjection::Inner { future, state } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(finish(response, state)))
            }
            // If the future is polled again after it has completed, it stays pending.
            WorkProjection::Page { reply } => match reply.take().and_then(|reply| with_body(*reply)) {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
        }
    }
}

/// Converts a reply into a response whose body has the type `B`. Returns `None` if `B` is not axum's [`Body`].
#[cold]
fn with_body<B: 'static>(reply: Reply) -> Option<http::Response<B>> {
    let mut response = Some(reply_response(reply));
    (&mut response as &mut dyn Any).downcast_mut::<Option<http::Response<B>>>().and_then(Option::take)
}

/// The state of a request whose response has no head yet. This value is dropped when the head is complete or the
/// handler is canceled. The `Drop` implementation records in the state that the head can no longer change.
struct OpenHead(AuthState);

impl Drop for OpenHead {
    fn drop(&mut self) {
        self.0.close_head();
    }
}

static PRIVATE: HeaderValue = HeaderValue::from_static(NO_STORE);

/// The path as the client sent it. Inside a nested router, the request's own URI lacks that router's prefix.
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
