//! Methods: which of them are safe, and what the router refuses by itself.

use http::Method;
use serde_json::json;

use super::case::Case;
use super::site::{ACCESS, value_of};
use super::wire::Wire;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT, Method::DELETE] {
        let safe = matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS");
        cases.push(Case::new(format!("methods: {method}"), move |site| async move {
            let mut alice = site.alice().await;
            let bare = alice.request(method.clone(), "/protected").accept_json().send().await;
            site.expect("without the CSRF value", &bare, if safe { "200" } else { "403 csrf_missing" });
            let right = alice.request(method.clone(), "/protected").accept_json().csrf().send().await;
            site.expect("with it", &right, "200");
            if method != Method::HEAD {
                let calls = if safe { 2 } else { 1 };
                site.same("handler", right.json(), json!({ "sub": "alice", "fresh": true, "calls": calls }));
            }
            let nobody = site.visitor().request(method.clone(), "/protected").accept_json().send().await;
            if method == Method::HEAD {
                site.same("nobody", nobody.status().as_u16(), 401);
                site.same("no body", (nobody.bytes().len(), bare.bytes().len()), (0, 0));
            } else {
                site.expect("nobody", &nobody, "401 missing_token");
            }
            let foreign = alice.request(method.clone(), "/protected").accept_json().csrf();
            let foreign = foreign.header("sec-fetch-site", "cross-site").send().await;
            site.expect("from another site", &foreign, if safe { "200" } else { "403 csrf_cross_site" });
            let overridden = alice.request(method.clone(), "/protected").header("x-http-method-override", "GET");
            let overridden = overridden.accept_json().send().await;
            site.expect("called GET in a field", &overridden, if safe { "200" } else { "403 csrf_missing" });
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
        cases.push(Case::new(format!("methods: {method} {path} is the router's to refuse"), move |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.request(method.parse().unwrap(), path).accept_json().send().await;
            site.expect("answer", &answer, status.to_string());
            let form = alice.request(method.parse().unwrap(), path).accept_html().send().await;
            site.expect("browser", &form, status.to_string());
            site.same("no cookies", answer.set_cookies().len(), 0);
            site.same("nothing was refreshed", site.store.rotations(), 0);
            site.same("no handler ran", site.calls().await, 0);
        }));
    }
    cases.push(Case::new("methods: HEAD refreshes in place", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        let answer = alice.request(Method::HEAD, "/protected").send().await;
        site.expect("HEAD", &answer, "200 +access +refresh");
        site.same("no body", answer.bytes().len(), 0);
        site.expect("the cookies are good", &alice.get("/protected").send().await, "200");
    }));
    cases.push(Case::new("methods: HEAD of the refresh URL changes nothing", |site| async move {
        let mut alice = site.alice().await;
        let answer = alice.request(Method::HEAD, "/token/refresh").accept_json().send().await;
        site.same("HEAD", (answer.status().as_u16(), answer.header("allow")), (405, Some("POST")));
        site.same("nothing was refreshed", site.store.rotations(), 0);
    }));
    cases
}

/// Browsers let any site begin a WebSocket with the user's cookies.
fn handshakes() -> Vec<Case> {
    let case = |name: &str, origin: Option<&'static str>, told: &'static str| {
        Case::new(format!("methods: a WebSocket handshake {name}"), move |site| async move {
            let token = value_of(&site.alice().await, ACCESS);
            let cookie = format!("{ACCESS}={token}");
            let mut wire = Wire::open(site.address).await;
            wire.write(b"GET /protected HTTP/1.1\r\nHost: site.example\r\nConnection: Upgrade\r\n").await;
            let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
            let rest = format!(
                "Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Cookie: {cookie}\r\n{origin}\r\n"
            );
            wire.write(rest.as_bytes()).await;
            let (answer, _) = wire.pour(b"", 0).await;
            site.same("answer", site.told_of(&answer), told.to_owned());
        })
    };
    vec![
        case("of this site", Some("https://site.example"), "200"),
        case("of another site", Some("https://evil.example"), "403 csrf_cross_site"),
        case("of a page without origin", Some("null"), "403 csrf_cross_site"),
        case("of a program", None, "200"),
    ]
}

/// What a handler may ask of its request.
fn about() -> Case {
    Case::new("methods: what a handler learns of its request", |site| async move {
        let mut alice = site.alice().await;
        let csrf = super::site::csrf_of(&alice);
        let request = alice.get("/about?q=%C3%A4+b&q=second&next=%2Forders%3Fa").accept_html();
        let about = request.header("user-agent", "Browser/1.0").send().await;
        site.expect("page", &about, "200");
        let expected = json!({
            "next": "/orders?a", "wants": "page", "q": "ä b", "agent": "Browser/1.0", "refresh_csrf": csrf,
        });
        site.same("page", about.json(), expected);
        let mut visitor = site.visitor();
        let about = visitor.get("/about?next=//evil.example").accept_json().header("user-agent", "curl").send().await;
        let expected = json!({ "next": "/", "wants": "api", "q": null, "agent": "curl", "refresh_csrf": null });
        site.same("program", about.json(), expected);
        let about = visitor.get("/about").header("hx-request", "true").send().await;
        site.same("htmx", about.json()["wants"].as_str(), Some("htmx"));
    })
}
