//! The service of the `Require` layer.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpRequest};
use hardtack::adapter::{PendingVerification, Verification};
use hardtack::jwt::NoExtra;
use hardtack::{Failure, Need};
use pin_project_lite::pin_project;

use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// The service that [`Require`](crate::Require) creates.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: Rc<S>,
    need: Need,
}

impl<S> RequireService<S> {
    pub(super) fn new(inner: S, need: Need) -> Self {
        Self { inner: Rc::new(inner), need }
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
        let state = match try_verify(request.request(), self.need) {
            Verification::Ready(Ok(_)) => State::Handler { future: self.inner.call(request) },
            Verification::Ready(Err(failure)) => State::Refused { response: Some(refuse(request, failure)) },
            Verification::Pending(pending) => {
                let inner = Rc::clone(&self.inner);
                let future = Box::pin(async move {
                    match finish_verifying(request.request(), pending).await {
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

fn try_verify(request: &HttpRequest, need: Need) -> Verification {
    match AuthState::for_verification(request) {
        Ok(state) => Head::of(request).exchange(&state).try_verify(need),
        Err(failure) => Verification::Ready(Err(failure)),
    }
}

async fn finish_verifying(request: &HttpRequest, pending: PendingVerification) -> Result<(), Failure> {
    let state = AuthState::for_verification(request)?;
    Head::of(request).exchange(&state).finish_verifying::<NoExtra>(pending).await?;
    Ok(())
}

fn refuse<B>(request: ServiceRequest, failure: Failure) -> ServiceResponse<EitherBody<B>> {
    request.error_response(AuthError::from(failure)).map_into_right_body()
}

pin_project! {
    /// The future of [`RequireService`]. It polls the inner future in place, and allocates only if verification needs
    /// I/O.
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
            // The response is gone if the future is polled again after it completed.
            StateProjection::Refused { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProjection::Verifying { future } => future.as_mut().poll(cx),
        }
    }
}
