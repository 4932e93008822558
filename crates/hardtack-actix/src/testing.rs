//! Users, browsers and requests for testing an application's routes.
//!
//! Enable the feature `testing` in `[dev-dependencies]`. The guide [`testing`](hardtack::guide::testing) has more
//! examples.
//!
//! ```
//! use actix_web::{App, test, web};
//! use hardtack_actix::{Algorithm, SigningKey, prelude::*, testing::TestUser};
//!
//! async fn rename(token: FreshAccessToken) -> String {
//!     format!("Renamed {}.", token.subject())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # actix_web::rt::System::new().block_on(async {
//! let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
//! let auth = Authenticator::builder(keys).base_url("https://site.example").sessions(MemorySessions::new()).build()?;
//! let app = App::new().route("/account", web::post().to(rename)).wrap(AuthLayer::new(auth.clone()));
//! let app = test::init_service(app).await;
//!
//! let alice = TestUser::new("alice").claim("role", "admin").fresh().log_in(&auth).await;
//! let request = alice.post("/account").form(&[("nickname", "Al")]).to_request();
//! assert_eq!(test::call_service(&app, request).await.status(), 200);
//! # Ok(())
//! # })
//! # }
//! ```

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::{HttpResponse, test};
use hardtack::testing::{Framework, SetCookieFields};

#[doc(no_inline)]
pub use hardtack::testing::{CookieJar, StoredCookie, TestClock};

/// Selects actix-web as the framework for the types in [`hardtack::testing`].
#[derive(Clone, Copy, Debug)]
pub struct Actix;

impl Framework for Actix {
    type Request = TestRequest;
}

impl<B> SetCookieFields<Actix> for ServiceResponse<B> {
    fn set_cookies(&self) -> Vec<String> {
        set_cookies(self.headers())
    }
}

impl<B> SetCookieFields<Actix> for HttpResponse<B> {
    fn set_cookies(&self) -> Vec<String> {
        set_cookies(self.headers())
    }
}

fn set_cookies(headers: &HeaderMap) -> Vec<String> {
    headers.get_all(SET_COOKIE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// A user who is about to log in: see [`hardtack::testing::TestUser`].
pub type TestUser = hardtack::testing::TestUser<Actix>;

/// A browser that keeps cookies: see [`hardtack::testing::TestBrowser`]. [`TestBrowser::new`] creates a browser that is
/// not logged in.
pub type TestBrowser = hardtack::testing::TestBrowser<Actix>;

/// A request from a [`TestBrowser`]. `into()` converts it into actix-web's [`TestRequest`](test::TestRequest).
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is passed to a service"]
pub struct TestRequest(hardtack::testing::TestRequest);

impl TestRequest {
    hardtack::__forward_test_request! {}

    /// Returns the request for [`call_service`](test::call_service).
    ///
    /// # Panics
    /// Panics if the method, the path or a header field is not valid HTTP.
    pub fn to_request(self) -> actix_http::Request {
        test::TestRequest::from(self).to_request()
    }
}

impl From<hardtack::testing::TestRequest> for TestRequest {
    fn from(request: hardtack::testing::TestRequest) -> Self {
        Self(request)
    }
}

/// # Panics
/// Panics if the method, the path or a header field is not valid HTTP.
#[allow(clippy::panic, reason = "a panic with a message is how a test fails")]
impl From<TestRequest> for test::TestRequest {
    fn from(TestRequest(request): TestRequest) -> Self {
        let plain = request.into_parts();
        let method = Method::try_from(plain.method.as_str())
            .unwrap_or_else(|_| panic!("{:?} is not a valid method", plain.method));
        let request = Self::default().method(method).uri(&plain.target).set_payload(plain.body);
        plain.fields.into_iter().fold(request, |request, (name, value)| {
            let value = HeaderValue::from_bytes(&value)
                .unwrap_or_else(|_| panic!("{:?} is not a valid value of {name}", String::from_utf8_lossy(&value)));
            let name =
                HeaderName::try_from(name.as_str()).unwrap_or_else(|_| panic!("{name:?} is not a valid header name"));
            request.append_header((name, value))
        })
    }
}
