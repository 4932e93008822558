//! Deny by default: a layer that lets nobody through without the token that it needs.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use hardtack::{Need, NoExtra};

use crate::extract::required;

/// Asks every request below for a token. It belongs inside of [`crate::AuthLayer`]: actix-web runs the
/// middleware first that is wrapped last.
///
/// ```
/// # use actix_web::{App, web};
/// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
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
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, need) = (Rc::clone(&self.inner), self.need);
        Box::pin(async move {
            match required::<NoExtra>(request.request(), need).await {
                Ok(_) => Ok(inner.call(request).await?.map_into_left_body()),
                Err(error) => Ok(request.error_response(error).map_into_right_body()),
            }
        })
    }
}
