//! The four ways to go on when an access token has expired.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use hardtack::RefreshMode;
use hardtack_axum::AccessToken;

use crate::site::{ACCESS, ACCESS_LIFE, REFRESH, Site, code, told};

/// A route that counts how often its handler ran.
fn counting() -> (Arc<AtomicUsize>, Router) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let count = async move |token: AccessToken, body: Bytes| {
        let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
        let fresh = token.claims().fresh != hardtack::Fresh::No;
        format!("run {run} of {}, fresh {fresh}: {}", token.subject(), String::from_utf8_lossy(&body))
    };
    (runs, Router::new().route("/count", post(count)))
}

#[tokio::test]
async fn transparent_on_a_get() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let [access, refresh] = [ACCESS, REFRESH].map(|name| alice.cookie(name).unwrap().value.clone());
    let untouched = alice.get("/page").send().await;
    assert!(untouched.set_cookies().is_empty());
    site.expire_access();
    for path in ["/page", "/public"] {
        let mut tab = alice.clone();
        let page = tab.get(path).accept_html().send().await;
        assert_eq!(page.status(), 200, "no redirect");
        assert_eq!(page.set_cookies().len(), 4);
        assert_ne!(tab.cookie(ACCESS).unwrap().value, access);
        assert_ne!(tab.cookie(REFRESH).unwrap().value, refresh);
        assert!(tab.get("/page").send().await.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn s51_transparent_on_a_form_rendered_before() {
    let (runs, more) = counting();
    let site = Site::with(|builder| builder, more).await;
    let mut alice = site.alice().await;
    let csrf = alice.cookie("__Host-csrf_access_token").unwrap().value.clone();
    site.expire_access();
    let posted = alice.post("/count").accept_html().form(&[("csrf_token", csrf.as_str()), ("a", "1")]).send().await;
    assert_eq!(posted.text(), format!("run 1 of alice, fresh false: csrf_token={csrf}&a=1"));
    assert_eq!(posted.set_cookies().len(), 4);
    // In another tab the same form is still open.
    let again = alice.post("/count").accept_html().multipart(&[("csrf_token", &csrf)]).send().await;
    assert!(again.text().starts_with("run 2 of alice"), "{}", again.text());

    site.expire_access();
    let forged = alice.post("/count").accept_json().form(&[("csrf_token", "guessed")]).send().await;
    assert_eq!((forged.status().as_u16(), code(&forged).as_str()), (403, "csrf_mismatch"));
    assert!(forged.set_cookies().is_empty(), "checked before anything is refreshed");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn transparent_without_an_access_cookie() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    alice.jar().remove(ACCESS);
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
    assert!(alice.cookie(ACCESS).is_some());
}

#[tokio::test]
async fn s31_tabs_that_race_all_win() {
    let site = Site::start().await;
    let alice = site.alice().await;
    site.expire_access();
    let tabs = (0..20).map(|_| {
        let mut tab = alice.clone();
        tokio::spawn(async move { (tab.get("/page").send().await.text().to_owned(), tab) })
    });
    let mut cookies = Vec::new();
    for tab in tabs.collect::<Vec<_>>() {
        let (text, tab) = tab.await.unwrap();
        assert_eq!(text, "alice:");
        cookies.push(tab.cookie(REFRESH).unwrap().value.clone());
    }
    cookies.dedup();
    assert_eq!(cookies.len(), 1, "one successor");
}

#[tokio::test]
async fn s30_an_old_refresh_token_ends_the_session() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let mut thief = alice.clone();
    for _ in 0..2 {
        site.expire_access();
        assert_eq!(alice.get("/page").send().await.status(), 200);
    }
    let refused = thief.get("/page").accept_json().send().await;
    assert_eq!((refused.status().as_u16(), code(&refused).as_str()), (401, "refresh_reused"));
    assert_eq!(told(&alice, "/page").await[1], "401 revoked");
}

#[tokio::test]
async fn redirect_there_and_back() {
    let (_, more) = counting();
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect), more).await;
    let refresh = "__Secure-refresh_token_cookie";
    let mut alice = site.alice().await;
    assert_eq!(alice.cookie(refresh).unwrap().path, "/token/refresh");
    let csrf = alice.cookie("__Host-csrf_access_token").unwrap().value.clone();
    site.expire_access();

    let page = alice.get("/page?a=b%26c").accept_html().follow().await;
    assert_eq!(page.text(), "alice:");
    let hops: Vec<_> = page.hops().iter().map(|hop| (hop.status().as_u16(), hop.location().unwrap())).collect();
    assert_eq!(hops, [(303, "/token/refresh?next=%2Fpage%3Fa%3Db%2526c"), (303, "/page?a=b%26c")]);
    assert!(page.hops()[0].set_cookie(ACCESS).unwrap().is_deletion());
    assert_eq!(told(&alice, "/fresh").await[0], "303 /reauthenticate?next=%2Ffresh", "a refresh is not fresh");

    for attempt in ["urlencoded", "multipart"] {
        let mut writer = site.alice().await;
        let csrf = writer.cookie("__Host-csrf_access_token").unwrap().value.clone();
        site.expire_access();
        let fields = [("a", attempt), ("csrf_token", csrf.as_str())];
        let request = writer.post("/count").accept_html();
        let request = if attempt == "multipart" { request.multipart(&fields) } else { request.form(&fields) };
        let posted = request.follow().await;
        let hops: Vec<_> = posted.hops().iter().map(|hop| (hop.status().as_u16(), hop.location().unwrap())).collect();
        assert_eq!(hops, [(307, "/token/refresh?next=%2Fcount"), (307, "/count")]);
        assert_eq!(posted.method(), http::Method::POST);
        assert!(posted.text().starts_with("run ") && posted.text().contains(attempt), "{}", posted.text());
    }

    // A forged form goes nowhere.
    let forged = alice.clone().post("/count").accept_html().form(&[("csrf_token", "guessed")]).send().await;
    assert_eq!((forged.status().as_u16(), forged.location()), (403, None));
    // A program is told where to refresh.
    let told = alice.clone().post("/count").header("x-csrf-token", &csrf).accept_json().send().await;
    assert_eq!((told.status().as_u16(), code(&told).as_str()), (401, "refresh_needed"));
    assert_eq!(told.json()["refresh_url"], "/token/refresh");
    let refreshed = alice.post("/token/refresh").csrf().accept_json().send().await;
    assert_eq!(refreshed.json(), serde_json::json!({ "refreshed": true }));
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
}

