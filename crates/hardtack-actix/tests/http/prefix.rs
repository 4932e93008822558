//! A site below a path of its host: in a scope, or with a proxy that strips the path.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{App, test, web};
use hardtack::jwt::Algorithm;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet, MemorySessions, RefreshMode, SigningKey};
use hardtack_actix::AuthLayer;
use hardtack_actix::testing::TestBrowser;

use crate::site::routes;

/// Sends GET for a path below `/app`. Returns the target of the redirect, or the status.
macro_rules! get {
    ($app:expr, $browser:expr, $path:expr) => {{
        let request = $browser.get($path).header("accept", "text/html").to_request();
        let response = test::call_service($app, request).await;
        $browser.receive(&response);
        let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        location.unwrap_or_else(|| response.status().as_str().to_owned())
    }};
}

#[tokio::test]
async fn every_redirect_and_cookie_path_is_below_the_sites_path() {
    for seen in ["", "/app"] {
        let clock = TestClock::start_now();
        let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        let builder = Authenticator::builder(keys).base_url("https://site.example/app").clock(clock.clone());
        let builder = builder.sessions(MemorySessions::new()).refresh_mode(RefreshMode::Redirect);
        let auth = builder.build().unwrap();
        let scope = web::scope(seen).configure(routes).wrap(AuthLayer::new(auth.clone()));
        let app = &test::init_service(App::new().service(scope)).await;
        let at = |path: &str| format!("{seen}{path}");

        let mut browser = TestBrowser::new(&auth);
        assert_eq!(get!(app, browser, &at("/page?a=b")), "/app/login?next=%2Fapp%2Fpage%3Fa%3Db");
        let entered = browser.post(&at("/login?next=%2Fapp%2Fpage")).header("accept", "text/html");
        let entered = test::call_service(app, entered.to_request()).await;
        assert_eq!(entered.headers().get(header::LOCATION).unwrap(), "/app/page");
        browser.receive(&entered);
        assert_eq!(browser.cookie("__Secure-refresh_token_cookie").unwrap().path, "/app/token/refresh");
        clock.advance(Duration::from_secs(16 * 60));
        assert_eq!(get!(app, browser, &at("/page")), "/app/token/refresh?next=%2Fapp%2Fpage");
        assert_eq!(get!(app, browser, &at("/token/refresh?next=%2Fapp%2Fpage")), "/app/page");
        assert_eq!(get!(app, browser, &at("/page")), "200");
        assert_eq!(get!(app, browser, &at("/fresh")), "/app/reauthenticate?next=%2Fapp%2Ffresh");
        let left = test::call_service(app, browser.post(&at("/logout")).to_request()).await;
        assert_eq!(left.status(), 200);
        assert!(auth.sessions("alice").await.unwrap().is_empty());
    }
}
