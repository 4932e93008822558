//! A layer that rejects requests without a required token.

mod service;

use std::future::{Ready, ready};

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use hardtack::Need;
use hardtack::token_source::RequiredClaims;
use serde_json::Value;

pub use service::{RequireFuture, RequireService};

/// A layer that requires a token for every request to the routes that it wraps.
///
/// Add [`AuthLayer`](crate::AuthLayer) after `Require`, because `AuthLayer` must run first. In actix-web, the
/// middleware that you add last runs first.
///
/// If the need is [optional](Need::optional), requests without a token or with invalid cookies also pass. `OPTIONS`
/// requests pass if they are [exempt](hardtack::AuthenticatorBuilder::exempt_options).
///
/// Wrap scopes and resources, not the whole `App`. Middleware on a scope or on the `App` also wraps the default
/// service, which handles unknown paths. If `Require` wrapped the `App`, a request for an unknown path would be
/// redirected to the log-in page instead of getting a 404.
///
/// The log-in page itself must not require a token. If it does, Hardtack responds with 401 instead of redirecting the
/// browser to the same page, and logs an error (`redirect_loop`).
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
/// let admin = web::scope("/admin")
///     .route("", web::get().to(async || "Only for admins."))
///     .wrap(Require::new(Need::access()).claim("role", "admin"));
/// let app = App::new().service(reports).service(admin).wrap(AuthLayer::new(auth));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a scope, a resource or an App"]
pub struct Require {
    need: Need,
    claims: RequiredClaims,
}

impl Require {
    /// Creates a layer that requires the token that `need` describes.
    pub const fn new(need: Need) -> Self {
        Self { need, claims: RequiredClaims::NONE }
    }

    /// Also requires a claim. The claim must equal `value` or be an array that contains `value`. To require several
    /// claims, call this method several times.
    ///
    /// A token that lacks the claim might simply be outdated, for example after
    /// [`change_claims`](hardtack::Authenticator::change_claims). If the token was in a cookie and a new token would
    /// have the claim, Hardtack refreshes the token. Otherwise, Hardtack responds with 403, and the user stays logged
    /// in.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims = self.claims.and(name, value);
        self
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
        ready(Ok(RequireService::new(inner, self.need, self.claims.clone())))
    }
}
