//! Requests over HTTP/2 with prior knowledge. Over HTTP/2, browsers send each cookie in its own `Cookie` field (RFC
//! 9113 §8.2.3).

use bytes::Bytes;
use hardtack::RefreshMode;
use http::request::Builder;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client as Pool, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::harness::{ACCESS, Case, REFRESH, RawResponse, Site, cookie_value, csrf_token};

/// The refresh cookie in redirect mode, where its path is the refresh URL.
const SCOPED_REFRESH: &str = "__Secure-refresh_token_cookie";

/// One connection to the site, which can carry many requests at once.
#[derive(Clone)]
struct Http2(Pool<HttpConnector, Full<Bytes>>, String);

impl Http2 {
    fn to(site: &Site) -> Self {
        let pool = Pool::builder(TokioExecutor::new()).http2_only(true).build_http();
        Self(pool, format!("http://{}", site.address))
    }

    async fn send(&self, request: Builder, path: &str, body: impl Into<Bytes>) -> RawResponse {
        let request = request.uri(format!("{}{path}", self.1)).body(Full::new(body.into())).unwrap();
        let (head, body) = self.0.request(request).await.unwrap().into_parts();
        assert_eq!(head.version, http::Version::HTTP_2, "the server speaks HTTP/2 with prior knowledge");
        let body = body.collect().await.unwrap().to_bytes();
        RawResponse { status: head.status, headers: head.headers, body }
    }
}

fn get() -> Builder {
    http::Request::get("/")
}

fn form() -> Builder {
    http::Request::post("/").header("content-type", "application/x-www-form-urlencoded")
}

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, run: fn(Site) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
        Case::new(format!("HTTP/2: {name}"), run)
    };
    vec![
        case("each cookie in a field of its own", |site| Box::pin(split_cookies(site))),
        case("the access cookie in two fields", |site| Box::pin(duplicate_cookie(site))),
        case("the origin is not compared with the :authority", |site| Box::pin(authority(site))),
        case("a form with a refresh in place", |site| Box::pin(refreshed_form(site))),
        case("requests without cookies", |site| Box::pin(no_cookies(site))),
        case("twenty refreshes on one connection", |site| Box::pin(concurrent_refreshes(site))),
        case("a refresh through the refresh URL", |site| Box::pin(refresh_url(site))),
        case("a redirect to the refresh URL and back", |site| Box::pin(redirects(site)))
            .configured(|builder| builder.refresh_mode(RefreshMode::Redirect)),
        case("a CSRF value that is missing or wrong", |site| Box::pin(wrong_csrf(site))),
        case("a log-in and a log-out", |site| Box::pin(log_in_and_out(site))),
        case("a form of 1 MiB", |site| Box::pin(large_form(site))),
    ]
}

async fn split_cookies(site: Site) {
    let alice = site.alice().await;
    let cookie = |name: &str| format!("{name}={}", cookie_value(&alice, name));
    let http2 = Http2::to(&site);
    let request = get().header("cookie", "theme=dark").header("cookie", cookie(ACCESS));
    let request = request.header("cookie", cookie(REFRESH)).header("cookie", "lang=en");
    let response = http2.send(request, "/protected", "").await;
    site.expect("GET", &response, "200");
    site.expect_eq("handler", response.json(), json!({ "sub": "alice", "fresh": true, "calls": 1 }));
    let only_refresh = get().header("cookie", "theme=dark").header("cookie", cookie(REFRESH));
    let response = http2.send(only_refresh, "/anyone", "").await;
    site.expect("refreshed", &response, "200 +access +refresh");
}

async fn duplicate_cookie(site: Site) {
    let cookie = format!("{ACCESS}={}", cookie_value(&site.alice().await, ACCESS));
    let request = get().header("cookie", &cookie).header("cookie", "theme=dark").header("cookie", &cookie);
    let response = Http2::to(&site).send(request, "/protected", "").await;
    site.expect("GET", &response, "401 duplicate_cookie -access -refresh");
}

/// The `Origin` of a request must be compared with the base URL, not with `:authority`.
async fn authority(site: Site) {
    let alice = site.alice().await;
    let http2 = Http2::to(&site);
    let body = format!("csrf_token={}", csrf_token(&alice));
    for (origin, expected) in [
        (format!("https://{}", site.address), "403 csrf_cross_site"),
        ("https://site.example".to_owned(), "200"),
        ("https://evil.example".to_owned(), "403 csrf_cross_site"),
    ] {
        let request = form().header("cookie", format!("{ACCESS}={}", cookie_value(&alice, ACCESS)));
        let response = http2.send(request.header("origin", &origin), "/echo", body.clone()).await;
        site.expect(&origin, &response, expected);
    }
}

async fn refreshed_form(site: Site) {
    let alice = site.alice().await;
    site.expire_access();
    let request = [ACCESS, REFRESH]
        .into_iter()
        .fold(form(), |request, name| request.header("cookie", format!("{name}={}", cookie_value(&alice, name))));
    let body = format!("a=1&csrf_token={}&b=2", csrf_token(&alice));
    let response = Http2::to(&site).send(request, "/echo", body.clone()).await;
    site.expect("POST", &response, "200 +access +refresh");
    site.expect_eq("body", String::from_utf8_lossy(&response.body).into_owned(), body);
}