#[tokio::test]
async fn redirect_with_nothing_to_refresh() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect), Router::new()).await;
    let mut visitor = site.visitor();
    let page = visitor.get("/page").accept_html().send().await;
    assert_eq!(page.location(), Some("/login?next=%2Fpage"));
    let refresh = visitor.get("/token/refresh?next=/page").accept_html().send().await;
    assert_eq!(refresh.location(), Some("/login?next=%2Fpage"), "where to is not forgotten");

    let mut alice = site.alice().await;
    site.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    let page = alice.get("/page").accept_html().follow().await;
    assert_eq!(page.path(), "/login?next=%2Fpage&ended=1", "{:?}", page.hops());
    assert!(alice.cookie(ACCESS).is_none());
}

#[tokio::test]
async fn sliding() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Sliding), Router::new()).await;
    let mut alice = site.alice().await;
    assert!(alice.cookie(REFRESH).is_none());
    let first = alice.cookie(ACCESS).unwrap().value.clone();
    assert!(alice.get("/page").send().await.set_cookies().is_empty(), "too early");
    site.clock.advance(ACCESS_LIFE / 2 + Duration::from_secs(1));
    let slid = alice.get("/page").send().await;
    assert_eq!((slid.text(), slid.set_cookies().len()), ("alice:", 2));
    assert_ne!(alice.cookie(ACCESS).unwrap().value, first);
    site.clock.advance(ACCESS_LIFE / 2 + Duration::from_secs(1));
    let mut leaver = alice.clone();
    assert_eq!(alice.get("/page").send().await.text(), "alice:", "it lives on by being used");
    let left = leaver.post("/logout").csrf().send().await;
    assert!(left.set_cookie(ACCESS).unwrap().is_deletion(), "never after a log-out");
    assert_eq!(told(&alice, "/page").await[1], "401 revoked");

    let idle = site.alice().await;
    site.expire_access();
    assert_eq!(told(&idle, "/page").await[1], "401 expired");
}

#[tokio::test]
async fn off() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Off), Router::new()).await;
    let mut alice = site.alice().await;
    site.expire_access();
    assert_eq!(told(&alice, "/page").await[1], "401 expired");
    let refused = alice.post("/token/refresh").accept_json().send().await;
    assert_eq!(code(&refused), "csrf_missing");
    let refreshed = alice.post("/token/refresh").csrf().accept_json().send().await;
    assert_eq!(refreshed.json(), serde_json::json!({ "refreshed": true }));
    assert_eq!(told(&alice, "/page").await, ["200 alice:"; 3]);
}
