//! A layer that refuses requests without a required token.

mod service;

use std::future::{Ready, ready};

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use hardtack::Need;

pub use service::{RequireFuture, RequireService};

/// A layer that requires a token for every request to the routes that it wraps. Add it before
/// [`AuthLayer`](crate::AuthLayer), because actix-web runs the most recently added middleware first.
///
/// With an [optional](Need::optional) need, it lets requests without a token pass and refuses invalid tokens. `OPTIONS`
/// requests pass if they are [exempt](hardtack::AuthenticatorBuilder::exempt_options).
///
/// It also wraps the default service of the scope or `App`, so that requests for unknown paths also need the token.
///
/// In Flask-JWT-Extended: `verify_jwt_in_request`.
///
/// ```
/// use actix_web::{App, web};
/// use hardtack_actix::{Algorithm, SigningKey, prelude::*};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?)).build()?;
/// let reports = web::scope("/reports")
///     .route("", web::get().to(async || "Only for logged-in users."))
///     .wrap(Require::new(Need::access()));
/// let app = App::new().service(reports).wrap(AuthLayer::new(auth));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Require {
    need: Need,
}

impl Require {
    /// Creates a layer that requires the token that `need` describes.
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
        ready(Ok(RequireService::new(inner, self.need)))
    }
}
