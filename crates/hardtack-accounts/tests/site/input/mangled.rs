//! Requests whose parts are mangled at random. None of them makes the site fail.

use std::convert::Infallible;
use std::future::poll_fn;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderValue, Method, Request, StatusCode};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tower_service::Service;

use super::{FORM, JSON};
use crate::support::*;

/// The parts of a request, each valid or mangled.
#[derive(Clone, Debug)]
struct Mangled {
    method: Method,
    path: String,
    cookies: Vec<Vec<u8>>,
    fields: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

/// Bytes that a header field may contain (RFC 9110 §5.5).
fn field_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => 0x20u8..0x7f, 1 => 0x80u8..=0xff, 1 => Just(b'\t')];
    prop::collection::vec(byte, 0..60)
}

fn mangled(access: String, refresh: String, csrf: String) -> impl Strategy<Value = Mangled> {
    let method =
        prop::sample::select(vec!["GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "X"]);
    let known = prop::sample::select(vec![
        "/",
        "/signup",
        "/login",
        "/logout",
        "/token/refresh",
        "/service",
        "/account",
        "/account/change_settings",
        "/account/password",
        "/reauthenticate",
        "/account/sessions",
        "/account/sessions/revoke-others",
        "/account/sessions/00000000000000000000000000000000/revoke",
        "/account/sessions/%ff/revoke",
        "/healthz",
        "/openapi.json",
        "/assets/hardtack.css",
    ]);
    let path = prop_oneof![4 => known.prop_map(str::to_owned), 1 => "/[a-z0-9/.%_~-]{0,30}"];
    let query = prop_oneof![Just(String::new()), "\\?(next=)?[a-zA-Z0-9/%.&=_:@-]{0,30}"];
    let path = (path, query).prop_map(|(path, query)| path + &query);
    let tokens = prop::sample::select(vec![access, refresh, csrf.clone(), String::new(), "a.b.c".to_owned()]);
    let names = prop::sample::select(vec![
        "access_token_cookie",
        "refresh_token_cookie",
        "csrf_access_token",
        "csrf_refresh_token",
        "settings_draft",
        "x",
    ]);
    let cookie = prop_oneof![
        3 => (names, tokens.clone()).prop_map(|(name, value)| format!("{name}={value}").into_bytes()),
        1 => ("[a-z_=; \"]{0,20}", field_bytes()).prop_map(|(start, rest)| [start.into_bytes(), rest].concat()),
        // A valid token with one byte changed.
        1 => (tokens, any::<prop::sample::Index>(), 0x21u8..0x7f).prop_map(|(token, at, byte)| {
            let mut token = token.into_bytes();
            if !token.is_empty() {
                let at = at.index(token.len());
                token[at] = byte;
            }
            [b"access_token_cookie=".to_vec(), token].concat()
        }),
    ];
    let accept = prop::sample::select(vec!["text/html", "application/json", "*/*", "", "text/html;q=2,;,"]);
    let kind = prop::sample::select(vec![
        FORM,
        JSON,
        "text/plain",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json;;",
    ]);
    let field = prop_oneof![
        4 => Just(("x-csrf-token", csrf.into_bytes())),
        2 => accept.prop_map(|value| ("accept", value.as_bytes().to_vec())),
        4 => kind.prop_map(|value| ("content-type", value.as_bytes().to_vec())),
        1 => Just(("hx-request", b"true".to_vec())),
        1 => Just(("sec-fetch-site", b"same-origin".to_vec())),
        1 => Just(("upgrade", b"websocket".to_vec())),
        1 => (prop::sample::select(vec!["origin", "referer", "host", "content-type", "user-agent", "hx-current-url"]), field_bytes()),
    ];
    let body = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        2 => "(&?(username|password|email|display_name|next|csrf_token|new_password)=[a-z%0-9+@.\u{0}é]{0,12}){0,5}".prop_map(String::into_bytes),
        2 => json_text().prop_map(String::into_bytes),
        1 => Just(vec![b'{'; 20_000]),
    ];
    let cookies = prop::collection::vec(cookie, 0..4);
    let fields = prop::collection::vec(field, 0..5);
    (method, path, cookies, fields, body).prop_map(|(method, path, cookies, fields, body)| Mangled {
        method: method.parse().unwrap(),
        path,
        cookies,
        fields,
        body,
    })
}

/// Objects with the site's field names and any values, and other JSON.
fn json_text() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        3 => any::<String>().prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([{}])),
    ];
    let name = prop::sample::select(vec!["username", "email", "display_name", "next", "current_password", "a"]);
    let object = prop::collection::vec((name, value), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()));
    (object, 0usize..400).prop_map(|(object, cut)| {
        let text = object.to_string();
        // Sometimes truncated.
        if cut < 100 { text.chars().take(cut).collect() } else { text }
    })
}

async fn send_mangled(mut router: Router, mangled: Mangled) -> (StatusCode, Vec<u8>) {
    let mut request =
        Request::builder().method(mangled.method).uri(mangled.path).body(Body::from(mangled.body)).unwrap();
    for (name, value) in mangled.fields {
        request.headers_mut().append(name, HeaderValue::from_bytes(&value).unwrap());
    }
    for cookie in mangled.cookies {
        request.headers_mut().append("cookie", HeaderValue::from_bytes(&cookie).unwrap());
    }
    let ready: Result<(), Infallible> = poll_fn(|cx| Service::<Request<Body>>::poll_ready(&mut router, cx)).await;
    ready.unwrap();
    let response = router.call(request).await.unwrap();
    let status = response.status();
    (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
}

#[test]
fn no_request_makes_the_site_fail() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (site, browser) = runtime.block_on(async {
        let site = TestSite::start(Options::default()).await;
        let browser = site.person("alice").await;
        (site, browser)
    });
    let csrf = cookie(&browser, "csrf_access_token");
    let strategy = mangled(cookie(&browser, ACCESS), cookie(&browser, REFRESH), csrf);
    let config = Config { cases: 250, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |request| {
        let path = request.path.clone();
        let task = runtime.spawn(send_mangled(site.router(), request));
        let (status, body) = runtime.block_on(task).map_err(|panic| TestCaseError::fail(panic.to_string()))?;
        prop_assert!(status.as_u16() < 500, "{} → {}: {}", path, status, String::from_utf8_lossy(&body));
        Ok(())
    });
    outcome.unwrap();
}
