//! Sessions that are bound to a device, in Chromium over TLS.

use std::time::Duration;

use axum::Router;
use axum::response::{Html, Response};
use axum::routing::{get, post};
use hardtack::config::DeviceBinding;
use hardtack::event::EventKind;
use hardtack_axum::{Auth, AuthError};
use hardtack_test_support::tls::TlsFront;
use hardtack_test_support::{Browser, BrowserOptions, Client};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::site::{ACCESS, Site, code};

const LONGEST_WAIT: Duration = Duration::from_secs(20);

fn more() -> Router {
    Router::new()
        .route("/", get(async || Html("<!doctype html><title>Home</title>")))
        .route("/token/bind", post(bind))
        .route("/token/bound", post(bound))
}

async fn bind(auth: Auth) -> Result<Response, AuthError> {
    auth.bind_device().await
}

async fn bound(auth: Auth) -> Result<Response, AuthError> {
    auth.refresh_bound().await
}

/// Waits for an event, and skips others.
async fn wait_for(events: &mut UnboundedReceiver<EventKind>, wanted: EventKind) {
    let found = async { while events.recv().await.is_some_and(|event| event != wanted) {} };
    tokio::time::timeout(LONGEST_WAIT, found).await.unwrap_or_else(|_| panic!("no event {wanted:?}"));
}

/// Sends a request from the page. Returns the status and the text of the response.
async fn fetch(browser: &Browser, method: &str, path: &str, body: &str) -> Value {
    let script = "const [method, path, body, done] = arguments; \
        const csrf = document.cookie.match(/csrf_access_token=([^;]+)/)?.[1] ?? ''; \
        const headers = {'x-csrf-token': csrf, 'content-type': 'application/json', 'accept': 'application/json'}; \
        fetch(path, {method, headers, body}).then(async response => done([response.status, await response.text()]), \
        error => done(String(error)));";
    let arguments = vec![json!(method), json!(path), json!(body)];
    browser.session().execute_async(script, arguments).await.unwrap()
}

/// Deletes the access cookie, so that the browser has to refresh before its next request.
async fn lose_access_cookie(browser: &Browser) {
    browser.session().delete_cookie(ACCESS).await.unwrap();
}

#[tokio::test]
async fn s89_chromium_binds_a_session_and_a_copy_of_its_cookies_is_worthless() {
    let front = TlsFront::bind("site.test").await;
    let (origin, trusted_key) = (front.origin(), Some(front.key_hash()));
    let (sender, mut events) = unbounded_channel();
    let site = Site::with(
        |builder| {
            let builder = builder.base_url(&origin).device_binding(DeviceBinding::Offer);
            builder.on_event(move |event| {
                let _ = sender.send(event.kind);
            })
        },
        more(),
    )
    .await;
    front.forward(site.address);
    let options = BrowserOptions { trusted_key, binds_devices: true, ..BrowserOptions::default() };
    let browser = Browser::start(options).await.unwrap();

    browser.goto(&format!("{origin}/")).await.unwrap();
    assert_eq!(fetch(&browser, "POST", "/login?user=alice", "{}").await[0], 200);
    wait_for(&mut events, EventKind::Bound).await;

    // The browser refreshes the bound session before it sends the request for a page, or a request with a body.
    lose_access_cookie(&browser).await;
    browser.goto(&format!("{origin}/public")).await.unwrap();
    assert_eq!(browser.text().await.unwrap(), "alice");
    wait_for(&mut events, EventKind::Refresh).await;
    lose_access_cookie(&browser).await;
    assert_eq!(fetch(&browser, "POST", "/page", "hello").await, json!([200, "alice:hello"]));
    wait_for(&mut events, EventKind::Refresh).await;

    // A copy of the cookies works until the access token expires.
    let mut thief = Client::new(site.address).at_origin(&origin);
    for cookie in browser.session().get_all_cookies().await.unwrap() {
        let http_only = if cookie.http_only() == Some(true) { "; HttpOnly" } else { "" };
        thief.set_cookie_raw(&format!("{}={}; Secure; Path=/{http_only}", cookie.name(), cookie.value()));
    }
    assert_eq!(thief.get("/page").send().await.text(), "alice:");
    site.expire_access();
    let refused = thief.get("/page").accept_json().send().await;
    assert_eq!((refused.status().as_u16(), code(&refused).as_str()), (401, "unproven_refresh"));
    wait_for(&mut events, EventKind::UnprovenRefresh).await;

    // The owner's session continues until the owner logs out.
    lose_access_cookie(&browser).await;
    assert_eq!(fetch(&browser, "POST", "/page", "still here").await, json!([200, "alice:still here"]));
    assert_eq!(fetch(&browser, "POST", "/logout", "").await[0], 200);
    assert_eq!(fetch(&browser, "POST", "/page", "").await[0], 401);
    assert!(site.auth.sessions("alice").await.unwrap().is_empty());
    browser.close().await.unwrap();
}
