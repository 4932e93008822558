//! Sessions that are bound to a device, in Chromium over TLS.

use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use hardtack::config::DeviceBinding;
use hardtack::event::EventKind;
use hardtack_axum::{AccessToken, Auth, AuthError, Proven};
use hardtack_test_support::tls::TlsFront;
use hardtack_test_support::{Browser, BrowserOptions, Client, wait};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::site::{ACCESS, Site, code};

const LONGEST_WAIT: Duration = Duration::from_secs(60);

fn more(origin: String) -> Router {
    let link = format!("<!doctype html><title>Elsewhere</title><a href='{origin}/public?from=link#part'>Link</a>");
    Router::new()
        .route("/", get(async || Html("<!doctype html><title>Home</title>")))
        .route("/elsewhere", get(async || Html(link)))
        .route("/token/bind", post(bind))
        .route("/token/bound", post(bound))
        .route("/proven", get(proven).post(proven))
        .route("/socket", get(socket))
}

async fn proven(token: Proven<120>, body: String) -> String {
    format!("{} proved:{body}", token.subject())
}

/// Sends the user's name over a WebSocket.
async fn socket(token: AccessToken, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        let _ = socket.send(Message::Text(token.subject().into())).await;
    })
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
    wait::within_reason(format!("the event {wanted:?}"), found).await;
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
        more(origin.clone()),
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

    // So does a WebSocket.
    lose_access_cookie(&browser).await;
    let script = "const done = arguments[0]; const socket = new WebSocket('/socket'); \
        socket.onmessage = message => done(message.data); socket.onerror = () => done('error');";
    assert_eq!(browser.session().execute_async(script, vec![]).await.unwrap(), json!("alice"));
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

#[tokio::test]
async fn s89_s90_chromium_arrives_from_another_site_and_proves_its_key_when_asked() {
    let front = TlsFront::bind("arrival.test").await;
    let (origin, trusted_key) = (front.origin(), Some(front.key_hash()));
    let (sender, mut events) = unbounded_channel();
    let site = Site::with(
        |builder| {
            let builder = builder.base_url(&origin).device_binding(DeviceBinding::Offer);
            builder.on_event(move |event| {
                let _ = sender.send(event.kind);
            })
        },
        more(origin.clone()),
    )
    .await;
    front.forward(site.address);
    let options = BrowserOptions { trusted_key, binds_devices: true, ..BrowserOptions::default() };
    let browser = Browser::start(options).await.unwrap();
    browser.goto(&format!("{origin}/")).await.unwrap();
    assert_eq!(fetch(&browser, "POST", "/login?user=alice", "{}").await[0], 200);
    wait_for(&mut events, EventKind::Bound).await;

    // A link from another site, with a fragment, after the access cookie has expired.
    lose_access_cookie(&browser).await;
    let elsewhere = origin.replace("arrival.test", "elsewhere.test");
    browser.goto(&format!("{elsewhere}/elsewhere")).await.unwrap();
    browser.submit("a").await.unwrap();
    wait_for_text(&browser, "alice").await;
    assert_eq!(browser.path().await.unwrap(), "/public?from=link");
    wait_for(&mut events, EventKind::Refresh).await;

    // A route that needs a recent proof: a page, and a request of a script with its body.
    site.clock.advance(Duration::from_secs(121));
    browser.goto(&format!("{origin}/proven")).await.unwrap();
    assert_eq!(browser.text().await.unwrap(), "alice proved:");
    wait_for(&mut events, EventKind::Refresh).await;
    site.clock.advance(Duration::from_secs(121));
    assert_eq!(fetch(&browser, "POST", "/proven", "a body").await, json!([200, "alice proved:a body"]));
    wait_for(&mut events, EventKind::Refresh).await;
    // The proof is recent, so the next request needs none.
    assert_eq!(fetch(&browser, "POST", "/proven", "more").await, json!([200, "alice proved:more"]));
    events.close();
    while let Some(event) = events.recv().await {
        assert!(![EventKind::UnprovenRefresh, EventKind::ProofFailed].contains(&event), "{event:?}");
    }
    browser.close().await.unwrap();
}

/// Waits until the page has this text.
async fn wait_for_text(browser: &Browser, wanted: &str) {
    let found = async {
        while browser.text().await.ok().as_deref() != Some(wanted) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(LONGEST_WAIT, found).await.is_err() {
        panic!("expected {wanted:?}; the page shows {:?} at {:?}", browser.text().await, browser.path().await);
    }
}