async fn no_cookies(site: Site) {
    let http2 = Http2::to(&site);
    let response = http2.send(get().header("accept", "text/html"), "/nested/inner?a=b", "").await;
    site.expect("page", &response, "303 → /login?next=%2Fnested%2Finner%3Fa%3Db");
    let response = http2.send(get(), "/anyone", "").await;
    site.expect_eq("anyone", response.json()["sub"].clone(), Value::Null);
}

async fn concurrent_refreshes(site: Site) {
    let alice = site.alice().await;
    site.expire_access();
    let http2 = Http2::to(&site);
    let streams = (0..20).map(|_| {
        let cookies = [ACCESS, REFRESH].map(|name| format!("{name}={}", cookie_value(&alice, name)));
        let http2 = http2.clone();
        tokio::spawn(async move {
            let request = cookies.iter().fold(get(), |request, cookie| request.header("cookie", cookie));
            http2.send(request, "/protected", "").await
        })
    });
    for stream in streams.collect::<Vec<_>>() {
        site.expect("stream", stream.await.unwrap(), "200 +access +refresh");
    }
    site.expect_eq("rotations", site.store.rotations(), 1);
}

async fn refresh_url(site: Site) {
    let alice = site.alice().await;
    let http2 = Http2::to(&site);
    let post = || http::Request::post("/").header("cookie", format!("{REFRESH}={}", cookie_value(&alice, REFRESH)));
    let bare = http2.send(post(), "/token/refresh", "").await;
    site.expect("without the CSRF value", &bare, "403 csrf_missing");
    let refreshed = http2.send(post().header("x-csrf-token", csrf_token(&alice)), "/token/refresh", "").await;
    site.expect("with the CSRF value", &refreshed, "200 +access +refresh");
    site.expect_eq("rotations", site.store.rotations(), 1);
}

async fn redirects(site: Site) {
    let alice = site.alice().await;
    site.expire_access();
    let http2 = Http2::to(&site);
    let page =
        get().header("accept", "text/html").header("cookie", format!("{ACCESS}={}", cookie_value(&alice, ACCESS)));
    let there = http2.send(page, "/protected?a=b", "").await;
    site.expect("to the refresh URL", &there, "303 → /token/refresh?next=%2Fprotected%3Fa%3Db -access");
    let refresh = format!("{SCOPED_REFRESH}={}", cookie_value(&alice, SCOPED_REFRESH));
    let page = get().header("accept", "text/html").header("cookie", refresh);
    let back = http2.send(page, "/token/refresh?next=%2Fprotected%3Fa%3Db", "").await;
    site.expect("back to the page", &back, "303 → /protected?a=b +access +refresh");
}

async fn wrong_csrf(site: Site) {
    let alice = site.alice().await;
    let http2 = Http2::to(&site);
    let cookie = format!("{ACCESS}={}", cookie_value(&alice, ACCESS));
    for (body, code) in [("a=b", "csrf_missing"), ("csrf_token=wrong", "csrf_mismatch")] {
        for path in ["/echo", "/guarded/page", "/logout"] {
            let response = http2.send(form().header("cookie", &cookie), path, body).await;
            site.expect(path, &response, format!("403 {code}"));
        }
    }
    let json = http::Request::post("/").header("cookie", &cookie).header("content-type", "application/json");
    let response = http2.send(json.header("x-csrf-token", "wrong"), "/echo", "{}").await;
    site.expect("wrong in the header", &response, "403 csrf_mismatch");
    let foreign = form().header("cookie", &cookie).header("sec-fetch-site", "cross-site");
    let response = http2.send(foreign, "/echo", format!("csrf_token={}", csrf_token(&alice))).await;
    site.expect("from another site", &response, "403 csrf_cross_site");
    site.expect_eq("handler runs", site.calls().await, 0);
}

async fn log_in_and_out(site: Site) {
    let http2 = Http2::to(&site);
    let json = http::Request::post("/").header("content-type", "application/json");
    let response = http2.send(json, "/login", "{\"sub\":\"alice\"}").await;
    site.expect("log-in", &response, "200 +access +refresh");
    let alice = site.alice().await;
    let request = [ACCESS, REFRESH]
        .into_iter()
        .fold(form(), |request, name| request.header("cookie", format!("{name}={}", cookie_value(&alice, name))));
    let response = http2.send(request, "/logout", format!("csrf_token={}", csrf_token(&alice))).await;
    site.expect("log-out", &response, "200 -access -refresh");
    let sessions = site.authenticator.sessions("alice").await.unwrap();
    site.expect_eq("sessions left", sessions.len(), 1);
}

async fn large_form(site: Site) {
    let alice = site.alice().await;
    let request = form().header("cookie", format!("{ACCESS}={}", cookie_value(&alice, ACCESS)));
    let body = format!("csrf_token={}&a={}", csrf_token(&alice), "x".repeat(1 << 20));
    let response = Http2::to(&site).send(request, "/echo", body.clone()).await;
    site.expect("POST", &response, "200");
    site.expect_eq("every byte", response.body == body.as_bytes(), true);
}
