//! A layer that refuses requests without a required token.

mod service;

use hardtack::Need;
use hardtack::token_source::RequiredClaims;
use serde_json::Value;
use tower_layer::Layer;

pub use service::{RequireFuture, RequireService};

/// A layer that requires a token for every request to the routes that it wraps.
///
/// Add [`AuthLayer`](crate::AuthLayer) after `Require`, because `AuthLayer` must run first. In axum, the layer that you
/// add last runs first.
///
/// If the need is [optional](Need::optional), requests without a token or with invalid cookies also pass. `OPTIONS`
/// requests pass if they are [exempt](hardtack::AuthenticatorBuilder::exempt_options).
///
/// Add this layer with `Router::route_layer`, which applies the layer only to the router's routes. `Router::layer`
/// would also apply it to the router's fallback, which handles unknown paths. If you then merged the router into an
/// application without a fallback of its own, the guarded fallback would handle all unknown paths in the application. A
/// request for such a path would be redirected to the log-in page instead of getting a 404.
///
/// The log-in page itself must not require a token. If it does, Hardtack responds with 401 instead of redirecting the
/// browser from the log-in page back to the log-in page, and logs an error (`redirect_loop`).
///
/// In Flask-JWT-Extended: `verify_jwt_in_request`.
///
/// ```
/// use axum::{Router, routing::get};
/// use hardtack_axum::{Algorithm, SigningKey, prelude::*};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?)).build()?;
/// let app: Router = Router::new()
///     .route("/reports", get(async || "Only for logged-in users."))
///     .route_layer(Require::new(Need::access()))
///     .merge(
///         Router::new()
///             .route("/admin", get(async || "Only for admins."))
///             .route_layer(Require::new(Need::access()).claim("role", "admin")),
///     )
///     .layer(AuthLayer::new(auth));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a router"]
pub struct Require {
    need: Need,
    claims: RequiredClaims,
}

impl Require {
    /// Creates a layer that requires the token that `need` describes.
    pub const fn new(need: Need) -> Self {
        Self { need, claims: RequiredClaims::NONE }
    }

    /// Adds a claim that the token must have. The claim must equal `value` or be an array that contains `value`. To
    /// require several claims, call this method once for each claim.
    ///
    /// A token that lacks the claim might simply be outdated, for example after
    /// [`change_claims`](hardtack::Authenticator::change_claims). If the token was in a cookie and a new token would
    /// have the claim, Hardtack refreshes the token. In all other cases, the user gets 403 and stays logged in.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims = self.claims.and(name, value);
        self
    }
}

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService::new(inner, self.need, self.claims.clone())
    }
}
