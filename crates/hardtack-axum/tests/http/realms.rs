//! Two realms in one application, as the guide shows.

use axum::Router;
use axum::routing::get;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
use hardtack_axum::{AccessToken, AuthLayer, Credentials, routes};
use hardtack_test_support::realms;

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

#[tokio::test]
async fn one_browser_is_logged_in_to_both_realms() {
    realms::visit(serve(app()).await, ORIGIN).await;
}
