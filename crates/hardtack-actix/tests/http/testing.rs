//! The testing kit, with the tutorial's routes.

use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{App, test};
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, MemorySessions, SigningKey};
use hardtack_actix::AuthLayer;
use hardtack_actix::testing::{TestBrowser, TestUser};

use crate::tutorial_example::{people::People, routes};

fn auth(base_url: &str) -> Authenticator {
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    Authenticator::builder(keys).base_url(base_url).sessions(MemorySessions::new()).build().unwrap()
}

/// The tutorial as a service.
macro_rules! tutorial {
    ($auth:expr) => {{
        let people = Data::new(People::new().unwrap());
        test::init_service(App::new().app_data(people).configure(routes).wrap(AuthLayer::new($auth.clone()))).await
    }};
}

#[tokio::test]
async fn the_tutorials_account_is_changed_by_its_user() {
    for base_url in ["https://site.example", "http://127.0.0.1:3000"] {
        let auth = auth(base_url);
        let app = tutorial!(auth);
        let alice = TestUser::new("alice").claim("role", "admin").fresh().log_in(&auth).await;
        let rename = || alice.post("/account/change_settings").form(&[("nickname", "Al")]);
        let renamed = test::call_service(&app, rename().to_request()).await;
        assert_eq!(
            (renamed.status(), renamed.headers().get(header::LOCATION).unwrap().to_str().unwrap()),
            (StatusCode::SEE_OTHER, "/account")
        );
        let page = test::call_and_read_body(&app, alice.get("/service").to_request()).await;
        assert!(String::from_utf8_lossy(&page).contains("At your service, Al."));
        for forged in [rename().without_header("x-csrf-token"), rename().header("origin", "https://evil.example")] {
            let refused = test::call_service(&app, forged.to_request()).await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        }
        let stale = TestUser::new("alice").log_in(&auth).await;
        let refused = test::call_service(&app, stale.get("/account").header("Accept", "text/html").to_request()).await;
        assert_eq!(
            refused.headers().get(header::LOCATION).unwrap().to_str().unwrap(),
            "/reauthenticate?next=%2Faccount"
        );
    }
}

#[tokio::test]
async fn a_visitor_posts_the_log_in_form_and_is_logged_in_afterwards() {
    let auth = auth("https://site.example");
    let app = tutorial!(auth);
    let mut browser = TestBrowser::new(&auth);
    let typed = [("username", "alice"), ("password", "correct horse")];
    let entered = test::call_service(&app, browser.post("/login").form(&typed).to_request()).await;
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    browser.receive(&entered);
    assert_eq!(auth.sessions("alice").await.unwrap().len(), 1);
    let left: test::TestRequest = browser.post("/logout").into();
    browser.receive(&test::call_service(&app, left.to_request()).await);
    assert!(auth.sessions("alice").await.unwrap().is_empty() && browser.cookie("__Host-access_token_cookie").is_none());
}
