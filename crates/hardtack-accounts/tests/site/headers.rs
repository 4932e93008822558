//! The security header fields of every response.

use hardtack::RefreshMode;
use hardtack_test_support::client::{Client, Response};
use http::Method;
use serde_json::json;

use crate::support::*;

const EVERYWHERE: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

const ASSETS: [&str; 3] = ["/assets/hardtack.css", "/assets/hardtack.svg", "/openapi.json"];

fn is_page(response: &Response) -> bool {
    response.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
}

/// Asserts what holds for every response of the site.
fn assert_guarded(response: &Response) {
    let what = format!("{} {} → {}", response.method(), response.path(), response.status());
    for (name, value) in EVERYWHERE {
        // Pages with times have the only script. A response to HEAD has no text to look at.
        let has_times = match *response.method() == Method::HEAD && response.status() == 200 {
            true => ["/account", "/account/sessions"].contains(&response.path()),
            false => response.text().contains("<time "),
        };
        let has_script = is_page(response) && has_times;
        let policy = value.replace("default-src 'none'; ", "default-src 'none'; script-src 'self'; ");
        let value = if has_script { policy.as_str() } else { value };
        assert_eq!(response.headers_all(name), [value], "{what}: {name}");
    }
    for name in ["access-control-allow-origin", "access-control-allow-credentials", "server", "x-powered-by"] {
        assert_eq!(response.header(name), None, "{what}: {name}");
    }
    let cache = response.headers_all("cache-control").join(", ");
    if ASSETS.contains(&response.path()) && response.status() == 200 {
        assert_eq!(cache, "public, max-age=300", "{what}");
        assert_eq!(response.header("vary"), None, "{what}: the same for all clients");
        assert_eq!(response.set_cookies(), [], "{what}");
    } else {
        assert!(cache == "no-store" || cache == "private, no-store", "{what}: {cache}");
        let vary = response.headers_all("vary").join(", ").to_ascii_lowercase();
        for name in ["accept", "cookie", "hx-request"] {
            assert!(vary.split(", ").any(|one| one == name), "{what}: {vary}");
        }
    }
    if !response.set_cookies().is_empty() {
        assert_eq!(cache, "private, no-store", "{what}");
    }
    if response.status() == 401 {
        assert!(response.header("www-authenticate").unwrap().starts_with("Bearer"), "{what}");
    }
    if response.status().is_redirection() {
        assert!(response.location().unwrap().starts_with('/'), "{what}");
    }
    if !response.text().is_empty() {
        assert!(response.header("content-type").is_some(), "{what}");
    }
}

/// Responses of every kind: pages and JSON, success and failure, to visitors and to users.
async fn every_kind(site: &TestSite, https: bool) -> Vec<Response> {
    let at_home = |client: Client| if https { client.at_origin("https://site.example") } else { client };
    let prefix = if https { "__Host-" } else { "" };
    let mut seen = Vec::new();
    let mut user = at_home(site.client());
    sign_up(&mut user, "alice").await;
    let mut visitor = at_home(site.client());
    for client in [&mut visitor, &mut user] {
        for path in [
            "/",
            "/signup",
            "/login",
            "/logout",
            "/service",
            "/account",
            "/reauthenticate",
            "/account/sessions",
            "/healthz",
            "/openapi.json",
            "/assets/hardtack.css",
            "/assets/hardtack.svg",
            "/nowhere",
            "/account/password",
            "/assets/nothing",
        ] {
            for accept in ["text/html", "application/json", "*/*"] {
                for method in [Method::GET, Method::HEAD] {
                    seen.push(client.request(method, path).header("accept", accept).send().await);
                }
            }
            seen.push(client.get(path).header("hx-request", "true").send().await);
            seen.push(client.request(Method::OPTIONS, path).header("origin", "https://evil.example").send().await);
        }
        for path in ["/login", "/signup", "/account/change_settings", "/account/password", "/reauthenticate"] {
            for (kind, body) in [
                ("application/json", "{"),
                ("application/json", "[]"),
                ("application/x-www-form-urlencoded", "a=b"),
                ("text/plain", ""),
            ] {
                for accept in ["text/html", "application/json"] {
                    let request = client.post(path).header("accept", accept).header("content-type", kind).body(body);
                    seen.push(request.send().await);
                }
            }
        }
        let long = client.post("/login").accept_json().json(&json!({ "username": "x".repeat(17_000) }));
        seen.push(long.send().await);
        let wrong = client.post("/login").accept_json().json(&json!({ "username": "nobody", "password": "wrong" }));
        seen.push(wrong.send().await);
        for accept in ["text/html", "application/json"] {
            // Use a separate browser, because the response deletes its cookies.
            let mut forger = client.clone();
            let forged = forger.get("/service").header("accept", accept).no_cookies();
            seen.push(forged.raw_cookie_header(format!("{prefix}access_token_cookie=forged")).send().await);
            let foreign = client.post("/logout").header("accept", accept).header("origin", "https://evil.example");
            seen.push(foreign.send().await);
        }
    }
    site.expire_access();
    seen.push(user.get("/service").accept_html().follow().await);
    seen.push(user.get("/account").accept_html().send().await);
    seen.push(user.get("/account").accept_json().send().await);
    let body = json!({ "password": PASSWORD });
    seen.push(user.post("/reauthenticate").accept_json().csrf().json(&body).send().await);
    seen.push(user.post("/account/change_settings").accept_json().csrf().json(&json!({})).send().await);
    seen.push(user.post("/logout").accept_html().csrf().send().await);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn s63_every_response_is_guarded_and_no_answer_of_ones_own_is_kept() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let seen = every_kind(&site, false).await;
        let statuses: std::collections::BTreeSet<u16> =
            seen.iter().map(|response| response.status().as_u16()).collect();
        for status in [200, 303, 400, 401, 403, 404, 405, 413, 415, 422] {
            assert!(statuses.contains(&status), "{status} is not among {statuses:?}");
        }
        for response in &seen {
            assert_guarded(response);
            assert_eq!(response.header("strict-transport-security"), None, "this site is on plain http");
        }
    }
}

