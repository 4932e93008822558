//! Deny by default: a layer that lets nobody through without the token that it needs.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hardtack::{Need, NoExtra};
use tower_layer::Layer;
use tower_service::Service;

use crate::extract::required;

/// Asks every request below for a token. It belongs inside of [`crate::AuthLayer`].
///
/// `Router::layer` wraps the router's fallback too, so that unknown paths ask for the token as well;
/// `Router::route_layer` wraps its routes only.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
/// use hardtack::Need;
/// use hardtack_axum::{AuthLayer, Require};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?)).build()?;
/// let app: Router = Router::new()
///     .route("/reports", get(|| async { "secret" }))
///     .layer(Require::new(Need::access()))
///     .layer(AuthLayer::new(auth));
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

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService { inner, need: self.need }
    }
}

/// The service that [`Require`] makes.
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: S,
    need: Need,
}

impl<S> Service<Request> for RequireService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let need = self.need;
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            match required::<NoExtra>(&parts, need).await {
                Ok(_) => inner.call(Request::from_parts(parts, body)).await,
                Err(error) => Ok(error.into_response()),
            }
        })
    }
}
