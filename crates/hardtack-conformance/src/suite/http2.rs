//! HTTP/2 by prior knowledge, where browsers send each cookie in a field of its own (RFC 9113 §8.2.3).

use bytes::Bytes;
use hardtack::RefreshMode;
use http::request::Builder;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client as Pool, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::case::Case;
use super::site::{ACCESS, REFRESH, Site, csrf_of, value_of};
use super::told::Answer;

/// In redirect mode, the refresh cookie is sent to its URL only.
const SCOPED_REFRESH: &str = "__Secure-refresh_token_cookie";

/// One connection to the site, for many requests at once.
#[derive(Clone)]
struct Http2(Pool<HttpConnector, Full<Bytes>>, String);

impl Http2 {
    fn to(site: &Site) -> Self {
        let pool = Pool::builder(TokioExecutor::new()).http2_only(true).build_http();
        Self(pool, format!("http://{}", site.address))
    }

    async fn send(&self, request: Builder, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = request.uri(format!("{}{path}", self.1)).body(Full::new(body.into())).unwrap();
        let (head, body) = self.0.request(request).await.unwrap().into_parts();
        assert_eq!(head.version, http::Version::HTTP_2, "the server speaks HTTP/2 by prior knowledge");
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
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
        case("cookies in fields of their own", |site| Box::pin(split_cookies(site))),
        case("a cookie twice in fields of their own", |site| Box::pin(twice(site))),
        case("the authority is the host", |site| Box::pin(authority(site))),
        case("a form, and a refresh in place", |site| Box::pin(refreshed_form(site))),
        case("a page that nobody may see", |site| Box::pin(nobody(site))),
        case("twenty refreshes on one connection", |site| Box::pin(at_once(site))),
        case("a refresh by the refresh URL", |site| Box::pin(refresh_url(site))),
        case("a redirect to the refresh URL and back", |site| Box::pin(there_and_back(site)))
            .configured(|builder| builder.refresh_mode(RefreshMode::Redirect)),
        case("a CSRF value missing or wrong", |site| Box::pin(wrong_csrf(site))),
        case("a log-in and a log-out", |site| Box::pin(in_and_out(site))),
        case("a large form", |site| Box::pin(large_form(site))),
    ]
}

async fn split_cookies(site: Site) {
    let alice = site.alice().await;
    let cookie = |name: &str| format!("{name}={}", value_of(&alice, name));
    let http2 = Http2::to(&site);
    let request = get().header("cookie", "theme=dark").header("cookie", cookie(ACCESS));
    let request = request.header("cookie", cookie(REFRESH)).header("cookie", "lang=en");
    let answer = http2.send(request, "/protected", "").await;
    site.same("GET", site.told_of(&answer), "200".to_owned());
    site.same("handler", answer.json(), json!({ "sub": "alice", "fresh": true, "calls": 1 }));
    let only_refresh = get().header("cookie", "theme=dark").header("cookie", cookie(REFRESH));
    let answer = http2.send(only_refresh, "/anyone", "").await;
    site.same("refreshed", site.told_of(&answer), "200 +access +refresh".to_owned());
}

async fn twice(site: Site) {
    let cookie = format!("{ACCESS}={}", value_of(&site.alice().await, ACCESS));
    let request = get().header("cookie", &cookie).header("cookie", "theme=dark").header("cookie", &cookie);
    let answer = Http2::to(&site).send(request, "/protected", "").await;
    site.same("GET", site.told_of(&answer), "401 duplicate_cookie -access -refresh".to_owned());
}

/// There is no `Host` field in HTTP/2.
async fn authority(site: Site) {
    let alice = site.alice().await;
    let http2 = Http2::to(&site);
    let body = format!("csrf_token={}", csrf_of(&alice));
    for (origin, told) in [
        (format!("https://{}", site.address), "200"),
        ("https://site.example".to_owned(), "200"),
        ("https://evil.example".to_owned(), "403 csrf_cross_site"),
    ] {
        let request = form().header("cookie", format!("{ACCESS}={}", value_of(&alice, ACCESS)));
        let answer = http2.send(request.header("origin", &origin), "/echo", body.clone()).await;
        site.same(&origin, site.told_of(&answer), told.to_owned());
    }
}

async fn refreshed_form(site: Site) {
    let alice = site.alice().await;
    site.expire_access();
    let request = [ACCESS, REFRESH]
        .into_iter()
        .fold(form(), |request, name| request.header("cookie", format!("{name}={}", value_of(&alice, name))));
    let body = format!("a=1&csrf_token={}&b=2", csrf_of(&alice));
    let answer = Http2::to(&site).send(request, "/echo", body.clone()).await;
    site.same("POST", site.told_of(&answer), "200 +access +refresh".to_owned());
    site.same("body", String::from_utf8_lossy(&answer.body).into_owned(), body);
}

async fn nobody(site: Site) {
    let http2 = Http2::to(&site);
    let answer = http2.send(get().header("accept", "text/html"), "/nested/inner?a=b", "").await;
    site.same("page", site.told_of(&answer), "303 → /login?next=%2Fnested%2Finner%3Fa%3Db".to_owned());
    let answer = http2.send(get(), "/anyone", "").await;
    site.same("anyone", answer.json()["sub"].clone(), Value::Null);
}