/// A page that names its user is private, even if it sets no cookie.
#[tokio::test(flavor = "multi_thread")]
async fn s63_the_pages_of_somebody_are_private() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.person("alice").await;
    for path in ["/", "/service", "/account", "/account/sessions", "/reauthenticate", "/logout", "/login", "/nowhere"] {
        let response = client.get(path).accept_html().send().await;
        assert_eq!(response.headers_all("cache-control"), ["private, no-store"], "{path}");
    }
    for path in ["/", "/service", "/account", "/account/sessions"] {
        let response = client.get(path).accept_json().send().await;
        assert_eq!(response.headers_all("cache-control"), ["private, no-store"], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_hsts_is_sent() {
    let base_url = Some("https://site.example");
    let site = TestSite::start(Options { base_url, ..Options::default() }).await;
    for response in every_kind(&site, true).await {
        assert_guarded(&response);
        let what = format!("{} {}", response.method(), response.path());
        assert_eq!(
            response.headers_all("strict-transport-security"),
            ["max-age=63072000; includeSubDomains"],
            "{what}"
        );
    }
}

/// A page with a script or an inline style would break under the policy.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_needs_what_the_policy_forbids() {
    let site = TestSite::start(Options { refresh: RefreshMode::Redirect, ..Options::default() }).await;
    for response in every_kind(&site, false).await {
        if !is_page(&response) || response.method() == Method::HEAD {
            continue;
        }
        let page = response.text().to_ascii_lowercase().replace("<script src=\"/assets/times.js\" defer></script>", "");
        let what = format!("{} {}", response.method(), response.path());
        assert!(page.starts_with("<!doctype html>"), "{what}: {page}");
        for forbidden in [
            "<script",
            "<style",
            " style=",
            " onclick=",
            " onload=",
            "javascript:",
            "<iframe",
            "data:",
            "http://",
            "//fonts",
        ] {
            assert!(!page.contains(forbidden), "{what}: {forbidden}");
        }
    }
}

/// A page for clients that prefer HTML, JSON for all others, with the same status.
#[tokio::test(flavor = "multi_thread")]
async fn accept_decides_between_a_page_and_json() {
    const PAGE: &str = "text/html; charset=utf-8";
    const JSON: &str = "application/json";
    const PROBLEM: &str = "application/problem+json";
    let site = TestSite::start(Options::default()).await;
    let mut client = site.person("alice").await;
    for (accept, page) in [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
        ("text/html", true),
        ("TEXT/HTML", true),
        ("application/xhtml+xml", true),
        ("text/html, application/json", true),
        ("text/html;q=0.9, application/json", false),
        ("text/html;q=0", false),
        ("application/json", false),
        ("application/problem+json", false),
        ("*/*", false),
        ("text/*", false),
        ("image/png", false),
        ("", false),
    ] {
        for path in ["/", "/service", "/account", "/account/sessions"] {
            let response = client.get(path).header("accept", accept).send().await;
            assert_eq!(response.status(), 200, "{accept}: {path}");
            let expected = if page { PAGE } else { JSON };
            assert_eq!(response.header("content-type"), Some(expected), "{accept}: {path}");
        }
        for (method, path, status) in
            [(Method::GET, "/nowhere", 404), (Method::PUT, "/account", 405), (Method::POST, "/login", 415)]
        {
            let response = client.request(method, path).header("accept", accept).send().await;
            assert_eq!(response.status(), status, "{accept}: {path}");
            let expected = if page { PAGE } else { PROBLEM };
            assert_eq!(response.header("content-type"), Some(expected), "{accept}: {path}");
            if !page {
                assert_eq!(response.json()["status"], status, "{accept}: {path}");
            }
        }
    }
    // Without `Accept`.
    let response = client.get("/service").send().await;
    assert_eq!(response.header("content-type"), Some(JSON));
    // htmx gets pages as HTML, and errors as problem documents.
    let response = client.get("/service").header("hx-request", "true").send().await;
    assert_eq!(response.header("content-type"), Some(PAGE));
    let response = client.get("/nowhere").header("hx-request", "true").send().await;
    assert_eq!(response.header("content-type"), Some(PROBLEM));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_its_body() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.person("alice").await;
    // Opening this page sets the cookie that log-in forms need.
    open(&mut client, "/login?ended=1").await;
    for path in [
        "/",
        "/signup",
        "/login",
        "/logout",
        "/service",
        "/account",
        "/reauthenticate",
        "/account/sessions",
        "/healthz",
        "/openapi.json",
        "/assets/hardtack.css",
        "/assets/hardtack.svg",
        "/nowhere",
    ] {
        for accept in ["text/html", "application/json"] {
            let get = client.get(path).header("accept", accept).send().await;
            let head = client.request(Method::HEAD, path).header("accept", accept).send().await;
            let what = format!("{path}, {accept}");
            assert_eq!(head.status(), get.status(), "{what}");
            assert_eq!(head.bytes().len(), 0, "{what}");
            for name in ["content-type", "content-length", "cache-control", "vary", "content-security-policy"] {
                assert_eq!(head.headers_all(name), get.headers_all(name), "{what}: {name}");
            }
        }
    }
    let head = client.request(Method::HEAD, "/service").accept_html().no_cookies().send().await;
    assert_eq!((head.status().as_u16(), head.location()), (303, Some("/login?next=%2Fservice")));
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_have_their_type_and_are_public() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.client();
    for (path, kind, start) in [
        ("/assets/hardtack.css", "text/css; charset=utf-8", None),
        ("/assets/hardtack.svg", "image/svg+xml", Some("<svg")),
        ("/openapi.json", "application/json", Some("{")),
    ] {
        // Neither a damaged cookie nor the value of `Accept` makes a difference.
        for accept in ["text/html", "image/*", "text/css,*/*;q=0.1"] {
            let request = client.get(path).header("accept", accept).raw_cookie_header("access_token_cookie=junk");
            let response = request.send().await;
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(response.header("content-type"), Some(kind), "{path}");
            assert_eq!(response.headers_all("cache-control"), ["public, max-age=300"], "{path}");
            assert!(response.bytes().len() > 200, "{path}");
            assert!(start.is_none_or(|start| response.text().starts_with(start)), "{path}");
            assert_guarded(&response);
        }
    }
    // Pages link to the assets by the right path.
    let page = open(&mut client, "/login").await;
    for path in ["/assets/hardtack.css", "/assets/hardtack.svg"] {
        assert!(page.text().contains(&format!("\"{path}\"")), "{path}: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_route_is_for_machines() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.client();
    for accept in ["text/html", "application/json", "*/*"] {
        let request = client.get("/healthz").header("accept", accept).raw_cookie_header("access_token_cookie=junk");
        let response = request.send().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.headers_all("cache-control"), ["no-store"]);
        assert_eq!(response.json(), json!({ "status": "ok" }));
        assert_eq!(response.set_cookies(), []);
        assert_guarded(&response);
    }
}
