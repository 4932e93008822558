//! Sessions that are bound to devices, in Chromium over TLS.
//!
//! The browser measures the lifetime of a cookie with its own clock. The tests therefore advance the clock of the site,
//! and delete the access cookie from the browser. The browser then has to refresh before its next request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use hardtack::config::DeviceBinding;
use hardtack::event::EventKind;
use hardtack_axum::{AccessToken, Auth, AuthError, AuthLayer, FreshAccessToken, Proven, SetCookies};
use hardtack_test_support::device_binding::{Events, SecureSite};
use hardtack_test_support::{Browser, wait};
use serde_json::{Value, json};

use crate::site::{ACCESS, Site, routes};

/// A site that offers to bind sessions, and a browser in which alice has logged in. Her session is bound.
struct Bound {
    tls: SecureSite,
    site: Site,
    browser: Browser,
    events: Events,
    requests: Requests,
}

/// The method, path and status of each request that the site has received.
#[derive(Clone, Default)]
struct Requests(Arc<Mutex<Vec<String>>>);

impl Requests {
    /// Returns the requests since the last call.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Bound {
    /// Chromium creates at most six proofs for each host in nine minutes, including the registration. Each test
    /// therefore has its own host.
    async fn log_in(host: &str) -> Self {
        let (observe, mut events) = Events::observe();
        let requests = Requests::default();
        let log = requests.clone();
        let (tls, site) = SecureSite::start(host, async |origin| {
            let app = routes().merge(more(origin));
            let site = Site::bare(
                |builder| builder.base_url(origin).device_binding(DeviceBinding::Offer).on_event(observe),
                |auth| app.layer(AuthLayer::new(auth)).layer(from_fn_with_state(log, record)),
            )
            .await;
            (site.address, site)
        })
        .await;
        let browser = tls.browser().await.unwrap();
        browser.goto(&tls.origin).await.unwrap();
        assert_eq!(fetch(&browser, "POST", "/login?user=alice", "{}").await[0], 200);
        events.wait_for(EventKind::Bound).await;
        let bound = Self { tls, site, browser, events, requests };
        // The event is emitted before the browser gets its instructions. Wait until the browser has the access cookie
        // that expires.
        wait::until("the browser has the cookies of the bound session", async || bound.access_cookie_expires().await)
            .await;
        bound.requests.take();
        bound
    }

    async fn access_cookie_expires(&self) -> bool {
        self.browser.cookie(ACCESS).await.unwrap().is_some_and(|cookie| cookie.expires().is_some())
    }

    async fn opens(&self, path: &str) {
        self.browser.goto(&self.tls.url(path)).await.unwrap();
    }

    /// Deletes the access cookie, so that the browser has to refresh before its next request.
    async fn lose_access_cookie(&self) {
        self.browser.delete_cookie(&self.tls.origin, ACCESS).await.unwrap();
    }

    /// Waits until the page has this text.
    async fn shows(&self, text: &str) {
        let explain = || format!("the page shows {text:?}");
        wait::until_some(explain, async || (self.browser.text().await.ok()? == text).then_some(())).await;
    }

    /// Returns how many events of this kind have been emitted so far.
    fn count(&mut self, kind: EventKind) -> usize {
        self.events.so_far().into_iter().filter(|event| *event == kind).count()
    }
}

async fn record(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    let line = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    requests.0.lock().unwrap().push(format!("{line} {}", response.status().as_u16()));
    response
}

fn more(origin: &str) -> Router {
    let link = format!("<!doctype html><title>Elsewhere</title><a href='{origin}/public?from=link#part'>Link</a>");
    Router::new()
        .route("/", get(async || Html("<!doctype html><title>Home</title>")))
        .route("/elsewhere", get(async || Html(link)))
        .route("/token/bind", post(bind))
        .route("/token/bound", post(bound))
        .route("/proven", get(proven).post(proven))
        .route("/note", get(note).post(noted))
        .route("/reauthenticate", get(async |_: FreshAccessToken| "fresh").post(reauthenticate))
        .route("/socket", get(socket))
}

async fn proven(token: Proven<120>, body: String) -> String {
    format!("{} proved:{body}", token.subject())
}

/// A page with a form that posts to the same URL.
async fn note(token: AccessToken) -> Html<String> {
    Html(format!(
        "<!doctype html><title>Note</title><form method=post action=/note>\
         <input type=hidden name=csrf_token value='{}'><input name=note><button>Send</button></form>",
        token.csrf_token()
    ))
}

async fn noted(token: AccessToken, body: String) -> String {
    format!("{}:{body}", token.subject())
}

