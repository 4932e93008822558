//! The service of the `Require` layer.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hardtack::adapter::{PendingVerification, Verification};
use hardtack::jwt::NoExtra;
use hardtack::{Failure, Need};
use http::request::Parts;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// The service that [`Require`](crate::Require) creates.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: S,
    need: Need,
}

impl<S> RequireService<S> {
    pub(super) fn new(inner: S, need: Need) -> Self {
        Self { inner, need }
    }
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
        let state = match try_verify(&parts, self.need) {
            Verification::Ready(Ok(_)) => State::Handler { future: self.inner.call(Request::from_parts(parts, body)) },
            Verification::Ready(Err(failure)) => {
                State::Refused { response: Some(AuthError::from(failure).into_response()) }
            }
            Verification::Pending(pending) => {
                // The service that was polled ready handles this request; its clone handles the next one.
                let next = self.inner.clone();
                let mut ready = std::mem::replace(&mut self.inner, next);
                let future = Box::pin(async move {
                    match finish_verifying(&parts, pending).await {
                        Ok(()) => ready.call(Request::from_parts(parts, body)).await,
                        Err(failure) => Ok(AuthError::from(failure).into_response()),
                    }
                });
                State::Verifying { future }
            }
        };
        RequireFuture { state }
    }
}

fn try_verify(parts: &Parts, need: Need) -> Verification {
    match AuthState::for_verification(parts) {
        Ok(state) => Head::of(parts).exchange(&state).try_verify(need),
        Err(failure) => Verification::Ready(Err(failure)),
    }
}

async fn finish_verifying(parts: &Parts, pending: PendingVerification) -> Result<(), Failure> {
    let state = AuthState::for_verification(parts)?;
    Head::of(parts).exchange(&state).finish_verifying::<NoExtra>(pending).await?;
    Ok(())
}

pin_project! {
    /// The future of [`RequireService`]. It polls the inner future in place, and allocates only if verification needs
    /// I/O.
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
        Verifying { future: Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>> },
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for RequireFuture<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Handler { future } => future.poll(cx),
            // The response is gone if the future is polled again after it completed.
            StateProjection::Refused { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProjection::Verifying { future } => future.as_mut().poll(cx),
        }
    }
}
