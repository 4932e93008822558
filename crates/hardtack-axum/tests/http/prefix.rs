//! A site below a path of its host: nested in a router, or with a proxy that strips the path.

use std::time::Duration;

use axum::Router;
use hardtack::jwt::Algorithm;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet, MemorySessions, RefreshMode, SigningKey, Urls};
use hardtack_axum::AuthLayer;
use hardtack_axum::testing::{TestBrowser, TestUser};
use tower::ServiceExt;

use crate::site::routes;

const HTML: [&str; 2] = ["accept", "text/html"];

struct Site {
    auth: Authenticator,
    clock: TestClock,
    app: Router,
    /// The path's prefix in the requests that the application receives: `/app`, or nothing if a proxy strips it.
    seen: &'static str,
}

impl Site {
    /// Sends GET for a path below `/app`. Returns the target of the redirect, or the status.
    async fn get(&self, browser: &mut TestBrowser, path: &str) -> String {
        let path = path.strip_prefix("/app").unwrap();
        let request = browser.get(&format!("{}{path}", self.seen)).header(HTML[0], HTML[1]);
        let response = self.app.clone().oneshot(request).await.unwrap();
        browser.receive(&response);
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        location.unwrap_or_else(|| response.status().as_str().to_owned())
    }
}

fn sites(mode: RefreshMode) -> [Site; 3] {
    let site = |urls: Urls, seen: &'static str, app: fn(Authenticator) -> Router| {
        let clock = TestClock::start_now();
        let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        let builder = Authenticator::builder(keys).base_url("https://site.example/app/").urls(urls);
        let builder = builder.sessions(MemorySessions::new()).refresh_mode(mode).clock(clock.clone());
        let auth = builder.build().unwrap();
        Site { app: app(auth.clone()), auth, clock, seen }
    };
    [
        site(Urls::default(), "", |auth| routes().layer(AuthLayer::new(auth))),
        site(Urls::default(), "/app", |auth| Router::new().nest("/app", routes().layer(AuthLayer::new(auth)))),
        site(Urls::default().login("/app/login"), "/app", |auth| {
            Router::new().nest("/app", routes()).layer(AuthLayer::new(auth))
        }),
    ]
}

#[tokio::test]
async fn every_redirect_and_cookie_path_is_below_the_sites_path() {
    for site in sites(RefreshMode::Redirect) {
        assert_eq!(site.auth.base_url().as_deref(), Some("https://site.example/app"));
        let mut browser = TestBrowser::new(&site.auth);
        let log_in = site.get(&mut browser, "/app/page?a=b").await;
        assert_eq!(log_in, "/app/login?next=%2Fapp%2Fpage%3Fa%3Db");
        for (next, to) in
            [("%2Fapp%2Fpage%3Fa%3Db", "/app/page?a=b"), ("%2Fapp%2Flogin", "/app/"), ("%2F%2Fevil", "/app/")]
        {
            let request = browser.post(&format!("{}/login?next={next}", site.seen)).header(HTML[0], HTML[1]);
            let entered = site.app.clone().oneshot(request).await.unwrap();
            assert_eq!(entered.headers()["location"], to, "{next}");
            browser.receive(&entered);
        }
        assert_eq!(browser.cookie("__Host-access_token_cookie").unwrap().path, "/");
        assert_eq!(browser.cookie("__Secure-refresh_token_cookie").unwrap().path, "/app/token/refresh");
        assert_eq!(site.get(&mut browser, "/app/page").await, "200");
        // With an expired token, the browser is redirected to the refresh URL and back.
        site.clock.advance(Duration::from_secs(16 * 60));
        let refresh = site.get(&mut browser, "/app/page").await;
        assert_eq!(refresh, "/app/token/refresh?next=%2Fapp%2Fpage");
        assert_eq!(site.get(&mut browser, &refresh).await, "/app/page");
        assert_eq!(site.get(&mut browser, "/app/page").await, "200");
        assert_eq!(site.get(&mut browser, "/app/fresh").await, "/app/reauthenticate?next=%2Fapp%2Ffresh");
        let left = site.app.clone().oneshot(browser.post(&format!("{}/logout", site.seen))).await.unwrap();
        assert_eq!(left.status(), 200);
        assert!(site.auth.sessions("alice").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_refresh_in_place_works_below_a_path() {
    for site in sites(RefreshMode::Transparent) {
        let mut alice = TestUser::new("alice").log_in(&site.auth).await;
        site.clock.advance(Duration::from_secs(16 * 60));
        assert_eq!(site.get(&mut alice, "/app/page").await, "200");
        let posted = alice.post(&format!("{}/page", site.seen)).header("referer", "https://site.example/app/form");
        assert_eq!(site.app.clone().oneshot(posted).await.unwrap().status(), 200);
        // After a refused POST and a log-in, the browser returns to the page with the form.
        site.auth.revoke_all_sessions("alice").await.unwrap();
        let posted = alice.post(&format!("{}/page", site.seen)).header(HTML[0], HTML[1]);
        let refused =
            site.app.clone().oneshot(posted.header("referer", "https://site.example/app/form")).await.unwrap();
        assert_eq!(refused.headers()["location"], "/app/login?next=%2Fapp%2Fform&ended=1");
    }
}
