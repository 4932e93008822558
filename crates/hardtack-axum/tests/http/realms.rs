//! Two realms in one application, as the guide shows.

use axum::Router;
use axum::routing::get;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
use hardtack_axum::{AccessToken, AuthLayer, Credentials, routes};
use hardtack_test_support::Client;
use serde_json::json;

use crate::site::{ORIGIN, serve};

async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
    Ok((typed.password == "right").then_some(typed.username))
}

/// A shop and its back office. Both use the same key, so only the realm tells their tokens apart.
fn app() -> Router {
    let key = SigningKey::generate(Algorithm::HS256).unwrap();
    let builder = |url| Authenticator::builder(KeySet::new(key.clone())).base_url(url).sessions(MemorySessions::new());
    let customers = builder(ORIGIN).build().unwrap();
    let staff = builder(&format!("{ORIGIN}/staff")).realm("staff").build().unwrap();
    let shop = Router::new()
        .route("/", get(async |token: AccessToken| format!("customer {}", token.subject())))
        .merge(routes::password_log_in(&customers, check))
        .layer(AuthLayer::new(customers));
    let back_office = Router::new()
        .route("/staff", get(async |token: AccessToken| format!("staff {}", token.subject())))
        .merge(routes::password_log_in(&staff, check))
        .layer(AuthLayer::new(staff));
    shop.merge(back_office)
}

async fn get_text(browser: &mut Client, path: &str) -> String {
    let response = browser.get(path).accept_html().send().await;
    response.location().unwrap_or_else(|| response.text()).to_owned()
}

#[tokio::test]
async fn one_browser_is_logged_in_to_both_realms() {
    let mut browser = Client::new(serve(app()).await).at_origin(ORIGIN);
    assert_eq!(get_text(&mut browser, "/").await, "/login?next=%2F");
    assert_eq!(get_text(&mut browser, "/staff").await, "/staff/login?next=%2Fstaff");
    for (path, name) in [("/login", "alice"), ("/staff/login", "bob")] {
        let typed = json!({ "username": name, "password": "right" });
        assert_eq!(browser.post(path).json(&typed).send().await.status(), 200);
    }
    assert_eq!(get_text(&mut browser, "/").await, "customer alice");
    assert_eq!(get_text(&mut browser, "/staff").await, "staff bob");

    // A log-out ends the session of its realm only.
    let csrf = browser.cookie("__Host-staff_csrf_access_token").unwrap().value.clone();
    assert_eq!(browser.post("/staff/logout").header("x-csrf-token", csrf).send().await.status(), 200);
    assert_eq!(get_text(&mut browser, "/staff").await, "/staff/login?next=%2Fstaff");
    assert_eq!(get_text(&mut browser, "/").await, "customer alice");
}

/// A token is refused under the cookie name of another realm, although the key is the same.
#[tokio::test]
async fn a_token_is_valid_in_its_realm_only() {
    let mut browser = Client::new(serve(app()).await).at_origin(ORIGIN);
    let typed = json!({ "username": "alice", "password": "right" });
    assert_eq!(browser.post("/login").json(&typed).send().await.status(), 200);
    let token = browser.cookie("__Host-access_token_cookie").unwrap().value.clone();
    let cookie = format!("__Host-staff_access_token_cookie={token}");
    let response = browser.get("/staff").raw_cookie_header(cookie).accept_json().send().await;
    assert_eq!(response.status(), 401, "{}", response.text());
}
