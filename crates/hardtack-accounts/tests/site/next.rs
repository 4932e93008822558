//! Redirects: always to a page of this site, whatever the value of `next`.

use hardtack::RefreshMode;
use hardtack_test_support::client::{Client, Response};
use hardtack_test_support::html::HtmlForms;
use serde_json::json;
use url::Url;

use crate::support::{Options, PASSWORD, TestSite, cookie, filled, open, submit};

/// Values that send a browser to another site, or could.
const HOSTILE: [&str; 49] = [
    "//evil.example",
    "///evil.example",
    "////evil.example/%2f..",
    "//evil.example/..",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/\\\\evil.example",
    "/./\\evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/service/..//evil.example",
    "/service/%2e%2e//evil.example",
    "/%2e//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "\u{0}//evil.example",
    "/\u{0}/evil.example",
    "\u{a0}//evil.example",
    "/\u{ff0f}evil.example",
    "/\u{2215}evil.example",
    "https://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "https:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "http:////evil.example",
    "http:evil.example",
    "ftp://evil.example",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "mailto:eve@evil.example",
    "@evil.example",
    "http://127.0.0.1@evil.example",
    "http://127.0.0.1:8080@evil.example/",
    ".evil.example",
    "evil.example",
    "/service\r\nSet-Cookie: access_token_cookie=evil",
    "/service\r\n\r\n<script>alert(1)</script>",
    "?next=//evil.example",
];

/// Values that look suspicious, although a browser that follows them stays on this site. They may be accepted.
const ODD: [&str; 7] = [
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "/%09/evil.example",
    "/%0d%0aSet-Cookie:x=1",
    "/http://evil.example",
    "/@evil.example",
    "/service?next=//evil.example",
];

/// The routes of the flow itself: returning to one of them would log out, or loop.
const OWN: [&str; 6] = ["/login", "/logout", "/signup", "/token/refresh", "/reauthenticate", "/%6cogout/"];

