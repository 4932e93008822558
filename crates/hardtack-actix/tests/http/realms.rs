//! Two realms in one application, as the guide shows.

use actix_web::{App, guard, web};
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
use hardtack_actix::{AccessToken, AuthLayer, Credentials, routes};
use hardtack_test_support::realms;

use crate::site::{ORIGIN, serve};

async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
    Ok((typed.password == "right").then_some(typed.username))
}

/// A shop and its back office. Both use the same key, so only the realm tells their tokens apart.
#[tokio::test]
async fn one_browser_is_logged_in_to_both_realms() {
    let key = SigningKey::generate(Algorithm::HS256).unwrap();
    let builder = |url| Authenticator::builder(KeySet::new(key.clone())).base_url(url).sessions(MemorySessions::new());
    let customers = builder(ORIGIN).build().unwrap();
    let staff = builder(&format!("{ORIGIN}/staff")).realm("staff").build().unwrap();
    let customer_log_in = routes::password_log_in(&customers, check);
    let staff_log_in = routes::password_log_in(&staff, check);
    let address = serve!(move || {
        let is_staff = |path: &str| path == "/staff" || path.starts_with("/staff/");
        let back_office = web::scope("")
            .guard(guard::fn_guard(move |request| is_staff(request.head().uri.path())))
            .route("/staff", web::get().to(async |token: AccessToken| format!("staff {}", token.subject())))
            .service(staff_log_in.clone())
            .wrap(AuthLayer::new(staff.clone()));
        let shop = web::scope("")
            .route("/", web::get().to(async |token: AccessToken| format!("customer {}", token.subject())))
            .service(customer_log_in.clone())
            .wrap(AuthLayer::new(customers.clone()));
        App::new().service(back_office).service(shop)
    });
    realms::visit(address, ORIGIN).await;
}