async fn reauthenticate(auth: Auth) -> Result<SetCookies, AuthError> {
    auth.reauthenticate("alice").await
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

/// Runs a script as the body of a JavaScript function, whose last argument is a callback for the result. The script can
/// use `csrf`, the CSRF value of the session.
async fn run(browser: &Browser, script: &str, arguments: &[&str]) -> Value {
    let csrf = "const csrf = document.cookie.match(/csrf_access_token=([^;]+)/)?.[1] ?? '';";
    let arguments = arguments.iter().map(|text| json!(text)).collect();
    browser.session().execute_async(&format!("{csrf} {script}"), arguments).await.unwrap()
}

/// Sends a request from the page. Returns the status and the text of the response.
async fn fetch(browser: &Browser, method: &str, path: &str, body: &str) -> Value {
    let script = "const [method, path, body, done] = arguments; \
        const headers = {'x-csrf-token': csrf, 'content-type': 'application/json', 'accept': 'application/json'}; \
        fetch(path, {method, headers, body: body || undefined}) \
            .then(async response => done([response.status, await response.text()]), error => done(String(error)));";
    run(browser, script, &[method, path, body]).await
}

/// Sends a request from the page as htmx does. Returns the status, the text and the `HX-Redirect` of the response.
async fn htmx(browser: &Browser, method: &str, path: &str, body: &str) -> Value {
    let script = "const [method, path, body, done] = arguments; const request = new XMLHttpRequest(); \
        request.open(method, path); \
        const headers = {'HX-Request': 'true', 'HX-Current-URL': location.href, 'HX-Target': 'list', \
            'X-CSRF-Token': csrf, 'Content-Type': 'application/x-www-form-urlencoded'}; \
        for (const name in headers) request.setRequestHeader(name, headers[name]); \
        request.onload = () => done([request.status, request.responseText, request.getResponseHeader('hx-redirect')]); \
        request.onerror = () => done('error'); \
        request.send(body || null);";
    run(browser, script, &[method, path, body]).await
}

#[tokio::test]
async fn s89_chromium_binds_a_session_and_a_copy_of_its_cookies_is_worthless() {
    let mut alice = Bound::log_in("site.test").await;

    // The browser refreshes the bound session before it sends the request for a page, or a request with a body.
    alice.lose_access_cookie().await;
    alice.opens("/public").await;
    assert_eq!(alice.browser.text().await.unwrap(), "alice");
    alice.events.wait_for(EventKind::Refresh).await;
    alice.lose_access_cookie().await;
    assert_eq!(fetch(&alice.browser, "POST", "/page", "hello").await, json!([200, "alice:hello"]));
    alice.events.wait_for(EventKind::Refresh).await;

    // So does a WebSocket.
    alice.lose_access_cookie().await;
    let script = "const done = arguments[0]; const socket = new WebSocket('/socket'); \
        socket.onmessage = message => done(message.data); socket.onerror = () => done('error');";
    assert_eq!(run(&alice.browser, script, &[]).await, "alice");
    alice.events.wait_for(EventKind::Refresh).await;

    // A copy of the cookies in another browser works until the access token expires. The other browser can bind
    // sessions as well, but does not have the key of this one.
    let thief = alice.tls.browser().await.unwrap();
    alice.browser.copy_cookies_to(&thief).await.unwrap();
    thief.goto(&alice.tls.url("/public")).await.unwrap();
    assert_eq!(thief.text().await.unwrap(), "alice");
    alice.site.expire_access();
    for expired in [true, false] {
        // The thief sends the expired token. The response deletes it, so the thief then sends none.
        assert_eq!(thief.cookie(ACCESS).await.unwrap().is_some(), expired);
        let refused = fetch(&thief, "POST", "/page", "mine").await;
        assert_eq!(refused[0], 401, "{refused}");
        assert!(refused[1].as_str().unwrap().contains("unproven_refresh"), "{refused}");
        alice.events.wait_for(EventKind::UnprovenRefresh).await;
    }
    // A script that calls the routes of the binding gets no tokens either.
    assert_eq!(fetch(&thief, "POST", "/token/bound", "").await[0], 403);
    assert_eq!(fetch(&thief, "POST", "/token/bind", "").await[0], 404);
    thief.goto(&alice.tls.url("/page")).await.unwrap();
    assert_eq!(thief.path().await.unwrap(), "/login?next=%2Fpage&ended=1");
    assert!(thief.cookie(ACCESS).await.unwrap().is_none());
    thief.close().await.unwrap();

    // The owner's session continues until the owner logs out. No event reports a theft.
    alice.lose_access_cookie().await;
    assert_eq!(fetch(&alice.browser, "POST", "/page", "still here").await, json!([200, "alice:still here"]));
    assert_eq!(alice.site.auth.sessions("alice").await.unwrap().len(), 1);
    let ended = [EventKind::ProofFailed, EventKind::ReuseDetected, EventKind::Revoked];
    assert!(!alice.events.so_far().iter().any(|event| ended.contains(event)));
    assert_eq!(fetch(&alice.browser, "POST", "/logout", "").await[0], 200);
    assert_eq!(fetch(&alice.browser, "POST", "/page", "").await[0], 401);
    assert!(alice.site.auth.sessions("alice").await.unwrap().is_empty());
    alice.browser.close().await.unwrap();
}

#[tokio::test]
async fn s89_s90_chromium_arrives_from_another_site_and_proves_its_key_when_asked() {
    let mut alice = Bound::log_in("arrival.test").await;

    // A link from another site, with a fragment, after the access cookie has expired.
    alice.lose_access_cookie().await;
    let elsewhere = alice.tls.url("/elsewhere").replace("arrival.test", "elsewhere.test");
    alice.browser.goto(&elsewhere).await.unwrap();
    alice.browser.submit("a").await.unwrap();
    alice.shows("alice").await;
    assert_eq!(alice.browser.path().await.unwrap(), "/public?from=link");
    alice.events.wait_for(EventKind::Refresh).await;

    // A route that needs a recent proof: a page, and a request of a script with its body.
    alice.site.clock.advance(Duration::from_secs(121));
    alice.opens("/proven").await;
    assert_eq!(alice.browser.text().await.unwrap(), "alice proved:");
    alice.events.wait_for(EventKind::Refresh).await;
    alice.site.clock.advance(Duration::from_secs(121));
    assert_eq!(fetch(&alice.browser, "POST", "/proven", "a body").await, json!([200, "alice proved:a body"]));
    alice.events.wait_for(EventKind::Refresh).await;
    // The proof is recent, so the next request needs none.
    assert_eq!(fetch(&alice.browser, "POST", "/proven", "more").await, json!([200, "alice proved:more"]));
    let events = alice.events.so_far();
    assert!(
        !events.iter().any(|event| [EventKind::UnprovenRefresh, EventKind::ProofFailed].contains(event)),
        "{events:?}"
    );
    alice.browser.close().await.unwrap();
}

#[tokio::test]
async fn s89_ten_requests_of_chromium_at_once_wait_for_one_refresh() {
    let mut alice = Bound::log_in("ten.test").await;
    let script = "const done = arguments[0]; \
        const send = number => fetch('/page', {method: 'POST', headers: {'x-csrf-token': csrf}, body: String(number)}) \
            .then(response => response.text()); \
        Promise.all([...Array(10).keys()].map(send)).then(done, error => done(String(error)));";
    let expected: Vec<String> = (0..10).map(|number| format!("alice:{number}")).collect();
    for _ in 0..2 {
        alice.lose_access_cookie().await;
        assert_eq!(run(&alice.browser, script, &[]).await, json!(expected));
        assert_eq!(alice.count(EventKind::Refresh), 1);
        let requests = alice.requests.take();
        let refreshes: Vec<&String> = requests.iter().filter(|line| line.contains("/token/bound")).collect();
        assert_eq!(refreshes.iter().filter(|line| line.ends_with(" 200")).count(), 1, "{requests:?}");
        assert!(refreshes.len() <= 2, "a challenge and a proof: {requests:?}");
        let sent = requests.iter().filter(|line| line.starts_with("POST /page"));
        assert_eq!(sent.count(), 10, "no request was sent twice: {requests:?}");
    }
    alice.browser.close().await.unwrap();
}

#[tokio::test]
async fn s89_s90_forms_and_requests_of_htmx_in_chromium_wait_for_the_refresh() {
    let mut alice = Bound::log_in("forms.test").await;

    // A form that the user has open while the access token expires.
    alice.opens("/note").await;
    alice.browser.fill("note", "kept? ä&=").await.unwrap();
    alice.lose_access_cookie().await;
    alice.browser.submit("form").await.unwrap();
    let shown = alice.browser.text().await.unwrap();
    assert!(shown.starts_with("alice:csrf_token=") && shown.ends_with("&note=kept%3F+%C3%A4%26%3D"), "{shown}");
    assert_eq!(alice.count(EventKind::Refresh), 1);

    // htmx.
    alice.lose_access_cookie().await;
    assert_eq!(htmx(&alice.browser, "GET", "/page", "").await, json!([200, "alice:", null]));
    assert_eq!(alice.count(EventKind::Refresh), 1);
    alice.lose_access_cookie().await;
    assert_eq!(htmx(&alice.browser, "POST", "/page", "note=kept").await, json!([200, "alice:note=kept", null]));
    assert_eq!(alice.count(EventKind::Refresh), 1);

    // A proof that is too old. The request follows the redirect to the same URL, and keeps its fields and its body.
    alice.site.clock.advance(Duration::from_secs(121));
    let proved = htmx(&alice.browser, "POST", "/proven", "note=kept").await;
    assert_eq!(proved, json!([200, "alice proved:note=kept", null]));

    // If the session has ended, htmx is sent to the log-in page, as without device binding.
    alice.site.auth.revoke_all_sessions("alice").await.unwrap();
    alice.lose_access_cookie().await;
    let refused = htmx(&alice.browser, "POST", "/page", "note=late").await;
    assert_eq!(refused[0], 401, "{refused}");
    assert!(refused[2].as_str().unwrap().starts_with("/login?next=%2Fnote"), "{refused}");
    alice.browser.close().await.unwrap();
}

/// A browser creates at most six proofs in nine minutes. The test moves the site's clock ahead, so the browser uses
/// them up in seconds.
#[tokio::test]
async fn s90_chromium_that_may_make_no_more_proofs_is_refused_without_a_loop() {
    let mut alice = Bound::log_in("quota.test").await;
    let mut proved = 0;
    let refused = loop {
        alice.site.clock.advance(Duration::from_secs(121));
        let response = fetch(&alice.browser, "POST", "/proven", "a body").await;
        if response[0] != 200 {
            break response;
        }
        proved += 1;
        assert!(proved < 20, "the browser makes more proofs than expected");
    };
    // Control: the registration and five proofs.
    assert_eq!(proved, 5, "{refused}");
    assert_eq!(refused[0], 401, "{refused}");
    assert!(refused[1].as_str().unwrap().contains("unproven_refresh"), "{refused}");
    let requests = alice.requests.take();
    let last: Vec<&String> = requests.iter().rev().take(3).collect();
    assert_eq!(last[..2], ["POST /proven 401", "POST /proven 307"], "the request is repeated once: {requests:?}");

    // Further requests are refused at once. The user only has to enter the password.
    let refused = htmx(&alice.browser, "POST", "/proven", "a body").await;
    assert_eq!(refused[0], 401, "{refused}");
    assert!(refused[2].as_str().unwrap().starts_with("/login"), "{refused}");
    assert_eq!(alice.requests.take(), ["POST /proven 401"]);
    alice.opens("/proven").await;
    let path = alice.browser.path().await.unwrap();
    assert!(path.starts_with("/login?next=%2Fproven"), "{path}");
    let requests = alice.requests.take();
    assert_eq!(requests.iter().filter(|line| line.starts_with("GET /proven")).count(), 1, "{requests:?}");
    assert_eq!(fetch(&alice.browser, "POST", "/login?user=alice", "{}").await[0], 200);
    assert_eq!(fetch(&alice.browser, "POST", "/proven", "a body").await, json!([200, "alice proved:a body"]));
    assert_eq!(alice.site.auth.sessions("alice").await.unwrap().len(), 1);
    let events = alice.events.so_far();
    assert!(events.contains(&EventKind::UnprovenRefresh) && !events.contains(&EventKind::ProofFailed), "{events:?}");
    alice.browser.close().await.unwrap();
}

/// A refresh and a re-authentication are in flight at once, and the response to the refresh arrives last.
#[tokio::test]
async fn s89_chromium_goes_on_if_a_refresh_arrives_after_a_reauthentication() {
    let mut alice = Bound::log_in("overtaken.test").await;
    // The browser refreshes if the cookie expires in less than two minutes, and does not wait for the refresh.
    alice.browser.expire_cookie_in(&alice.tls.origin, ACCESS, 100).await.unwrap();
    let mut refresh = alice.tls.upstream.hold_response(&format!("set-cookie: {ACCESS}="));
    assert_eq!(fetch(&alice.browser, "GET", "/page", "").await, json!([200, "alice:"]));
    refresh.sent().await;
    assert_eq!(fetch(&alice.browser, "POST", "/reauthenticate", "").await[0], 200);
    let typed = alice.browser.cookie(ACCESS).await.unwrap();
    refresh.release();
    wait::until("the tokens of the refresh arrive", async || alice.browser.cookie(ACCESS).await.unwrap() != typed)
        .await;
    assert_eq!(fetch(&alice.browser, "POST", "/page", "on").await, json!([200, "alice:on"]));
    alice.lose_access_cookie().await;
    assert_eq!(fetch(&alice.browser, "POST", "/page", "and on").await, json!([200, "alice:and on"]));
    // The refresh in flight, and one more for each of the two requests. No event reports a theft.
    let events = alice.events.so_far();
    let of = |kind| events.iter().filter(|event| **event == kind).count();
    assert_eq!((of(EventKind::Refresh), of(EventKind::Reauthenticated)), (3, 1), "{events:?}");
    assert_eq!(events.len(), 4, "{events:?}");
    alice.browser.close().await.unwrap();
}
