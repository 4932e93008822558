//! Tests which methods are safe, which requests the router itself refuses, which origins are allowed to open a
//! WebSocket, and which parts of the request a handler can read.

use http::Method;
use serde_json::json;

use crate::harness::{ACCESS, Case, RawConnection, cookie_value, csrf_token};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT, Method::DELETE] {
        let safe = matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS");
        cases.push(Case::new(format!("methods: {method}, CSRF and origin checks"), move |site| async move {
            let mut alice = site.alice().await;
            let bare = alice.request(method.clone(), "/protected").accept_json().send().await;
            site.expect("without the CSRF value", &bare, if safe { "200" } else { "403 csrf_missing" });
            let right = alice.request(method.clone(), "/protected").accept_json().csrf().send().await;
            site.expect("with the CSRF value", &right, "200");
            if method != Method::HEAD {
                let calls = if safe { 2 } else { 1 };
                site.expect_eq("handler", right.json(), json!({ "sub": "alice", "fresh": true, "calls": calls }));
            }
            let anonymous = site.visitor().request(method.clone(), "/protected").accept_json().send().await;
            if method == Method::HEAD {
                site.expect_eq("without cookies", anonymous.status().as_u16(), 401);
                site.expect_eq("body length", (anonymous.bytes().len(), bare.bytes().len()), (0, 0));
            } else {
                site.expect("without cookies", &anonymous, "401 missing_token");
            }
            let cross_site = alice.request(method.clone(), "/protected").accept_json().csrf();
            let cross_site = cross_site.header("sec-fetch-site", "cross-site").send().await;
            site.expect("from another site", &cross_site, if safe { "200" } else { "403 csrf_cross_site" });
            let overridden = alice.request(method.clone(), "/protected").header("x-http-method-override", "GET");
            let overridden = overridden.accept_json().send().await;
            site.expect("with X-HTTP-Method-Override: GET", &overridden, if safe { "200" } else { "403 csrf_missing" });
        }));
    }
    cases.extend(refused_by_the_router());
    cases.extend(handshakes());
    cases.push(about());
    cases
}

fn refused_by_the_router() -> Vec<Case> {
    let mut cases = Vec::new();
    for (method, path, status) in [
        ("PATCH", "/protected", 405),
        ("POST", "/anyone", 405),
        ("GET", "/echo", 405),
        ("DELETE", "/login", 405),
        ("PUT", "/nested/inner", 405),
        ("GET", "/nowhere", 404),
        ("POST", "/nowhere", 404),
        ("GET", "/nested/nowhere", 404),
        ("GET", "/protected/", 404),
    ] {
        cases.push(Case::new(format!("methods: {method} {path} is refused by the router"), move |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.request(method.parse().unwrap(), path).accept_json().send().await;
            site.expect("response", &response, status.to_string());
            let form = alice.request(method.parse().unwrap(), path).accept_html().send().await;
            site.expect("browser", &form, status.to_string());
            site.expect_eq("cookies", response.set_cookies().len(), 0);
            site.expect_eq("rotations", site.store.rotations(), 0);
            site.expect_eq("handler runs", site.calls().await, 0);
        }));
    }
    cases.push(Case::new("methods: HEAD is refreshed in place", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        let response = alice.request(Method::HEAD, "/protected").send().await;
        site.expect("HEAD", &response, "200 +access +refresh");
        site.expect_eq("body length", response.bytes().len(), 0);
        site.expect("with the new cookies", &alice.get("/protected").send().await, "200");
    }));
    cases.push(Case::new("methods: HEAD to the refresh URL is refused", |site| async move {
        let mut alice = site.alice().await;
        let response = alice.request(Method::HEAD, "/token/refresh").accept_json().send().await;
        site.expect_eq("HEAD", (response.status().as_u16(), response.header("allow")), (405, Some("POST")));
        site.expect_eq("rotations", site.store.rotations(), 0);
    }));
    cases
}

/// Browsers let every site open a WebSocket with the user's cookies, so the origin of a handshake must be checked.
fn handshakes() -> Vec<Case> {
    let case = |name: &str, origin: Option<&'static str>, expected: &'static str| {
        Case::new(format!("methods: a WebSocket handshake {name}"), move |site| async move {
            let token = cookie_value(&site.alice().await, ACCESS);
            let cookie = format!("{ACCESS}={token}");
            let mut connection = RawConnection::open(site.address).await;
            connection.write(b"GET /protected HTTP/1.1\r\nHost: site.example\r\nConnection: Upgrade\r\n").await;
            let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
            let rest = format!(
                "Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Cookie: {cookie}\r\n{origin}\r\n"
            );
            connection.write(rest.as_bytes()).await;
            let (response, _) = connection.write_until_response(b"", 0).await;
            site.expect("response", &response, expected);
        })
    };
    vec![
        case("by this site", Some("https://site.example"), "200"),
        case("by another site", Some("https://evil.example"), "403 csrf_cross_site"),
        case("by a page with an opaque origin", Some("null"), "403 csrf_cross_site"),
        case("by a program", None, "200"),
    ]
}

/// Tests which parts of the request a handler can read through `Auth`.
fn about() -> Case {
    Case::new("methods: what a handler can read of its request", |site| async move {
        let mut alice = site.alice().await;
        let csrf = csrf_token(&alice);
        let request = alice.get("/about?q=%C3%A4+b&q=second&next=%2Forders%3Fa").accept_html();
        let about = request.header("user-agent", "Browser/1.0").send().await;
        site.expect("page", &about, "200");
        let shown = about.json()["refresh_csrf"].clone();
        site.expect_eq("the CSRF value is masked", shown != json!(csrf), true);
        let mut tab = alice.clone();
        let refresh = tab.post("/token/refresh").header("x-csrf-token", shown.as_str().unwrap_or_default());
        site.expect("a refresh with it", &refresh.send().await, "200 +access +refresh");
        let expected = json!({
            "next": "/orders?a", "wants": "page", "q": "ä b", "agent": "Browser/1.0", "refresh_csrf": shown,
        });
        site.expect_eq("page", about.json(), expected);
        let mut visitor = site.visitor();
        let about = visitor.get("/about?next=//evil.example").accept_json().header("user-agent", "curl").send().await;
        let expected = json!({ "next": "/", "wants": "api", "q": null, "agent": "curl", "refresh_csrf": null });
        site.expect_eq("program", about.json(), expected);
        let about = visitor.get("/about").header("hx-request", "true").send().await;
        site.expect_eq("htmx", about.json()["wants"].as_str(), Some("htmx"));
    })
}
