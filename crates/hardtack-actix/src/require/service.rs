//! The service behind the `Require` layer.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpRequest};
use hardtack::adapter::Verification;
use hardtack::jwt::NoExtra;
use hardtack::token_source::RequiredClaims;
use hardtack::{Failure, Need};
use pin_project_lite::pin_project;

use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// The service that [`Require`](crate::Require) creates.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: Rc<S>,
    need: Need,
    claims: RequiredClaims,
}

impl<S> RequireService<S> {
    pub(super) fn new(inner: S, need: Need, claims: RequiredClaims) -> Self {
        Self { inner: Rc::new(inner), need, claims }
    }
}

type ServiceResult<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

impl<S, B> Service<ServiceRequest> for RequireService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = RequireFuture<S::Future, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let state = match start(request.request(), self.need, &self.claims) {
            Attempt::Verified(Verification::Ready(Ok(_))) => State::Handler { future: self.inner.call(request) },
            Attempt::Verified(Verification::Ready(Err(failure))) => {
                State::Refused { response: Some(refuse(request, failure)) }
            }
            attempt @ (Attempt::Verified(Verification::Pending(_)) | Attempt::ReadAhead) => {
                let (inner, need, claims) = (Rc::clone(&self.inner), self.need, self.claims.clone());
                let future = Box::pin(async move {
                    match finish(request.request(), attempt, need, &claims).await {
                        Ok(()) => inner.call(request).await.map(ServiceResponse::map_into_left_body),
                        Err(failure) => Ok(refuse(request, failure)),
                    }
                });
                State::Verifying { future }
            }
        };
        RequireFuture { state }
    }
}

/// The result of trying to verify a request without I/O.
enum Attempt {
    Verified(Verification),
    /// The verification may need the beginning of the body, which must be read first.
    ReadAhead,
}

fn start(request: &HttpRequest, need: Need, claims: &RequiredClaims) -> Attempt {
    match AuthState::for_verification(request) {
        Ok(state) if state.has_unread_body() => Attempt::ReadAhead,
        Ok(state) => Attempt::Verified(Head::of(request).exchange(&state).try_verify_with(need, claims)),
        Err(failure) => Attempt::Verified(Verification::Ready(Err(failure))),
    }
}

async fn finish(request: &HttpRequest, attempt: Attempt, need: Need, claims: &RequiredClaims) -> Result<(), Failure> {
    let (state, head) = (AuthState::for_verification(request)?, Head::of(request));
    let exchange = head.exchange(&state);
    let verification = match attempt {
        Attempt::Verified(verification) => verification,
        Attempt::ReadAhead => {
            state.read_ahead(request, Some(need)).await?;
            exchange.try_verify_with(need, claims)
        }
    };
    match verification {
        Verification::Ready(result) => result.map(drop),
        Verification::Pending(pending) => exchange.finish_verifying::<NoExtra>(pending).await.map(drop),
    }
}

fn refuse<B>(request: ServiceRequest, failure: Failure) -> ServiceResponse<EitherBody<B>> {
    request.error_response(AuthError::from(failure)).map_into_right_body()
}

pin_project! {
    /// The future that [`RequireService`] returns. It polls the inner service's future in place, and allocates only if
    /// verification needs I/O.
    pub struct RequireFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B> {
        Handler { #[pin] future: F },
        Refused { response: Option<ServiceResponse<EitherBody<B>>> },
        Verifying { future: Pin<Box<dyn Future<Output = ServiceResult<B>>>> },
    }
}

impl<F, B> Future for RequireFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = ServiceResult<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Handler { future } => {
                future.poll(cx).map(|result| result.map(ServiceResponse::map_into_left_body))
            }
            // If the future is polled again after it has completed, the response is gone.
            StateProjection::Refused { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProjection::Verifying { future } => future.as_mut().poll(cx),
        }
    }
}
