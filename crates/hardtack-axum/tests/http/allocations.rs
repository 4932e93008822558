//! How often a request allocates beyond its route: a bound on its cost that does not depend on the machine.

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

fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing is waited for here"),
    }
}

/// Allocations of a GET with this cookie, once others have warmed up what is made once.
fn allocations(mut app: impl Service<Request, Response = Response, Error = Infallible>, cookies: &str) -> u64 {
    let mut call = || {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static("/who");
        request.headers_mut().insert(header::COOKIE, HeaderValue::from_str(cookies).unwrap());
        let Ok(response) = at_once(app.call(request));
        assert_eq!(response.status(), 200);
    };
    (0..20).for_each(|_| call());
    allocation_counter::measure(call).count_total
}

#[test]
fn an_authenticated_request_allocates_twice_beyond_its_route() {
    async fn who(token: AccessToken) -> &'static str {
        assert_eq!(token.subject(), "alice");
        "hello"
    }
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let builder = Authenticator::builder(keys).base_url("https://site.example").sessions(MemorySessions::new());
    let auth = builder.build().unwrap();
    let set = at_once(auth.log_in("alice")).unwrap();
    let pairs: Vec<&str> = set.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
    let cookies = pairs.join("; ");
    let bare = allocations(Router::new().route("/who", get(async || "hello")), &cookies);
    let ours = allocations(AuthLayer::new(auth).layer(Router::new().route("/who", get(who))), &cookies);
    assert!(ours <= bare + 2, "{ours} allocations, and {bare} without authentication");
}
