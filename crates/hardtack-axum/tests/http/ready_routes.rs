//! The settings of the ready routes. The conformance suite tests the routes themselves.

use axum::Router;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
use hardtack_axum::routes::{self, PasswordLogIn};
use hardtack_axum::testing::TestBrowser;
use hardtack_axum::{AuthLayer, Credentials};
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
