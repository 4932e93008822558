//! The layer that lets handlers use the extractors.

use hardtack::Authenticator;
use tower_layer::Layer;

use crate::service::AuthService;

/// A layer that lets a router's handlers use this crate's extractors. It also adds cookies, `Cache-Control` and `Vary`
/// to responses.
///
/// On the first request, the layer starts the background work that follows the revocation log and deletes expired
/// sessions. For each request, the layer does the following:
/// - The layer lets extractors read the beginning of the body, within [limits](hardtack::config::ReadAheadLimits), to
///   find the CSRF field of a form or a token in JSON. The handler still receives the whole body.
/// - If the request's token was refreshed, the layer adds the cookies with the new tokens to the response. If an
///   optional token was invalid, the layer deletes the token's cookies.
/// - If the request's token was verified, or if the response sets or deletes Hardtack's cookies, the layer sets
///   `Cache-Control: private, no-store`.
/// - If the handler takes an optional token, the layer adds `Vary: Cookie`.
/// - During development, the layer serves a page that [explains refusals](hardtack::guide::explain).
///
/// The layer accepts any body and any error, so it also works in a `tower::ServiceBuilder` and around services that are
/// not routers, such as `ServeDir`.
///
/// Order this layer and a router's other layers as follows:
/// - Add tracing, [CORS](hardtack::guide::csrf#cors) and body size limits after this layer, so that they run outside
///   this layer.
/// - Add [`Require`](crate::Require) before this layer, so that `Require` runs inside this layer.
/// - Layers that compress responses or catch panics can be added before or after this layer. If a layer inside this one
///   catches a panic, the response still sets the cookies from a refresh.
///
/// In a `ServiceBuilder`, the order is reversed: the layer that you add first is the outermost.
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
