//! The settings of the ready routes. The conformance suite tests the routes themselves.

use actix_web::{App, test, web};
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
use hardtack_actix::routes::PasswordLogIn;
use hardtack_actix::testing::TestBrowser;
use hardtack_actix::{AuthLayer, Credentials};
use serde_json::json;

use crate::site::{Site, serve};

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
            serve!(move || App::new().service(log_in.clone()).wrap(AuthLayer::new(auth.clone())))
        },
    );
    let site = site.await;
    for _ in 0..30 {
        assert_eq!(guess(&site, "alice").await, 401);
    }
}

/// Each worker of a server calls the closure that creates the `App`.
#[tokio::test]
async fn workers_share_their_attempts() {
    let site = Site::bare(
        |builder| builder,
        |auth| {
            let log_in = PasswordLogIn::new(&auth, check);
            let (listener, address) = {
                let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
                let address = listener.local_addr().unwrap();
                (listener, address)
            };
            let app = move || App::new().service(log_in.clone()).wrap(AuthLayer::new(auth.clone()));
            let server = actix_web::HttpServer::new(app).workers(4).disable_signals();
            tokio::spawn(server.listen(listener).unwrap().run());
            address
        },
    );
    let site = site.await;
    for _ in 0..10 {
        assert_eq!(guess(&site, "alice").await, 401);
    }
    for _ in 0..8 {
        assert_eq!(guess(&site, "alice").await, 429);
    }
}

/// The response used to contain an error text of actix-web.
#[tokio::test]
async fn a_body_that_is_too_long_gets_413() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let auth = Authenticator::builder(keys).sessions(MemorySessions::new()).build().unwrap();
    let app = App::new().service(PasswordLogIn::new(&auth, check)).wrap(AuthLayer::new(auth.clone()));
    let app = test::init_service(app).await;
    let body = json!({ "username": "alice", "password": "x".repeat(3 << 20) });
    let request = TestBrowser::new(&auth).post("/login").json(&body).to_request();
    let response = test::call_service(&app, request).await;
    assert_eq!(response.status(), 413);
    let body: serde_json::Value = test::read_body_json(response).await;
    assert_eq!(
        (&body["code"], &body["detail"]),
        (&json!("too_large"), &json!("The request's body is too long. Send less."))
    );
}

/// The routes are in a scope with the base URL's path, or a proxy strips this path.
#[tokio::test]
async fn the_routes_can_be_served_without_the_base_urls_path() {
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let builder = Authenticator::builder(keys).sessions(MemorySessions::new());
    let auth = builder.base_url("https://site.example/shop").build().unwrap();
    let log_in = || PasswordLogIn::new(&auth, check).without_base_path();
    let scope = web::scope("/shop").service(log_in());
    let nested = test::init_service(App::new().service(scope).wrap(AuthLayer::new(auth.clone()))).await;
    let stripped = test::init_service(App::new().service(log_in()).wrap(AuthLayer::new(auth.clone()))).await;
    let typed = json!({ "username": "alice", "password": "right" });
    for prefix in ["/shop", ""] {
        let mut browser = TestBrowser::new(&auth);
        for (path, body) in [("/login", Some(&typed)), ("/token/refresh", None), ("/logout", None)] {
            let request = browser.post(&format!("{prefix}{path}"));
            let request = body.map_or(request.clone(), |body| request.json(body));
            let response = if prefix.is_empty() {
                test::call_service(&stripped, request.to_request()).await
            } else {
                test::call_service(&nested, request.to_request()).await
            };
            assert_eq!(response.status(), 200, "{prefix}{path}");
            browser.receive(&response);
        }
        assert!(browser.cookie("__Host-access_token_cookie").is_none(), "{prefix}");
    }
}
