//! Limits how many allocations authentication adds to a request, as a measure that does not depend on the machine.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
use hardtack_axum::{AccessToken, AuthLayer};
use http::{HeaderValue, Uri, header};
use tower_layer::Layer;
use tower_service::Service;

fn poll_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is pending"),
    }
}

/// Counts the allocations of a GET with these cookies, after requests that fill the caches.
fn allocations(mut app: impl Service<Request, Response = Response, Error = Infallible>, cookies: &str) -> u64 {
    let mut call = || {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static("/who");
        request.headers_mut().insert(header::COOKIE, HeaderValue::from_str(cookies).unwrap());
        let Ok(response) = poll_once(app.call(request));
        assert_eq!(response.status(), 200);
    };
    (0..20).for_each(|_| call());
    allocation_counter::measure(call).count_total
}

#[test]
fn authentication_adds_two_allocations_to_a_request() {
    async fn who(token: AccessToken) -> &'static str {
        assert_eq!(token.subject(), "alice");
        "hello"
    }
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let builder = Authenticator::builder(keys).base_url("https://site.example").sessions(MemorySessions::new());
    let auth = builder.build().unwrap();
    let set = poll_once(auth.log_in("alice")).unwrap();
    let pairs: Vec<&str> = set.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
    let cookies = pairs.join("; ");
    let bare = allocations(Router::new().route("/who", get(async || "hello")), &cookies);
    let ours = allocations(AuthLayer::new(auth).layer(Router::new().route("/who", get(who))), &cookies);
    assert!(ours <= bare + 2, "{ours} allocations, and {bare} without authentication");
}