fn encode(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Asserts that the redirect leads to a path of this site, as a browser parses it, and returns the path.
fn assert_stays(site: &TestSite, response: &Response, status: u16, next: &str) -> String {
    assert_eq!(response.status(), status, "{next:?}: {}", response.text());
    let location = response.location().unwrap_or_else(|| panic!("{next:?}: no Location"));
    assert!(location.starts_with('/') && !location.starts_with("//"), "{next:?} → {location:?}");
    assert!(location.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{next:?} → {location:?}");
    let base = Url::parse(&format!("{}/login", site.url())).unwrap();
    assert_eq!(base.join(location).unwrap().origin(), base.origin(), "{next:?} → {location:?}");
    assert_eq!(response.headers_all("location").len(), 1, "{next:?}");
    let evil = |cookie: &hardtack_test_support::StoredCookie| cookie.value == "evil" || cookie.name == "x";
    assert!(!response.set_cookies().iter().any(evil), "{next:?}: {:?}", response.set_cookies());
    location.to_owned()
}

async fn form_of(client: &mut Client, path: &str) -> Response {
    let page = client.get(path).accept_html().send().await;
    assert_eq!(page.status(), 200, "{path}: {}", page.text());
    page
}

#[tokio::test]
async fn s61_no_form_carries_a_hostile_next() {
    let site = TestSite::start(Options::default()).await;
    let ada = site.person("ada").await;
    // Without a fresh token, `/reauthenticate` asks for the password.
    site.expire_access();
    for path in ["/login", "/signup", "/reauthenticate"] {
        let mut ada = if path == "/reauthenticate" { ada.clone() } else { site.client() };
        for next in HOSTILE.into_iter().chain(OWN) {
            let page = form_of(&mut ada, &format!("{path}?next={}", encode(next))).await;
            let hidden = page.form_fields(path).into_iter().find(|(name, _)| name == "next");
            assert_eq!(hidden, None, "{path} {next:?}");
            assert!(!page.text().to_lowercase().contains("evil.example"), "{path} {next:?}: {}", page.text());
        }
        for next in ODD {
            let page = form_of(&mut ada, &format!("{path}?next={}", encode(next))).await;
            if let Some((_, value)) = page.form_fields(path).into_iter().find(|(name, _)| name == "next") {
                let base = Url::parse(&site.url()).unwrap();
                assert_eq!(base.join(&value).unwrap().origin(), base.origin(), "{path} {next:?} → {value:?}");
            }
        }
        let page = form_of(&mut ada, &format!("{path}?next={}", encode("/service?a=b&c=d#e"))).await;
        let hidden = page.form_fields(path).into_iter().find(|(name, _)| name == "next");
        assert_eq!(hidden.unwrap().1, "/service?a=b&c=d#e", "{path}");
    }
}

#[tokio::test]
async fn s61_s62_a_log_in_stays_on_this_site() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let page = open(&mut ada, "/login?ended=1").await;
    let mut fields = filled(&page, "/login", &[("username", "ada"), ("password", PASSWORD)]);
    fields.push(("next".to_owned(), String::new()));
    let last = fields.len() - 1;
    for next in HOSTILE.into_iter().chain(OWN).chain(ODD) {
        fields[last].1 = next.to_owned();
        let response = ada.post("/login").accept_html().form(&fields).send().await;
        let location = assert_stays(&site, &response, 303, next);
        if !ODD.contains(&next) {
            assert_eq!(location, "/", "{next:?}");
        }
    }
    fields[last].1 = "/service?a=b&c=d".to_owned();
    let response = ada.post("/login").accept_html().form(&fields).send().await;
    assert_eq!(assert_stays(&site, &response, 303, "a good one"), "/service?a=b&c=d");
    // The field `next` takes precedence. Without this field, the query is used.
    let response = ada.post("/login?next=/account").accept_html().form(&fields).send().await;
    assert_eq!(assert_stays(&site, &response, 303, "both"), "/service?a=b&c=d");
    fields.pop();
    let response = ada.post("/login?next=/account").accept_html().form(&fields).send().await;
    assert_eq!(assert_stays(&site, &response, 303, "the query"), "/account");
    for next in one_of_each_kind() {
        let response = ada.post(&format!("/login?next={}", encode(next))).accept_html().form(&fields).send().await;
        assert_eq!(assert_stays(&site, &response, 303, next), "/", "{next:?}");
    }
}

/// One value of each kind, for routes where each attempt hashes a password.
fn one_of_each_kind() -> [&'static str; 8] {
    [
        "//evil.example",
        "/\\evil.example",
        "/.//evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "http://127.0.0.1@evil.example",
        "/service\r\nSet-Cookie: access_token_cookie=evil",
    ]
}

#[tokio::test]
async fn s61_s62_so_do_a_sign_up_and_a_re_authentication() {
    let site = TestSite::start(Options::default()).await;
    let mut visitor = site.client();
    let by_field = HOSTILE.into_iter().chain(OWN).map(|next| (next, false));
    let by_query = one_of_each_kind().into_iter().chain(OWN).map(|next| (next, true));
    for (number, (next, in_query)) in by_field.chain(by_query).enumerate() {
        let query = if in_query { format!("?next={}", encode(next)) } else { String::new() };
        let name = format!("visitor-{number}");
        let sign_up = [("username", name.as_str()), ("password", PASSWORD)];
        visitor.clear();
        for (path, typed) in [("/signup", &sign_up[..]), ("/reauthenticate", &[("password", PASSWORD)])] {
            let page = open(&mut visitor, path).await;
            let mut fields = filled(&page, path, typed);
            if !in_query {
                fields.push(("next".to_owned(), next.to_owned()));
            }
            let response = visitor.post(&format!("{path}{query}")).accept_html().form(&fields).send().await;
            assert_eq!(assert_stays(&site, &response, 303, next), "/", "{path}{query} {next:?}");
        }
    }
    visitor.clear();
    for path in ["/signup", "/reauthenticate"] {
        if path == "/reauthenticate" {
            site.expire_access();
        }
        let page = open(&mut visitor, &format!("{path}?next=/service")).await;
        let typed: &[_] = match path {
            "/signup" => &[("username", "ada"), ("password", PASSWORD)],
            _ => &[("password", PASSWORD)],
        };
        let response = submit(&mut visitor, &page, path, typed).await;
        assert_eq!(assert_stays(&site, &response, 303, path), "/service");
    }
}

#[tokio::test]
async fn s61_and_so_does_a_refresh() {
    let site = TestSite::start(Options { refresh: RefreshMode::Redirect, ..Options::default() }).await;
    let mut ada = site.person("ada").await;
    let csrf = cookie(&ada, "csrf_refresh_token");
    for next in HOSTILE.into_iter().chain(OWN).chain(ODD) {
        let target = format!("/token/refresh?next={}", encode(next));
        let responses = [
            (303, ada.get(&target).accept_html().send().await),
            (
                303,
                ada.post("/token/refresh").accept_html().form(&[("csrf_token", &*csrf), ("next", next)]).send().await,
            ),
        ];
        for (status, response) in responses {
            let location = assert_stays(&site, &response, status, next);
            assert!(ODD.contains(&next) || location == "/", "{next:?} → {location:?}");
        }
        if !ODD.contains(&next) {
            let response = ada.post(&target).accept_html().form(&[("csrf_token", &csrf)]).send().await;
            assert_eq!(assert_stays(&site, &response, 303, next), "/", "a POST, {next:?}");
        }
        // An API client is not redirected. After a link on another site, the page that repeats the request stays on
        // this site.
        let response = ada.post("/token/refresh").accept_json().csrf().form(&[("next", next)]).send().await;
        assert_eq!((response.status().as_u16(), response.json()), (200, json!({ "refreshed": true })), "{next:?}");
        assert_eq!(response.location(), None);
        let response = ada.get(&target).accept_html().header("sec-fetch-site", "cross-site").send().await;
        assert_eq!(response.status(), 403, "{next:?}");
        assert!(ODD.contains(&next) || !response.text().contains("evil.example"), "{next:?}: {}", response.text());
    }
    let response = ada.get("/token/refresh?next=%2Fservice%3Fa%3Db").accept_html().send().await;
    assert_eq!(assert_stays(&site, &response, 303, "a good one"), "/service?a=b");
    let form = [("csrf_token", csrf.as_str()), ("next", "/service?a=b")];
    let response = ada.post("/token/refresh").accept_html().form(&form).send().await;
    assert_eq!(assert_stays(&site, &response, 303, "a good one"), "/service?a=b");
    // A POST is redirected with its body.
    let response = ada.post("/token/refresh?next=/account/change_settings").accept_html().form(&form).send().await;
    assert_eq!(assert_stays(&site, &response, 307, "a POST"), "/account/change_settings");
}

#[tokio::test]
async fn s61_nor_do_a_referer_or_a_target_lead_elsewhere() {
    let site = TestSite::start(Options::default()).await;
    let mut visitor = site.client();
    for target in ["//evil.example/service", "//evil.example/..//service", "/service?next=//evil.example"] {
        let response = visitor.get(target).accept_html().send().await;
        assert!([303, 404].contains(&response.status().as_u16()), "{target}: {}", response.status());
        if response.status() == 303 {
            assert_stays(&site, &response, 303, target);
        }
    }
    for referer in ["https://evil.example/service", "http://evil.example//x", "//evil.example", "javascript:alert(1)"] {
        let response = visitor.post("/account/change_settings").accept_html().header("referer", referer);
        let response = response.form(&[("display_name", "x")]).send().await;
        assert_eq!(response.location(), Some("/login"), "{referer}");
    }
    let response =
        visitor.post("/account/change_settings").accept_html().header("referer", format!("{}/account", site.url()));
    let response = response.form(&[("display_name", "x")]).send().await;
    assert_eq!(response.location(), Some("/login?next=%2Faccount"));
}
