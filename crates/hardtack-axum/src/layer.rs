//! The layer that lets handlers use the extractors.

use hardtack::Authenticator;
use tower_layer::Layer;

use crate::service::AuthService;

/// A layer that lets a router's handlers use this crate's extractors, and adds cookies, `Cache-Control` and `Vary` to
/// responses.
///
/// At the first request, it starts the background work that follows the revocation log and deletes expired sessions.
/// For each request, it
/// - lets an extractor that needs the CSRF field of a form, or a token in JSON, read the beginning of the body, within
///   [limits](hardtack::config::ReadAheadLimits); the handler still receives the whole body;
/// - adds the cookies to the response that a refresh of the request's token sets, or that delete invalid tokens which a
///   handler does not need;
/// - sets `Cache-Control: private, no-store` on the response if the request's token was verified, or if the response
///   sets or deletes Hardtack's cookies;
/// - sets `Vary: Cookie` on responses of handlers that take an optional token.
///
/// ```
/// use axum::{Router, routing::get};
/// use hardtack_axum::{Algorithm, SigningKey, prelude::*};
///
/// async fn service(token: AccessToken) -> String {
///     format!("Hello, {}", token.subject())
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// let auth = Authenticator::builder(keys).base_url("https://site.example").build()?;
/// let app: Router = Router::new().route("/service", get(service)).layer(AuthLayer::new(auth));
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

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService::new(inner, self.authenticator.clone())
    }
}
