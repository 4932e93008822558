//! Deny by default: a layer that lets nobody through without the token that it needs.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hardtack::Need;
use hardtack::adapter::Verification;
use hardtack::jwt::NoExtra;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::AuthError;
use crate::extract::{finish_verifying, try_verify};

/// Asks every request below for a token (`verify_jwt_in_request`). It belongs inside of [`crate::AuthLayer`].
///
/// A need that is `optional` lets visitors through and refuses bad tokens. OPTIONS needs none where it is exempt.
///
/// `Router::layer` wraps the router's fallback too, so that unknown paths ask for the token as well;
/// `Router::route_layer` wraps its routes only.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use hardtack::{Authenticator, KeySet, SigningKey};
/// # use hardtack::jwt::Algorithm;
/// use hardtack::Need;
/// use hardtack_axum::{AuthLayer, Require};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?)).build()?;
/// let app: Router = Router::new()
///     .route("/reports", get(|| async { "secret" }))
///     .layer(Require::new(Need::access()))
///     .layer(AuthLayer::new(auth));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Require {
    need: Need,
}

impl Require {
    /// The layer for a need.
    pub const fn new(need: Need) -> Self {
        Self { need }
    }
}

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService { inner, need: self.need }
    }
}

/// The service that [`Require`] makes.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: S,
    need: Need,
}

impl<S> Service<Request> for RequireService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RequireFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (parts, body) = request.into_parts();
        let state = match try_verify::<NoExtra>(&parts, self.need) {
            Verification::Ready(Ok(_)) => State::Handler { future: self.inner.call(Request::from_parts(parts, body)) },
            Verification::Ready(Err(failure)) => {
                State::Refused { response: Some(AuthError::from(failure).into_response()) }
            }
            Verification::Pending(waiting) => {
                // The service that was polled ready does the call; its clone waits for the next request.
                let next = self.inner.clone();
                let mut ready = std::mem::replace(&mut self.inner, next);
                let future = Box::pin(async move {
                    match finish_verifying::<NoExtra>(&parts, waiting).await {
                        Ok(_) => ready.call(Request::from_parts(parts, body)).await,
                        Err(failure) => Ok(AuthError::from(failure).into_response()),
                    }
                });
                State::PendingVerification { future }
            }
        };
        RequireFuture { state }
    }
}

pin_project! {
    /// The layer's future: the handler's own, and boxed only where somebody is waited for first.
    pub struct RequireFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Handler { #[pin] future: F },
        Refused { response: Option<Response> },
        PendingVerification { future: Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>> },
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for RequireFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Handler { future } => future.poll(cx),
            // Whoever polls again after the end has got the answer.
            StateProjection::Refused { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProjection::PendingVerification { future } => future.as_mut().poll(cx),
        }
    }
}
