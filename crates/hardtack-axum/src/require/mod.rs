//! A layer that refuses requests without a required token.

mod service;

use hardtack::Need;
use tower_layer::Layer;

pub use service::{RequireFuture, RequireService};

/// A layer that requires a token for every request to the routes that it wraps. Add it before
/// [`AuthLayer`](crate::AuthLayer), so that `AuthLayer` wraps it.
///
/// With an [optional](Need::optional) need, it lets requests without a token pass and refuses invalid tokens. `OPTIONS`
/// requests pass if they are [exempt](hardtack::AuthenticatorBuilder::exempt_options).
///
/// `Router::route_layer` applies it to the router's routes. `Router::layer` applies it to the fallback as well, so that
/// requests for unknown paths also need the token.
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
///     .layer(AuthLayer::new(auth));
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

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService::new(inner, self.need)
    }
}
