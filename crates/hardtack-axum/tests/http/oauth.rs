//! The OAuth example against a local issuer, and log-ins that end with a GET request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64_simd::URL_SAFE_NO_PAD;
use hardtack_test_support::Client;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::oauth_example::{Issuer, app};
use crate::site::{ORIGIN, Site, serve};

type Fields = HashMap<String, String>;

/// An issuer at which the user is always logged in and agrees to everything.
async fn issuer() -> SocketAddr {
    // The PKCE challenge of each code. A code is accepted once.
    let challenges: Arc<Mutex<HashMap<String, String>>> = Arc::default();
    let asked = Arc::clone(&challenges);
    let authorize = async move |Query(query): Query<Fields>| {
        assert_eq!((query["response_type"].as_str(), query["code_challenge_method"].as_str()), ("code", "S256"));
        let mut challenges = asked.lock().unwrap();
        let code = format!("code-{}", challenges.len());
        challenges.insert(code.clone(), query["code_challenge"].clone());
        Redirect::to(&format!("{}?state={}&code={code}", query["redirect_uri"], query["state"]))
    };
    let token = async move |Form(form): Form<Fields>| {
        let verifier = URL_SAFE_NO_PAD.encode_to_string(Sha256::digest(form["code_verifier"].as_bytes()));
        if challenges.lock().unwrap().insert(form["code"].clone(), "used".into()) != Some(verifier) {
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
        }
        (StatusCode::OK, Json(json!({ "access_token": "for-userinfo", "token_type": "bearer" })))
    };
    let user = async |headers: HeaderMap| -> Json<Value> {
        assert_eq!(headers["authorization"], "Bearer for-userinfo");
        Json(json!({ "sub": "issuer-user-7" }))
    };
    let app = Router::new()
        .route("/authorize", get(async move |query: Query<Fields>| authorize(query).await.into_response()))
        .route("/token", post(token))
        .route("/userinfo", get(user));
    serve(app).await
}

async fn example() -> (Site, SocketAddr) {
    let issuer = issuer().await;
    let urls = |builder: hardtack::AuthenticatorBuilder| builder.urls(hardtack::Urls::default().login("/oauth/start"));
    let of_issuer = Issuer::new(ORIGIN, &format!("http://{issuer}"), "shop".into(), "secret".into()).unwrap();
    (Site::bare(urls, |auth| app(auth, of_issuer)).await, issuer)
}

/// Follows the redirect to the issuer. Returns the path on the site to which the issuer sends the browser back.
async fn at_issuer(issuer: SocketAddr, location: &str) -> String {
    let path = location.strip_prefix(&format!("http://{issuer}")).unwrap();
    let back = Client::new(issuer).get(path).send().await;
    back.location().unwrap().strip_prefix(ORIGIN).unwrap().to_owned()
}

#[tokio::test]
async fn the_example_logs_in_at_another_site() {
    let (site, issuer) = example().await;
    let mut browser = site.visitor();
    let needed = browser.get("/?a=b").accept_html().send().await;
    assert_eq!(needed.location(), Some("/oauth/start?next=%2F%3Fa%3Db"));
    let start = browser.get(needed.location().unwrap()).accept_html().send().await;
    assert_eq!(start.header("cache-control"), Some("private, no-store"));
    let callback = at_issuer(issuer, start.location().unwrap()).await;
    // The issuer sent the browser here.
    let cross_site = browser.get(&callback).accept_html().header("sec-fetch-site", "cross-site");
    let back = cross_site.send().await;
    assert_eq!((back.status().as_u16(), back.location()), (303, Some("/?a=b")));
    assert!(browser.get("/").send().await.text().starts_with("Hello, issuer-user-7."));
    assert!(!browser.cookies().iter().any(|cookie| cookie.name.contains("log_in_state")));
    // The state is valid, but the issuer does not know the code. The response does not show the issuer's error.
    let start = browser.get("/oauth/start").accept_html().send().await;
    let callback = at_issuer(issuer, start.location().unwrap()).await.replace("code-", "forged-");
    let failed = browser.get(&callback).send().await;
    assert_eq!(failed.status(), 503);
    assert!(!failed.text().contains("invalid_grant"));
    // The user declines at the issuer, so there is no code.
    let start = browser.get("/oauth/start").accept_html().send().await;
    let callback = at_issuer(issuer, start.location().unwrap()).await;
    let refused = callback.split("&code").next().unwrap();
    assert_eq!(browser.get(refused).send().await.status(), 403);
}
