//! Deny by default: a layer that lets nobody through without the token that it needs.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error, HttpRequest};
use hardtack::Need;
use hardtack::adapter::{PendingVerification, Verification};
use hardtack::jwt::NoExtra;
use pin_project_lite::pin_project;

use crate::AuthError;
use crate::head::Head;
use crate::layer::Layered;

/// Asks every request below for a token (`verify_jwt_in_request`). It belongs inside of [`crate::AuthLayer`]:
/// actix-web runs the middleware first that is wrapped last.
///
/// A need that is `optional` lets visitors through and refuses bad tokens. OPTIONS needs none where it is exempt.
///
/// ```
/// # use actix_web::{App, web};
/// # use hardtack::{Authenticator, KeySet, SigningKey};
/// # use hardtack::jwt::Algorithm;
/// use hardtack::Need;
/// use hardtack_actix::{AuthLayer, Require};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?)).build()?;
/// let app = App::new()
///     .route("/reports", web::get().to(async || "secret"))
///     .wrap(Require::new(Need::access()))
///     .wrap(AuthLayer::new(auth));
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

impl<S, B> Transform<S, ServiceRequest> for Require
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = RequireService<S>;
    type InitError = ();
    type Future = Ready<Result<RequireService<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(RequireService { inner: Rc::new(inner), need: self.need }))
    }
}

/// The service that [`Require`] makes.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: Rc<S>,
    need: Need,
}

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
        let need = self.need;
        let state = match try_verify(request.request(), need) {
            Ok(Ok(())) => State::Handler { future: self.inner.call(request) },
            Ok(Err(waiting)) => {
                let inner = Rc::clone(&self.inner);
                let future = Box::pin(async move {
                    match finish_verifying(request.request(), waiting).await {
                        Ok(()) => Ok(inner.call(request).await?.map_into_left_body()),
                        Err(error) => Ok(refused(request, error)),
                    }
                });
                State::PendingVerification { future }
            }
            Err(error) => State::Refused { response: Some(refused(request, error)) },
        };
        RequireFuture { state }
    }
}

/// Whether the need is met, as far as nobody has to be waited for.
fn try_verify(request: &HttpRequest, need: Need) -> Result<Result<(), PendingVerification>, AuthError> {
    let layered = Layered::or_engine(request)?;
    match Head::of(request).exchange(&layered.memo).try_verify::<NoExtra>(need) {
        Verification::Ready(answer) => Ok(answer.map(|_| Ok(()))?),
        Verification::Pending(waiting) => Ok(Err(waiting)),
    }
}

/// Whether it is.
async fn finish_verifying(request: &HttpRequest, waiting: PendingVerification) -> Result<(), AuthError> {
    let layered = Layered::or_engine(request)?;
    Head::of(request).exchange(&layered.memo).finish_verifying::<NoExtra>(waiting).await?;
    Ok(())
}

fn refused<B>(request: ServiceRequest, error: AuthError) -> ServiceResponse<EitherBody<B>> {
    request.error_response(error).map_into_right_body()
}

type Answer<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

pin_project! {
    /// The layer's future: the handler's own, and boxed only where somebody is waited for first.
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
        PendingVerification { future: Pin<Box<dyn Future<Output = Answer<B>>>> },
    }
}

impl<F, B> Future for RequireFuture<F, B>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = Answer<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Handler { future } => {
                future.poll(cx).map(|result| result.map(ServiceResponse::map_into_left_body))
            }
            // Whoever polls again after the end has got the answer.
            StateProjection::Refused { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            StateProjection::PendingVerification { future } => future.as_mut().poll(cx),
        }
    }
}
