//! The service of the `Require` layer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hardtack::adapter::Verification;
use hardtack::jwt::NoExtra;
use hardtack::token_source::RequiredClaims;
use hardtack::{Failure, Need};
use http::request::Parts;
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// The service that [`Require`](crate::Require) creates.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: S,
    need: Need,
    claims: RequiredClaims,
}

impl<S> RequireService<S> {
    pub(super) fn new(inner: S, need: Need, claims: RequiredClaims) -> Self {
        Self { inner, need, claims }
    }
}

impl<S, B, R> Service<http::Request<R>> for RequireService<S>
where
    S: Service<Request, Response = http::Response<B>, Error: 'static> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    R: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = RequireFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<R>) -> Self::Future {
        // `Body::new` does not box a value that is already a `Body`.
        let (parts, body) = request.map(Body::new).into_parts();
        let attempt = start(&parts, self.need, &self.claims);
        let state = match attempt {
            Attempt::Verified(Verification::Ready(Ok(_))) => {
                State::Handler { future: self.inner.call(Request::from_parts(parts, body)) }
            }
            Attempt::Verified(Verification::Ready(Err(failure))) => {
                State::Refused { response: Some(AuthError::from(failure).into_response()) }
            }
            attempt @ (Attempt::Verified(Verification::Pending(_)) | Attempt::ReadAhead) => {
                // This request must use the service on which `poll_ready` was called. A clone of the service handles
                // the next request.
                let next = self.inner.clone();
                let mut ready = std::mem::replace(&mut self.inner, next);
                let (need, claims) = (self.need, self.claims.clone());
                let future = Box::pin(async move {
                    match finish(&parts, attempt, need, &claims).await {
                        Ok(()) => ready.call(Request::from_parts(parts, body)).await.map(|reply| reply.map(Body::new)),
                        Err(failure) => Ok(AuthError::from(failure).into_response()),
                    }
                });
                State::Verifying { future }
            }
        };
        RequireFuture { state }
    }
}

/// The result of a verification that does no I/O.
enum Attempt {
    Verified(Verification),
    /// The verification may need the beginning of the body, which must be read first.
    ReadAhead,
}

fn start(parts: &Parts, need: Need, claims: &RequiredClaims) -> Attempt {
    match AuthState::for_verification(parts) {
        Ok(state) if state.has_unread_body() => Attempt::ReadAhead,
        Ok(state) => Attempt::Verified(Head::of(parts).exchange(&state).try_verify_with(need, claims)),
        Err(failure) => Attempt::Verified(Verification::Ready(Err(failure))),
    }
}

async fn finish(parts: &Parts, attempt: Attempt, need: Need, claims: &RequiredClaims) -> Result<(), Failure> {
    let state = AuthState::for_verification(parts)?;
    let (head, verification) = match attempt {
        Attempt::Verified(verification) => (Head::of(parts), verification),
        Attempt::ReadAhead => {
            state.read_ahead(parts, Some(need)).await?;
            let head = Head::of(parts);
            let verification = head.exchange(&state).try_verify_with(need, claims);
            (head, verification)
        }
    };
    match verification {
        Verification::Ready(result) => result.map(drop),
        Verification::Pending(pending) => head.exchange(&state).finish_verifying::<NoExtra>(pending).await.map(drop),
    }
}

pin_project! {
    /// The future that [`RequireService`] returns. It polls the inner future in place, and allocates only if
    /// verification needs I/O.
    pub struct RequireFuture<F, E> {
        #[pin]
        state: State<F, E>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, E> {
        Handler { #[pin] future: F },
        Refused { response: Option<Response> },
        Verifying { future: Pin<Box<dyn Future<Output = Result<Response, E>> + Send>> },
    }
}

impl<F, B, E> Future for RequireFuture<F, E>
where
    F: Future<Output = Result<http::Response<B>, E>>,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Handler { future } => {
                future.poll(cx).map(|result| result.map(|reply| reply.map(Body::new)))
            }
            // If the future is polled again after it has completed, the response is gone.
            StateProjection::Refused { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProjection::Verifying { future } => future.as_mut().poll(cx),
        }
    }
}
