//! A site under test: a route for each extractor, a clock that tests set, and an https origin.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hardtack::AuthenticatorBuilder;
use hardtack::jwt::Algorithm;
use hardtack::request::Wants;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet, LogIn, MemorySessions, SigningKey};
use hardtack_axum::{AccessToken, Auth, AuthError, AuthLayer, FreshAccessToken, RefreshToken};
use hardtack_test_support::tutorial::ACCESS_LIFETIME;
use hardtack_test_support::{Client, server};
use serde_json::json;

pub(crate) const ORIGIN: &str = "https://site.example";
pub(crate) const ACCESS: &str = "__Host-access_token_cookie";
pub(crate) const REFRESH: &str = "__Host-Http-refresh_token_cookie";

pub(crate) struct Site {
    pub(crate) auth: Authenticator,
    pub(crate) clock: TestClock,
    pub(crate) address: SocketAddr,
}

impl Site {
    /// The standard routes with default settings.
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder, Router::new()).await
    }

    /// The standard routes and others, in one layer.
    pub(crate) async fn with(
        configure: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
        more: Router,
    ) -> Self {
        Self::bare(configure, |auth| routes().merge(more).layer(AuthLayer::new(auth))).await
    }

    /// Any application.
    pub(crate) async fn bare(
        configure: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder,
        app: impl FnOnce(Authenticator) -> Router,
    ) -> Self {
        let clock = TestClock::start_now();
        let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        let builder = Authenticator::builder(keys)
            .base_url(ORIGIN)
            .access_lifetime(ACCESS_LIFETIME)
            .sessions(MemorySessions::new())
            .clock(clock.clone());
        let auth = configure(builder).build().unwrap();
        let address = serve(app(auth.clone())).await;
        Self { auth, clock, address }
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
}

/// Serves on a free port until the test's runtime ends.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let (listener, address) = server::bind().await;
    tokio::spawn(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).into_future());
    address
}

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/public", get(public))
        .route("/page", get(page).post(page))
        .route("/fresh", get(fresh).post(fresh))
        .route("/refresh-only", get(refresh_only))
        .route("/login", get(login_form).post(log_in))
        .route("/logout", post(log_out))
        .route("/token/refresh", get(refresh).post(refresh))
}

async fn public(token: Option<AccessToken>) -> String {
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

async fn login_form(auth: Auth) -> Result<impl IntoResponse, AuthError> {
    let (token, cookies) = auth.pre_session()?;
    Ok((cookies, format!("<form><input type=\"hidden\" name=\"csrf_token\" value=\"{token}\"></form>")))
}

/// Logs in the user whom the query names. Responds to browsers with a redirect, and to API clients with JSON.
async fn log_in(auth: Auth) -> Result<Response, AuthError> {
    let user = auth.query("user").unwrap_or_else(|| "alice".to_owned());
    let mut log_in = LogIn::new(user.as_str());
    if let Some(role) = auth.query("role") {
        log_in = log_in.claim("role", role);
    }
    let cookies = auth.log_in(log_in).await?;
    Ok(match auth.wants() {
        Wants::Page => (cookies, Redirect::to(&auth.next_or_home())).into_response(),
        _ => (cookies, Json(json!({ "user": user }))).into_response(),
    })
}

async fn log_out(auth: Auth) -> Result<Response, AuthError> {
    let cookies = auth.log_out().await?;
    Ok(match auth.wants() {
        Wants::Page => (cookies, Redirect::to("/public")).into_response(),
        _ => (cookies, Json(json!({ "user": null }))).into_response(),
    })
}

async fn refresh(auth: Auth) -> Result<Response, AuthError> {
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

/// Returns the `code` of a problem document.
pub(crate) fn code(response: &hardtack_test_support::Response) -> String {
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{}", response.text());
    let body = response.json();
    assert_eq!(body["status"], response.status().as_u16());
    assert_eq!(body["msg"], body["detail"], "clients of Flask read msg");
    body["code"].as_str().unwrap().to_owned()
}
