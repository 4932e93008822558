//! A whole axum router in this process, from request to response.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request as AxumRequest;
use axum::response::Response;
use axum::routing::get as by_get;
use hardtack::Authenticator;
use hardtack_axum::{AccessToken, AuthLayer, AuthService};
use http::{HeaderMap, Method, Request};
use tower_layer::Layer;
use tower_service::Service;

use crate::poll_once;

/// The route without authentication.
pub fn bare() -> Router {
    Router::new().route("/user", by_get(async || "hello"))
}

/// The route behind Hardtack: the layer around the finished router, which costs nothing of axum's own.
pub fn guarded(authenticator: Authenticator) -> AuthService<Router> {
    AuthLayer::new(authenticator).layer(Router::new().route("/user", by_get(user)))
}

/// The same by `Router::layer`, which boxes each route's future once more.
pub fn layered(authenticator: Authenticator) -> Router {
    Router::new().route("/user", by_get(user)).layer(AuthLayer::new(authenticator))
}

async fn user(token: AccessToken) -> &'static str {
    std::hint::black_box(token.subject());
    "hello"
}

/// One request, again and again.
pub struct Call<S = Router> {
    service: S,
    headers: HeaderMap,
}

impl<S: Service<AxumRequest, Response = Response, Error = Infallible>> Call<S> {
    /// With these fields, each time.
    pub fn new(service: S, headers: &HeaderMap) -> Self {
        Self { service, headers: headers.clone() }
    }

    /// The response, if it is 200.
    pub fn make(&mut self) -> Option<Response> {
        let answer: Result<Response, Infallible> = poll_once(self.service.call(get(&self.headers, Body::empty())))?;
        answer.ok().filter(|response| response.status().is_success())
    }
}

/// A GET with these fields.
pub fn get<B>(headers: &HeaderMap, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::GET;
    *request.uri_mut() = http::Uri::from_static("/user");
    *request.headers_mut() = headers.clone();
    request
}
