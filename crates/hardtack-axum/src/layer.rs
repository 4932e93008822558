//! The layer that makes the extractors work.

use hardtack::Authenticator;
use tower_layer::Layer;

use crate::service::AuthService;

/// A layer that lets the handlers of a router use the extractors, and completes their responses.
///
/// For each request, it
/// - reads up to 64 KiB of a form to find its CSRF field, if the request needs one and sends it in no header; the
///   handler still receives the whole body;
/// - adds the cookies of a refresh to the response;
/// - sets `Cache-Control: private, no-store` on responses to logged-in users, and on those that set Hardtack's cookies.
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
    /// Creates the layer of an authenticator.
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
