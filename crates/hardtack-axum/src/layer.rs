//! The layer: reads a form's CSRF field on the way in, adds cookies and `Cache-Control` on the way out.

use std::convert::Infallible;
use std::future::Future;
use std::iter::once_with;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hardtack::adapter::RequestState;
use hardtack::adapter::{BodyPeek, Peeked};
use hardtack::refusal::NO_STORE;
use hardtack::refusal::Reason;
use hardtack::{Authenticator, Failure};
use http::request::Parts;
use http::{Extensions, HeaderValue, header};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::head::Head;
use crate::peek::peek;
use crate::respond::append;

/// Puts an [`Authenticator`] around a router. Its extractors then work in every handler below.
#[derive(Clone, Debug)]
pub struct AuthLayer {
    authenticator: Authenticator,
}

impl AuthLayer {
    /// The layer of an authenticator.
    pub fn new(authenticator: Authenticator) -> Self {
        Self { authenticator }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService { inner, authenticator: self.authenticator.clone() }
    }
}

/// What extractors find in a request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Layered(Arc<RequestState>);

impl Layered {
    fn new(memo: RequestState) -> Self {
        Self(Arc::new(memo))
    }

    /// Leaves itself in a request for its extractors.
    fn left_in(self, extensions: &mut Extensions) -> Self {
        if extensions.is_empty() {
            extensions.clone_from(&ROOM);
        }
        extensions.insert(self.clone());
        self
    }

    #[inline]
    pub(crate) fn find(parts: &Parts) -> Option<&Self> {
        parts.extensions.get::<Self>()
    }

    /// What the layer left in a request.
    pub(crate) fn of(parts: &Parts) -> Result<&Self, Failure> {
        Self::find(parts).ok_or_else(|| {
            let advice = "no AuthLayer wraps this route; add .layer(AuthLayer::new(auth)) to the router";
            Failure::outside(Reason::NotSetUp(advice.into()))
        })
    }

    /// The same; without the layer, an authenticator in an `Extension` will do for checking.
    pub(crate) fn or_engine(parts: &Parts) -> Result<Lent<'_>, Failure> {
        if let Some(layered) = Self::find(parts) {
            return Ok(Lent::Layered(layered));
        }
        match parts.extensions.get::<Authenticator>() {
            Some(authenticator) => Ok(Lent::Alone(RequestState::without_layer(authenticator.clone()))),
            None => Self::of(parts).map(|layered| Lent::Layered(layered)),
        }
    }
}

/// A memo for as long as an extractor looks at it.
pub(crate) enum Lent<'p> {
    /// The layer's.
    Layered(&'p RequestState),
    /// An extractor's own.
    Alone(RequestState),
}

impl Deref for Lent<'_> {
    type Target = RequestState;

    fn deref(&self) -> &RequestState {
        match self {
            Self::Layered(memo) => memo,
            Self::Alone(memo) => memo,
        }
    }
}

impl Deref for Layered {
    type Target = RequestState;

    fn deref(&self) -> &RequestState {
        &self.0
    }
}

/// The service that [`AuthLayer`] makes.
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: S,
    authenticator: Authenticator,
}

impl<S> Service<Request> for AuthService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if self.authenticator.method_may_need_body(request.method().is_safe()) {
            let wanted;
            (request, wanted) = look(&self.authenticator, request);
            if let Some(wanted) = wanted {
                // The service that was polled ready does the call; its clone waits for the next request.
                let waiting = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, waiting);
                let future = Box::pin(call_peeked(ready, self.authenticator.clone(), wanted, request));
                return ResponseFuture { state: State::Peeking { future } };
            }
        }
        let memo = RequestState::in_layer(self.authenticator.clone(), Peeked::default());
        let layered = Layered::new(memo).left_in(request.extensions_mut());
        ResponseFuture { state: State::Handler { future: self.inner.call(request), layered } }
    }
}

/// Whether a request's body is to be read. Apart from the rest, which would move all requests for the sake of few.
#[inline(never)]
fn look(authenticator: &Authenticator, request: Request) -> (Request, Option<BodyPeek>) {
    let (parts, body) = request.into_parts();
    let wanted = authenticator.body_peek(&Head::of(&parts).request_head());
    (Request::from_parts(parts, body), wanted)
}

/// Extensions without any, and with room for ours beside those that axum adds to every request (its URI, its
/// route, its parameters): a table that grows to that size is made twice.
static ROOM: LazyLock<Extensions> = LazyLock::new(|| {
    #[derive(Clone)]
    struct Place<const N: usize>;
    let mut room = Extensions::new();
    room.insert(Place::<0>);
    room.insert(Place::<1>);
    room.insert(Place::<2>);
    room.insert(Place::<3>);
    room.clear();
    room
});

async fn call_peeked<S>(mut inner: S, authenticator: Authenticator, wanted: BodyPeek, request: Request) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let (parts, body) = request.into_parts();
    let (peeked, body) = peek(body, wanted).await;
    let mut request = Request::from_parts(parts, body);
    let layered = Layered::new(RequestState::in_layer(authenticator, peeked)).left_in(request.extensions_mut());
    let Ok(response) = inner.call(request).await;
    finish(response, &layered)
}

pin_project! {
    /// The layer's future: the handler's own, and boxed only where a body is read first.
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Handler { #[pin] future: F, layered: Layered },
        Peeking { future: Pin<Box<dyn Future<Output = Response> + Send>> },
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for ResponseFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Handler { future, layered } => {
                let Ok(response) = ready!(future.poll(cx));
                Poll::Ready(Ok(finish(response, layered)))
            }
            StateProjection::Peeking { future } => future.as_mut().poll(cx).map(Ok),
        }
    }
}

static PRIVATE: HeaderValue = HeaderValue::from_static(NO_STORE);

fn finish(mut response: Response<Body>, layered: &Layered) -> Response {
    let headers = response.headers_mut();
    let set = once_with(|| headers.get_all(header::SET_COOKIE)).flatten();
    let additions = layered.finish(set.map(HeaderValue::as_bytes));
    if !additions.cookies.is_empty() {
        append(additions.cookies, headers);
    }
    if additions.private {
        headers.insert(header::CACHE_CONTROL, PRIVATE.clone());
    }
    response
}
