//! Single-page apps, as the guide shows: with an API of the same origin, and with an API of another origin.

use std::net::SocketAddr;
use std::time::Duration;

use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, CsrfPolicy, KeySet, MemorySessions, SigningKey};
use hardtack_axum::{AccessToken, AuthLayer, Credentials, Need, Require, routes};
use hardtack_test_support::{Browser, BrowserOptions, Client, server};
use http::{HeaderName, Method, header};
use serde_json::json;
use tokio::net::TcpListener;
use tower_http::cors::CorsLayer;

async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
    Ok((typed.password == "right").then_some(typed.username))
}

/// An API at `base`, which pages of the origin `app` may use.
fn api(base: &str, app: &str) -> Router {
    let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()))
        .base_url(base)
        .csrf(CsrfPolicy::default().trusted_origin(app))
        .sessions(MemorySessions::new())
        .build()
        .unwrap();
    let cors = CorsLayer::new()
        .allow_origin([app.parse().unwrap()])
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::ACCEPT, header::CONTENT_TYPE, HeaderName::from_static("x-csrf-token")]);
    let orders = Router::new()
        .route("/orders", post(async |token: AccessToken| Json(format!("Ordered for {}", token.subject()))))
        .route_layer(Require::new(Need::access()));
    Router::new()
        .route(
            "/me",
            get(async |token: AccessToken| Json([token.subject().to_owned(), token.csrf_token().to_string()])),
        )
        .merge(orders)
        .merge(routes::password_log_in(&auth, check))
        .layer(AuthLayer::new(auth))
        .layer(cors)
}

fn spawn(listener: TcpListener, app: Router) {
    tokio::spawn(hardtack_axum::serve(listener, app).into_future());
}

/// The API and a page that is served under another port, and thus has another origin.
async fn two_origins() -> (SocketAddr, SocketAddr) {
    let (page_listener, page) = server::bind().await;
    let (api_listener, address) = server::bind().await;
    spawn(page_listener, Router::new().route("/", get(Html("<!doctype html><title>App</title>"))));
    spawn(api_listener, api(&format!("http://{address}"), &format!("http://{page}")));
    (page, address)
}

/// In Chromium: the page logs in, asks who is logged in, orders something, and logs out.
#[tokio::test]
async fn a_page_of_a_trusted_origin_uses_the_api() {
    let (page, api) = two_origins().await;
    let browser = Browser::start(BrowserOptions::default()).await.unwrap();
    browser.goto(&format!("http://{page}/")).await.unwrap();
    let script = format!(
        r#"const done = arguments[0];
        const api = "http://{api}";
        const headers = {{ "Accept": "application/json", "Content-Type": "application/json" }};
        const send = (path, more) => fetch(api + path, {{ credentials: "include", headers, ...more }});
        (async () => {{
            const log = [];
            log.push((await (await send("/me")).json()).code);
            const typed = JSON.stringify({{ username: "alice", password: "right" }});
            log.push(await (await send("/login", {{ method: "POST", body: typed }})).json());
            const [user, csrf] = await (await send("/me")).json();
            log.push(user);
            log.push((await (await send("/orders", {{ method: "POST" }})).json()).code);
            const withCsrf = {{ method: "POST", headers: {{ ...headers, "X-CSRF-TOKEN": csrf }} }};
            log.push(await (await send("/orders", withCsrf)).json());
            log.push(await (await send("/logout", withCsrf)).json());
            log.push((await send("/me")).status);
            return JSON.stringify(log);
        }})().then(done, (error) => done(String(error)));"#
    );
    let log = browser.session().execute_async(&script, vec![]).await.unwrap();
    let log: serde_json::Value = serde_json::from_str(log.as_str().unwrap()).unwrap_or_else(|_| panic!("{log}"));
    let expected = json!([
        "missing_token",
        { "logged_in": true },
        "alice",
        "csrf_missing",
        "Ordered for alice",
        { "logged_out": true },
        401
    ]);
    assert_eq!(log, expected);
    browser.close().await.unwrap();
}

/// In Chromium: the guide's script for one origin logs in, orders something, and logs out.
#[tokio::test]
async fn the_guides_script_uses_an_api_of_its_own_origin() {
    let (listener, address) = server::bind().await;
    let base = format!("http://{address}");
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let auth = Authenticator::builder(keys).base_url(&base).sessions(MemorySessions::new()).build().unwrap();
    let order = async |token: AccessToken| Json(format!("Ordered for {}", token.subject()));
    let app = Router::new()
        .route("/app", get(Html("<!doctype html><title>App</title>")))
        .route("/api/orders", post(order))
        .merge(routes::password_log_in(&auth, async |typed: Credentials| {
            Ok::<_, std::io::Error>((typed.password == "correct horse battery staple").then_some(typed.username))
        }))
        .layer(AuthLayer::new(auth));
    spawn(listener, app);
    let guide = include_str!("../../../hardtack/guide/single_page_apps.md");
    let (_, script) = guide.split_once("```js\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let (functions, _) = script.split_once("await api(").unwrap();
    let browser = Browser::start(BrowserOptions::default()).await.unwrap();
    let run = async |script: &str| {
        let script = format!(
            "const done = arguments[0]; (async () => {{ {script} }})().then(() => done('ok'), \
             (error) => done(error.code || String(error)));"
        );
        browser.session().execute_async(&script, vec![]).await.unwrap()
    };
    browser.goto(&format!("{base}/app")).await.unwrap();
    assert_eq!(run(script).await, "ok");
    assert!(browser.cookie("access_token_cookie").await.unwrap().is_none(), "the script has logged out");
    // A wrong password leaves the page alone. A page that needs a log-in is left for the log-in page.
    let guess = "await api('POST', '/login', { username: 'alice', password: 'guess' });";
    assert_eq!(run(&format!("{functions} {guess}")).await, "log_in_refused");
    assert_eq!(browser.path().await.unwrap(), "/app");
    let order = "await api('POST', '/api/orders', { item: 'tea' });";
    assert_eq!(run(&format!("{functions} {order}")).await, "missing_token");
    let log_in_page = async {
        while browser.path().await.unwrap() != "/login?next=%2Fapp" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), log_in_page).await.unwrap();
    browser.close().await.unwrap();
}

/// The layer of CORS is outside, so it responds to preflights and adds its fields to refused requests.
#[tokio::test]
async fn preflights_and_refused_requests_get_the_fields_of_cors() {
    let (page, api) = two_origins().await;
    let origin = format!("http://{page}");
    let mut client = Client::new(api);
    let preflight = client
        .request(Method::OPTIONS, "/orders")
        .header("origin", &origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-csrf-token")
        .send()
        .await;
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some(origin.as_str()));
    assert_eq!(preflight.header("access-control-allow-credentials"), Some("true"));
    let refused = client.post("/orders").header("origin", &origin).accept_json().send().await;
    assert_eq!((refused.status().as_u16(), refused.json()["code"].as_str()), (401, Some("missing_token")));
    assert_eq!(refused.header("access-control-allow-origin"), Some(origin.as_str()));
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let (_, api) = two_origins().await;
    let mut client = Client::new(api);
    let typed = json!({ "username": "alice", "password": "right" });
    let foreign = client.post("/login").header("origin", "http://evil.example").json(&typed).accept_json().send().await;
    assert_eq!((foreign.status().as_u16(), foreign.json()["code"].as_str()), (403, Some("csrf_cross_site")));
    assert_eq!(foreign.header("access-control-allow-origin"), None);
}
