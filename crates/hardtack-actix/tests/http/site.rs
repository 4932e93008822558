//! A site under test: a route for each extractor, a clock that tests set, and an https origin.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::web::{self, Bytes, Json, Redirect, ServiceConfig};
use actix_web::{App, Either, HttpResponse, Responder};
use hardtack::AuthenticatorBuilder;
use hardtack::jwt::Algorithm;
use hardtack::request::Wants;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet, LogIn, MemorySessions, SigningKey};
use hardtack_actix::{AccessToken, Auth, AuthError, AuthLayer, FreshAccessToken, Optional, RefreshToken};
use hardtack_test_support::Client;
use hardtack_test_support::tutorial::ACCESS_LIFETIME;
use serde_json::json;

pub(crate) const ORIGIN: &str = "https://site.example";
pub(crate) const ACCESS: &str = "__Host-access_token_cookie";
pub(crate) const REFRESH: &str = "__Host-Http-refresh_token_cookie";
pub(crate) const CSRF: &str = "__Host-csrf_access_token";

pub(crate) struct Site {
    pub(crate) clock: TestClock,
    pub(crate) address: SocketAddr,
}

/// Serves an `App` on a free port until the test ends, with HTTP/1.1 and HTTP/2.
macro_rules! serve {
    ($app:expr) => {{
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = actix_web::HttpServer::new($app).workers(1).disable_signals();
        tokio::spawn(server.listen_auto_h2c(listener).unwrap().run());
        address
    }};
}
pub(crate) use serve;

impl Site {
    /// The standard routes and others, in one layer.
    pub(crate) async fn with(
        configure: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
        more: impl FnOnce(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        Self::bare(configure, |auth| {
            serve!(move || App::new().configure(routes).configure(more.clone()).wrap(AuthLayer::new(auth.clone())))
        })
        .await
    }

    /// The server that `serve` starts.
    pub(crate) async fn bare(
        configure: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
        serve: impl FnOnce(Authenticator) -> SocketAddr,
    ) -> Self {
        let clock = TestClock::start_now();
        let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        let builder = Authenticator::builder(keys)
            .base_url(ORIGIN)
            .access_lifetime(ACCESS_LIFETIME)
            .sessions(MemorySessions::new())
            .clock(clock.clone());
        let auth = configure(builder).build().unwrap();
        Self { clock, address: serve(auth) }
    }

    /// A browser without cookies.
    pub(crate) fn visitor(&self) -> Client {
        Client::new(self.address).at_origin(ORIGIN)
    }

    /// A browser in which alice has just logged in.
    pub(crate) async fn alice(&self) -> Client {
        self.logged_in("alice").await
    }

    pub(crate) async fn logged_in(&self, user: &str) -> Client {
        let mut client = self.visitor();
        let response = client.post(&format!("/login?user={user}")).json(&json!({})).send().await;
        assert_eq!(response.status(), 200, "{}", response.text());
        client
    }

    /// Advances the clock until every access token has expired, but no refresh token.
    pub(crate) fn expire_access(&self) {
        self.clock.advance(ACCESS_LIFETIME);
    }

    /// Advances the clock until all tokens have expired.
    pub(crate) fn expire_all(&self) {
        self.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    }
}

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.route("/public", web::get().to(public))
        .service(web::resource("/page").get(page).post(page))
        .route("/fresh", web::get().to(fresh))
        .route("/refresh-only", web::get().to(refresh_only))
        .service(web::resource("/login").get(login_form).post(log_in))
        .route("/logout", web::post().to(log_out))
        .service(web::resource("/token/refresh").get(refresh).post(refresh));
}

async fn public(Optional(token): Optional<AccessToken>) -> String {
    token.map_or_else(|| "visitor".to_owned(), |token| token.subject().to_owned())
}

/// Responds with the user's name and the request's body.
async fn page(token: AccessToken, body: Bytes) -> Vec<u8> {
    [token.subject().as_bytes(), b":", &body].concat()
}

async fn fresh(token: FreshAccessToken) -> String {
    token.subject().to_owned()
}

async fn refresh_only(token: RefreshToken) -> String {
    token.subject().to_owned()
}

async fn login_form(auth: Auth) -> Result<impl Responder, AuthError> {
    let (token, cookies) = auth.pre_session()?;
    Ok(cookies.onto(format!("<form><input type=\"hidden\" name=\"csrf_token\" value=\"{token}\"></form>")))
}

/// Logs in the user whom the query names. Responds to browsers with a redirect, and to API clients with JSON.
async fn log_in(auth: Auth) -> Result<impl Responder, AuthError> {
    let user = auth.query("user").unwrap_or_else(|| "alice".to_owned());
    let mut log_in = LogIn::new(user.as_str());
    if let Some(role) = auth.query("role") {
        log_in = log_in.claim("role", role);
    }
    let cookies = auth.log_in(log_in).await?;
    Ok(cookies.onto(match auth.wants() {
        Wants::Page => Either::Left(Redirect::to(auth.next_or_home()).see_other()),
        _ => Either::Right(Json(json!({ "user": user }))),
    }))
}

async fn log_out(auth: Auth) -> Result<impl Responder, AuthError> {
    let cookies = auth.log_out().await?;
    Ok(cookies.onto(match auth.wants() {
        Wants::Page => Either::Left(Redirect::to("/public").see_other()),
        _ => Either::Right(Json(json!({ "user": null }))),
    }))
}

async fn refresh(auth: Auth) -> Result<HttpResponse, AuthError> {
    auth.refresh_and_return().await
}

/// Sends `GET path` as a browser, an API client and htmx, with the same cookies. Returns each response's status, then
/// the redirect's target, the problem's code, or the text.
pub(crate) async fn summary(client: &Client, path: &str) -> [String; 3] {
    let page = client.clone().get(path).accept_html().send().await;
    let api = client.clone().get(path).accept_json().send().await;
    let here = format!("{ORIGIN}/list");
    let htmx = client.clone().get(path).header("hx-request", "true").header("hx-current-url", here).send().await;
    let page_says = page.location().unwrap_or_else(|| page.text());
    let api_says = match api.header("content-type") {
        Some("application/problem+json") => api.json()["code"].as_str().unwrap().to_owned(),
        _ => api.text().to_owned(),
    };
    let htmx_says = htmx.header("hx-redirect").unwrap_or_else(|| htmx.text());
    [
        format!("{} {page_says}", page.status().as_u16()),
        format!("{} {api_says}", api.status().as_u16()),
        format!("{} {htmx_says}", htmx.status().as_u16()),
    ]
}

/// Returns the status and the `code` of a problem document.
pub(crate) fn refused(response: &hardtack_test_support::Response) -> (u16, String) {
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{}", response.text());
    (response.status().as_u16(), response.json()["code"].as_str().unwrap().to_owned())
}

/// Returns whether the response deletes both tokens.
pub(crate) fn unsets_tokens(response: &hardtack_test_support::Response) -> bool {
    let deleted = |name| response.set_cookie(name).is_some_and(|cookie| cookie.is_deletion());
    deleted(ACCESS) && deleted(REFRESH)
}

/// Replaces the value of a cookie in the jar.
pub(crate) fn plant(client: &mut Client, name: &str, value: &str) {
    client.set_cookie_raw(&format!("{name}={value}; Secure; Path=/"));
}
