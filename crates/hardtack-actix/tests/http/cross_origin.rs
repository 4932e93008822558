//! An API for pages of another origin, behind `actix-cors`, as the guide shows. The tests of `hardtack-axum` use such an
//! API in Chromium.

use actix_cors::Cors;
use actix_web::http::header;
use actix_web::{App, web};
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, CsrfPolicy, KeySet, MemorySessions, Need, SigningKey};
use hardtack_actix::{AccessToken, AuthLayer, Credentials, Require, routes};
use hardtack_test_support::{Client, Request};
use http::Method;
use serde_json::json;

use crate::site::{ORIGIN, serve};

const PAGE: &str = "https://app.site.example";

async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
    Ok((typed.password == "right").then_some(typed.username))
}

fn api() -> Client {
    let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()))
        .base_url(ORIGIN)
        .csrf(CsrfPolicy::default().trusted_origin(PAGE))
        .sessions(MemorySessions::new())
        .build()
        .unwrap();
    let log_in = routes::password_log_in(&auth, check);
    let address = serve!(move || {
        let cors = Cors::default()
            .allowed_origin(PAGE)
            .supports_credentials()
            .allowed_methods(["GET", "POST"])
            .allowed_headers([header::ACCEPT, header::CONTENT_TYPE])
            .allowed_header("x-csrf-token");
        let order = async |token: AccessToken| format!("Ordered for {}", token.subject());
        App::new()
            .service(web::resource("/orders").post(order).wrap(Require::new(Need::access())))
            .service(log_in.clone())
            .wrap(AuthLayer::new(auth.clone()))
            .wrap(cors)
    });
    Client::new(address).at_origin(ORIGIN)
}

/// Sets the fields of a request from the page.
fn same_site(request: Request<'_>) -> Request<'_> {
    request.header("origin", PAGE).header("sec-fetch-site", "same-site").accept_json()
}

#[tokio::test]
async fn a_page_of_a_trusted_origin_uses_the_api() {
    let mut client = api();
    let preflight = client
        .request(Method::OPTIONS, "/orders")
        .header("origin", PAGE)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-csrf-token")
        .send()
        .await;
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(preflight.header("access-control-allow-credentials"), Some("true"));

    let typed = json!({ "username": "alice", "password": "right" });
    let logged_in = same_site(client.post("/login")).json(&typed).send().await;
    assert_eq!((logged_in.status().as_u16(), logged_in.header("access-control-allow-origin")), (200, Some(PAGE)));
    let refused = same_site(client.post("/orders")).send().await;
    assert_eq!((refused.status().as_u16(), refused.json()["code"].as_str()), (403, Some("csrf_missing")));
    assert_eq!(refused.header("access-control-allow-origin"), Some(PAGE));
    let ordered = same_site(client.post("/orders")).csrf().send().await;
    assert_eq!((ordered.status().as_u16(), ordered.text()), (200, "Ordered for alice"));
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let mut client = api();
    let typed = json!({ "username": "alice", "password": "right" });
    let foreign = client
        .post("/login")
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site")
        .json(&typed)
        .accept_json()
        .send()
        .await;
    assert_eq!((foreign.status().as_u16(), foreign.header("access-control-allow-origin")), (403, None));
}
