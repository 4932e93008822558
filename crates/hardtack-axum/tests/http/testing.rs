//! The testing kit, with the tutorial's routes and with every setting that changes what a request must carry.

use std::time::Duration;

use axum::Router;
use hardtack::jwt::Algorithm;
use hardtack::{
    Authenticator, AuthenticatorBuilder, CookiePolicy, CsrfPolicy, KeySet, MemorySessions, RefreshMode, SigningKey,
};
use hardtack_axum::testing::{TestBrowser, TestClock, TestUser};
use hardtack_axum::{AuthLayer, LogIn};
use http::StatusCode;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::site::routes;
use crate::tutorial_example::{app as tutorial, people::People};

const PASSWORD: &str = "correct horse";

fn auth(set: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder) -> Authenticator {
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    set(Authenticator::builder(keys).sessions(MemorySessions::new())).build().unwrap()
}

async fn text(response: axum::response::Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test]
async fn the_tutorials_account_is_changed_by_its_user() {
    let auth = auth(|builder| builder.base_url("https://site.example"));
    let app = tutorial(auth.clone(), People::new().unwrap());
    let alice = TestUser::new("alice").fresh().log_in(&auth).await;
    let renamed =
        app.clone().oneshot(alice.post("/account/change_settings").form(&[("nickname", "Al")])).await.unwrap();
    assert_eq!(
        (renamed.status(), renamed.headers()["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/account")
    );
    let page = app.clone().oneshot(alice.get("/service")).await.unwrap();
    assert!(text(page).await.contains("At your service, Al."));
    let stale = TestUser::new("alice").log_in(&auth).await;
    let refused = app.oneshot(stale.get("/account").header("Accept", "text/html")).await.unwrap();
    assert_eq!(refused.headers()["location"], "/reauthenticate?next=%2Faccount");
}

#[tokio::test]
async fn a_visitor_posts_the_log_in_form_and_is_logged_in_afterwards() {
    let auth = auth(|builder| builder.base_url("https://site.example"));
    let app = tutorial(auth.clone(), People::new().unwrap());
    let mut browser = TestBrowser::new(&auth);
    let typed = |password: &'static str| [("username", "alice"), ("password", password)];
    let wrong = app.clone().oneshot(browser.post("/login").form(typed("guess"))).await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let forged = browser.post("/login").form(typed(PASSWORD)).without_header("x-csrf-token");
    assert_eq!(app.clone().oneshot(forged).await.unwrap().status(), StatusCode::FORBIDDEN);
    // Log in twice: the second session replaces the first.
    for _ in 0..2 {
        let entered = app.clone().oneshot(browser.post("/login").form(typed(PASSWORD))).await.unwrap();
        assert_eq!(entered.status(), StatusCode::SEE_OTHER);
        browser.receive(&entered);
    }
    assert_eq!(auth.sessions("alice").await.unwrap().len(), 1);
    assert_eq!(app.clone().oneshot(browser.get("/account")).await.unwrap().status(), StatusCode::OK);
    let left = app.clone().oneshot(browser.post("/logout")).await.unwrap();
    browser.receive(&left);
    assert!(auth.sessions("alice").await.unwrap().is_empty() && browser.cookie("__Host-access_token_cookie").is_none());
    assert_eq!(app.oneshot(browser.get("/account")).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn requests_carry_what_the_settings_ask_for() {
    type Set = fn(AuthenticatorBuilder) -> AuthenticatorBuilder;
    let settings: [(&str, Set); 9] = [
        ("https", |builder| builder.base_url("https://site.example:8443")),
        ("http", |builder| builder.base_url("http://127.0.0.1:3000")),
        ("no base URL", |builder| builder),
        ("redirect", |builder| builder.base_url("https://site.example").refresh_mode(RefreshMode::Redirect)),
        ("sliding", |builder| builder.base_url("https://site.example").refresh_mode(RefreshMode::Sliding)),
        ("realm", |builder| builder.base_url("https://site.example").realm("shop")),
        ("no CSRF cookies", |builder| builder.cookies(CookiePolicy::default().csrf_cookies(false))),
        ("other headers", |builder| {
            builder.csrf(CsrfPolicy::default().access_header("X-Access").refresh_header("X-Refresh"))
        }),
        ("paths", |builder| {
            builder
                .cookies(CookiePolicy::default().access_paths(["/page"]).refresh_paths(["/token/refresh", "/logout"]))
        }),
    ];
    for (name, set) in settings {
        let clock = TestClock::start_now();
        let auth = auth(|builder| set(builder.clock(clock.clone())));
        let app: Router = routes().layer(AuthLayer::new(auth.clone()));
        let mut alice = TestUser::new("alice").log_in(&auth).await;
        let page = app.clone().oneshot(alice.post("/page")).await.unwrap();
        assert_eq!(page.status(), 200, "{name}");
        for (field, value) in [("x-csrf-token", "forged"), ("X-Access", "forged"), ("origin", "https://evil.example")] {
            let forged = app.clone().oneshot(alice.post("/page").header(field, value)).await.unwrap();
            let is_checked = field == "origin" || (field == "X-Access") == (name == "other headers");
            assert_eq!(forged.status(), if is_checked { 403 } else { 200 }, "{name}: {field}");
        }
        if name != "sliding" {
            clock.advance(Duration::from_secs(16 * 60));
            let refreshed = app.clone().oneshot(alice.post("/token/refresh")).await.unwrap();
            assert_eq!(refreshed.status(), 200, "{name}");
            alice.receive(&refreshed);
            assert_eq!(app.clone().oneshot(alice.post("/page")).await.unwrap().status(), 200, "{name}");
        }
        let left = app.oneshot(alice.post("/logout")).await.unwrap();
        assert_eq!(left.status(), 200, "{name}");
        assert!(auth.sessions("alice").await.unwrap().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn cookies_expire_by_the_clock_of_the_authenticator() {
    let clock = TestClock::start_at(hardtack::clock::Timestamp::from_unix_seconds(4_000_000_000));
    let auth = auth(|builder| builder.base_url("https://site.example").clock(clock.clone()));
    let alice = TestUser::from_log_in(LogIn::new("alice").remember(true)).log_in(&auth).await;
    assert!(alice.cookie("__Host-access_token_cookie").is_some());
    clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
    assert!(alice.cookie("__Host-access_token_cookie").is_none());
}

#[tokio::test]
#[should_panic(expected = "the log-in failed")]
async fn a_user_who_cannot_log_in_fails_the_test() {
    let auth = auth(|builder| builder.base_url("https://site.example"));
    TestUser::new("alice").claim("exp", 7).log_in(&auth).await;
}
