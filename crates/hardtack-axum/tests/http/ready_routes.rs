//! The settings of the ready routes. The conformance suite tests the routes themselves.

use axum::Router;
use axum::routing::get;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, MemorySessions, RefreshMode, SigningKey};
use hardtack_axum::routes::{self, PasswordLogIn};
use hardtack_axum::testing::TestBrowser;
use hardtack_axum::{AccessToken, AuthLayer, Credentials};
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

use crate::site::Site;

async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
    Ok((typed.password == "right").then_some(typed.username))
}

/// Posts a log-in with a wrong password, and returns the status.
async fn guess(site: &Site, user: &str) -> u16 {
    let body = json!({ "username": user, "password": "wrong" });
    site.visitor().post("/login").json(&body).send().await.status().as_u16()
}

#[tokio::test]
async fn attempts_are_not_limited_if_that_was_turned_off() {
    let site = Site::bare(
        |builder| builder,
        |auth| {
            let log_in = PasswordLogIn::new(&auth, check).insecure_without_throttle();
            Router::new().merge(log_in.router()).layer(AuthLayer::new(auth))
        },
    );
    let site = site.await;
    for _ in 0..30 {
        assert_eq!(guess(&site, "alice").await, 401);
    }
}

#[tokio::test]
async fn servers_with_one_throttle_share_their_attempts() {
    let server = |auth: &hardtack::Authenticator, throttle| {
        let log_in = PasswordLogIn::new(auth, check).throttle(throttle);
        Router::new().merge(log_in.router()).layer(AuthLayer::new(auth.clone()))
    };
    let here = Site::bare(|builder| builder, |auth| server(&auth, auth.throttle().build())).await;
    let throttle = here.auth.throttle().build();
    let [first, second] = [server(&here.auth, throttle.clone()), server(&here.auth, throttle)];
    let first = Site { address: crate::site::serve(first).await, auth: here.auth.clone(), clock: here.clock.clone() };
    let second = Site { address: crate::site::serve(second).await, auth: here.auth.clone(), clock: here.clock.clone() };
    for _ in 0..5 {
        assert_eq!((guess(&first, "alice").await, guess(&second, "Alice").await), (401, 401));
    }
    assert_eq!((guess(&first, "alice").await, guess(&second, "alice").await), (429, 429));
    assert_eq!(guess(&here, "alice").await, 401);
}

/// If the layer is missing, a ready route responds with 500.
#[tokio::test]
async fn the_routes_need_the_layer() {
    let site = Site::bare(|builder| builder, |auth| routes::password_log_in(&auth, check)).await;
    let response = site.visitor().get("/login").accept_html().send().await;
    assert_eq!(response.status(), 500);
}

/// The response used to contain an error text of axum.
#[tokio::test]
async fn a_body_that_is_too_long_gets_413() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let auth = Authenticator::builder(keys).sessions(MemorySessions::new()).build().unwrap();
    let app = Router::new().merge(routes::password_log_in(&auth, check)).layer(AuthLayer::new(auth.clone()));
    let body = json!({ "username": "alice", "password": "x".repeat(3 << 20) });
    let response = app.oneshot(TestBrowser::new(&auth).post("/login").json(&body)).await.unwrap();
    assert_eq!(response.status(), 413);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&body["code"], &body["detail"]),
        (&json!("too_large"), &json!("The request's body is too long. Send less."))
    );
}

/// The application is nested below the base URL's path, or a proxy strips this path, or all routes begin with it.
#[tokio::test]
async fn the_routes_can_be_served_with_and_without_the_base_urls_path() {
    async fn orders(token: AccessToken) -> String {
        token.subject().to_owned()
    }
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let builder = Authenticator::builder(keys).sessions(MemorySessions::new()).refresh_mode(RefreshMode::Redirect);
    let auth = builder.base_url("https://site.example/shop").build().unwrap();
    let inner = || {
        let log_in = PasswordLogIn::new(&auth, check).without_base_path();
        Router::new().route("/orders", get(orders)).merge(log_in.router())
    };
    let below = Router::new().route("/shop/orders", get(orders)).merge(routes::password_log_in(&auth, check));
    // For each setup, the part of the path that a proxy strips.
    let setups =
        [("nested", Router::new().nest("/shop", inner()), ""), ("stripped", inner(), "/shop"), ("kept", below, "")];
    for (setup, app, stripped) in setups {
        let app = app.layer(AuthLayer::new(auth.clone()));
        let mut browser = TestBrowser::new(&auth);
        let seen = |path: &str| path.strip_prefix(stripped).unwrap().to_owned();
        let page = |browser: &TestBrowser, path: &str| browser.get(&seen(path)).header("accept", "text/html");
        let refused = app.clone().oneshot(page(&browser, "/shop/orders")).await.unwrap();
        assert_eq!(refused.headers()["location"], "/shop/login?next=%2Fshop%2Forders", "{setup}");
        let form = app.clone().oneshot(page(&browser, "/shop/login")).await.unwrap();
        assert_eq!(form.status(), 200, "{setup}");
        // The log-in page shows the typed name again.
        let wrong = browser.post(&seen("/shop/login")).header("accept", "text/html");
        let wrong = app.clone().oneshot(wrong.form(&[("username", "alice"), ("password", "wrong")])).await.unwrap();
        assert_eq!(wrong.status(), 303, "{setup}");
        browser.receive(&wrong);
        let again = app.clone().oneshot(page(&browser, "/shop/login")).await.unwrap();
        browser.receive(&again);
        let again = again.into_body().collect().await.unwrap().to_bytes();
        assert!(std::str::from_utf8(&again).unwrap().contains("value=\"alice\""), "{setup}");
        let typed = json!({ "username": "alice", "password": "right" });
        let logged_in = app.clone().oneshot(browser.post(&seen("/shop/login")).json(&typed)).await.unwrap();
        assert_eq!(logged_in.status(), 200, "{setup}");
        browser.receive(&logged_in);
        for path in ["/shop/orders", "/shop/logout", "/shop/reauthenticate"] {
            let shown = app.clone().oneshot(page(&browser, path)).await.unwrap();
            assert_eq!(shown.status(), 200, "{setup}: {path}");
        }
        let refreshed = app.clone().oneshot(browser.post(&seen("/shop/token/refresh"))).await.unwrap();
        assert_eq!(refreshed.status(), 200, "{setup}");
        browser.receive(&refreshed);
        let logged_out = app.oneshot(browser.post(&seen("/shop/logout"))).await.unwrap();
        assert_eq!(logged_out.status(), 200, "{setup}");
        browser.receive(&logged_out);
        assert!(browser.cookie("__Host-access_token_cookie").is_none(), "{setup}");
    }
}
