//! The layer that lets handlers use the extractors.

use std::future::{Ready, ready};

use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use hardtack::Authenticator;

use crate::service::AuthService;

/// Middleware that lets the handlers of an `App`, scope or resource use this crate's extractors. It also adds cookies,
/// `Cache-Control` and `Vary` to responses.
///
/// On the first request, the layer starts the background work that follows the revocation log and deletes expired
/// sessions. For each request, it does the following:
/// - The layer lets extractors read the beginning of the body, within [limits](hardtack::config::ReadAheadLimits), to
///   find the CSRF field of a form or a token in JSON. The handler still receives the whole body.
/// - If the request's token was refreshed, the layer adds the cookies with the new tokens to the response. If the
///   handler takes an optional token and the request's token was invalid, the layer deletes the cookies of the invalid
///   token.
/// - If the request's token was verified, or if the response sets or deletes Hardtack's cookies, the layer sets
///   `Cache-Control: private, no-store`.
/// - If the handler takes an optional token, the layer adds `Vary: Cookie`.
/// - During development, the layer serves a page that [explains refusals](hardtack::guide::explain).
///
/// Add this layer in the right order relative to other middleware:
/// - Add logging, [CORS](hardtack::guide::csrf#cors) and `NormalizePath` after this layer, so that they run outside
///   this layer.
/// - Add [`Require`](crate::Require) before this layer, so that `Require` runs inside this layer.
///
/// ```
/// use actix_web::{App, web};
/// use hardtack_actix::{Algorithm, SigningKey, prelude::*};
///
/// async fn service(token: AccessToken) -> String {
///     format!("Hello, {}", token.subject())
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// let auth = Authenticator::builder(keys).base_url("https://site.example").build()?;
/// // Each worker of an `HttpServer` calls this closure. All workers share one authenticator.
/// let app = move || App::new().route("/service", web::get().to(service)).wrap(AuthLayer::new(auth.clone()));
/// # app();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthLayer {
    authenticator: Authenticator,
}

impl AuthLayer {
    /// Creates a layer that uses this authenticator.
    pub fn new(authenticator: Authenticator) -> Self {
        Self { authenticator }
    }
}

impl<S, B> Transform<S, ServiceRequest> for AuthLayer
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = AuthService<S>;
    type InitError = ();
    type Future = Ready<Result<AuthService<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(AuthService::new(inner, self.authenticator.clone())))
    }
}
