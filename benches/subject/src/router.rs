//! Calls a whole axum router in this process.

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

/// Returns the router without authentication.
pub fn bare() -> Router {
    Router::new().route("/user", by_get(async || "hello"))
}

/// Returns the router wrapped in Hardtack's layer. Wrapping the finished router adds none of axum's own overhead.
pub fn guarded(authenticator: Authenticator) -> AuthService<Router> {
    AuthLayer::new(authenticator).layer(Router::new().route("/user", by_get(user)))
}

/// Returns the router with Hardtack's layer added by `Router::layer`, which boxes the future of each route once more.
pub fn layered(authenticator: Authenticator) -> Router {
    Router::new().route("/user", by_get(user)).layer(AuthLayer::new(authenticator))
}

async fn user(token: AccessToken) -> &'static str {
    std::hint::black_box(token.subject());
    "hello"
}

/// A service and the request that is sent to it repeatedly.
pub struct Call<S = Router> {
    service: S,
    headers: HeaderMap,
}

impl<S: Service<AxumRequest, Response = Response, Error = Infallible>> Call<S> {
    /// Creates a call that sends these header fields each time.
    pub fn new(service: S, headers: &HeaderMap) -> Self {
        Self { service, headers: headers.clone() }
    }

    /// Sends the request, and returns the response if its status is 200.
    pub fn make(&mut self) -> Option<Response> {
        let answer: Result<Response, Infallible> = poll_once(self.service.call(get(&self.headers, Body::empty())))?;
        answer.ok().filter(|response| response.status().is_success())
    }
}

/// Returns a GET request with these header fields.
pub fn get<B>(headers: &HeaderMap, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::GET;
    *request.uri_mut() = http::Uri::from_static("/user");
    *request.headers_mut() = headers.clone();
    request
}
