//! Users, browsers and requests for testing an application's routes.
//!
//! Enable the feature `testing` in `[dev-dependencies]`. The guide [`testing`](hardtack::guide::testing) has more
//! examples.
//!
//! ```
//! use axum::{Router, body::Body, routing::post};
//! use hardtack_axum::{Algorithm, SigningKey, prelude::*, testing::TestUser};
//! use tower::ServiceExt;
//!
//! async fn rename(token: FreshAccessToken) -> String {
//!     format!("Renamed {}.", token.subject())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
//! let auth = Authenticator::builder(keys).base_url("https://site.example").sessions(MemorySessions::new()).build()?;
//! let app = Router::new().route("/account", post(rename)).layer(AuthLayer::new(auth.clone()));
//!
//! let alice = TestUser::new("alice").claim("role", "admin").fresh().log_in(&auth).await;
//! let response = app.oneshot(alice.post("/account").form(&[("nickname", "Al")])).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hardtack::testing::{Framework, SetCookieFields};
use http::header::SET_COOKIE;
use http::{HeaderName, HeaderValue, Method, Uri};
use tower_service::Service;

#[doc(no_inline)]
pub use hardtack::testing::{CookieJar, StoredCookie, TestClock};

/// Selects axum as the framework for the types in [`hardtack::testing`].
#[derive(Clone, Copy, Debug)]
pub struct Axum;

impl Framework for Axum {
    type Request = TestRequest;
}

impl<B> SetCookieFields<Axum> for http::Response<B> {
    fn set_cookies(&self) -> Vec<String> {
        let values = self.headers().get_all(SET_COOKIE).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }
}

/// A user who is about to log in: see [`hardtack::testing::TestUser`].
pub type TestUser = hardtack::testing::TestUser<Axum>;

/// A browser that keeps cookies: see [`hardtack::testing::TestBrowser`]. [`TestBrowser::new`] creates a browser that is
/// not logged in.
pub type TestBrowser = hardtack::testing::TestBrowser<Axum>;

/// A request from a [`TestBrowser`]. You can pass it to a `Router` directly. For any other service, convert it into an
/// `http::Request` with `into()`.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is passed to a service"]
pub struct TestRequest(hardtack::testing::TestRequest);

impl TestRequest {
    hardtack::__forward_test_request! {}
}

impl From<hardtack::testing::TestRequest> for TestRequest {
    fn from(request: hardtack::testing::TestRequest) -> Self {
        Self(request)
    }
}

/// # Panics
/// Panics if the method, the path or a header field is not valid in HTTP.
#[allow(clippy::panic, reason = "a panic with a message is how a test fails")]
impl<B: From<Vec<u8>>> From<TestRequest> for http::Request<B> {
    fn from(TestRequest(request): TestRequest) -> Self {
        let plain = request.into_parts();
        let mut request = Self::new(plain.body.into());
        *request.method_mut() = Method::try_from(plain.method.as_str())
            .unwrap_or_else(|_| panic!("{:?} is not a valid method", plain.method));
        *request.uri_mut() = Uri::try_from(plain.target.as_str())
            .unwrap_or_else(|_| panic!("{:?} is not a path with an optional query", plain.target));
        for (name, value) in plain.fields {
            let value = HeaderValue::from_bytes(&value)
                .unwrap_or_else(|_| panic!("{:?} is not a valid value of {name}", String::from_utf8_lossy(&value)));
            let name = HeaderName::try_from(&name).unwrap_or_else(|_| panic!("{name:?} is not a valid header name"));
            request.headers_mut().append(name, value);
        }
        request
    }
}

/// With this implementation, `app.oneshot(alice.get("/"))` needs no conversion.
impl Service<TestRequest> for Router {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(self, cx)
    }

    fn call(&mut self, request: TestRequest) -> Self::Future {
        Service::<Request>::call(self, request.into())
    }
}
