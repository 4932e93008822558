//! The layer: reads a form's CSRF field on the way in, adds cookies and `Cache-Control` on the way out.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hardtack::csrf::{FormPeek, FormToken};
use hardtack::{Authenticator, Memo};
use http::{HeaderValue, header};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::head::{Fields, head};
use crate::peek::peek;
use crate::respond::append;

/// Puts an [`Authenticator`] around a router. Its extractors then work in every handler below.
#[derive(Clone, Debug)]
pub struct AuthLayer {
    engine: Authenticator,
}

impl AuthLayer {
    /// The layer of an engine.
    pub fn new(engine: Authenticator) -> Self {
        Self { engine }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService { inner, engine: self.engine.clone() }
    }
}

/// What extractors find in a request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Layered {
    pub(crate) engine: Authenticator,
    pub(crate) memo: Arc<Memo>,
}

/// The service that [`AuthLayer`] makes.
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    inner: S,
    engine: Authenticator,
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
        let fields = Fields(request.headers());
        let form = self.engine.form_peek(&head(request.method(), request.uri(), &fields, request.extensions()));
        let Some(form) = form else {
            let layered = attach(&mut request, &self.engine, FormToken::Unread);
            return ResponseFuture { state: State::Handler { future: self.inner.call(request), layered } };
        };
        // The service that was polled ready does the call; its clone waits for the next request.
        let waiting = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, waiting);
        let future = Box::pin(call_form(ready, self.engine.clone(), request, form));
        ResponseFuture { state: State::Form { future } }
    }
}

fn attach(request: &mut Request, engine: &Authenticator, form: FormToken) -> Layered {
    let layered = Layered { engine: engine.clone(), memo: Arc::new(Memo::layered(form)) };
    request.extensions_mut().insert(layered.clone());
    layered
}

async fn call_form<S>(mut inner: S, engine: Authenticator, request: Request, form: FormPeek) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let (parts, body) = request.into_parts();
    let (token, body) = peek(body, form).await;
    let mut request = Request::from_parts(parts, body);
    let layered = attach(&mut request, &engine, token);
    let Ok(response) = inner.call(request).await;
    finish(response, &layered)
}

pin_project! {
    /// The layer's future: the handler's own, and boxed only where a form is read first.
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Handler { #[pin] future: F, layered: Layered },
        Form { future: Pin<Box<dyn Future<Output = Response> + Send>> },
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
            StateProjection::Form { future } => future.as_mut().poll(cx).map(Ok),
        }
    }
}

fn finish(mut response: Response<Body>, layered: &Layered) -> Response {
    let set = response.headers().get_all(header::SET_COOKIE);
    let additions = layered.engine.finish(&layered.memo, set.iter().map(HeaderValue::as_bytes));
    append(additions.cookies, response.headers_mut());
    if additions.no_store {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    response
}