async fn at_once(site: Site) {
    let alice = site.alice().await;
    site.expire_access();
    let http2 = Http2::to(&site);
    let streams = (0..20).map(|_| {
        let cookies = [ACCESS, REFRESH].map(|name| format!("{name}={}", value_of(&alice, name)));
        let http2 = http2.clone();
        tokio::spawn(async move {
            let request = cookies.iter().fold(get(), |request, cookie| request.header("cookie", cookie));
            http2.send(request, "/protected", "").await
        })
    });
    for stream in streams.collect::<Vec<_>>() {
        site.same("stream", site.told_of(&stream.await.unwrap()), "200 +access +refresh".to_owned());
    }
    site.same("one generation", site.store.rotations(), 1);
}

async fn refresh_url(site: Site) {
    let alice = site.alice().await;
    let http2 = Http2::to(&site);
    let post = || http::Request::post("/").header("cookie", format!("{REFRESH}={}", value_of(&alice, REFRESH)));
    let bare = http2.send(post(), "/token/refresh", "").await;
    site.same("without the CSRF value", site.told_of(&bare), "403 csrf_missing".to_owned());
    let refreshed = http2.send(post().header("x-csrf-token", csrf_of(&alice)), "/token/refresh", "").await;
    site.same("with it", site.told_of(&refreshed), "200 +access +refresh".to_owned());
    site.same("refreshed once", site.store.rotations(), 1);
}

async fn there_and_back(site: Site) {
    let alice = site.alice().await;
    site.expire_access();
    let http2 = Http2::to(&site);
    let page = get().header("accept", "text/html").header("cookie", format!("{ACCESS}={}", value_of(&alice, ACCESS)));
    let there = http2.send(page, "/protected?a=b", "").await;
    let told = "303 → /token/refresh?next=%2Fprotected%3Fa%3Db -access".to_owned();
    site.same("there", site.told_of(&there), told);
    let refresh = format!("{SCOPED_REFRESH}={}", value_of(&alice, SCOPED_REFRESH));
    let page = get().header("accept", "text/html").header("cookie", refresh);
    let back = http2.send(page, "/token/refresh?next=%2Fprotected%3Fa%3Db", "").await;
    site.same("back", site.told_of(&back), "303 → /protected?a=b +access +refresh".to_owned());
}

async fn wrong_csrf(site: Site) {
    let alice = site.alice().await;
    let http2 = Http2::to(&site);
    let cookie = format!("{ACCESS}={}", value_of(&alice, ACCESS));
    for (body, code) in [("a=b", "csrf_missing"), ("csrf_token=wrong", "csrf_mismatch")] {
        for path in ["/echo", "/guarded/page", "/logout"] {
            let answer = http2.send(form().header("cookie", &cookie), path, body).await;
            site.same(path, site.told_of(&answer), format!("403 {code}"));
        }
    }
    let json = http::Request::post("/").header("cookie", &cookie).header("content-type", "application/json");
    let answer = http2.send(json.header("x-csrf-token", "wrong"), "/echo", "{}").await;
    site.same("wrong in the header", site.told_of(&answer), "403 csrf_mismatch".to_owned());
    let foreign = form().header("cookie", &cookie).header("sec-fetch-site", "cross-site");
    let answer = http2.send(foreign, "/echo", format!("csrf_token={}", csrf_of(&alice))).await;
    site.same("from another site", site.told_of(&answer), "403 csrf_cross_site".to_owned());
    site.same("no handler ran", site.calls().await, 0);
}

async fn in_and_out(site: Site) {
    let http2 = Http2::to(&site);
    let json = http::Request::post("/").header("content-type", "application/json");
    let answer = http2.send(json, "/login", "{\"sub\":\"alice\"}").await;
    site.same("log-in", site.told_of(&answer), "200 +access +refresh".to_owned());
    let alice = site.alice().await;
    let leave = [ACCESS, REFRESH]
        .into_iter()
        .fold(form(), |request, name| request.header("cookie", format!("{name}={}", value_of(&alice, name))));
    let answer = http2.send(leave, "/logout", format!("csrf_token={}", csrf_of(&alice))).await;
    site.same("log-out", site.told_of(&answer), "200 -access -refresh".to_owned());
    let sessions = site.authenticator.sessions("alice").await.unwrap();
    site.same("sessions left", sessions.len(), 1);
}

async fn large_form(site: Site) {
    let alice = site.alice().await;
    let request = form().header("cookie", format!("{ACCESS}={}", value_of(&alice, ACCESS)));
    let body = format!("csrf_token={}&a={}", csrf_of(&alice), "x".repeat(1 << 20));
    let answer = Http2::to(&site).send(request, "/echo", body.clone()).await;
    site.same("POST", site.told_of(&answer), "200".to_owned());
    site.same("every byte", answer.body == body.as_bytes(), true);
}
