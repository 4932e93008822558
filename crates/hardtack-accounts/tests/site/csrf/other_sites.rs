//! Requests that another site's page sends.

use hardtack::RefreshMode;
use hardtack_test_support::client::{Client, Request};
use hardtack_test_support::html::HtmlForms;
use http::Method;
use serde_json::json;

use super::{CHANGING, assert_csrf, assert_untouched, body, form};
use crate::support::{Options, PASSWORD, TestSite, cookie, field, filled, log_in, open, plant, sign_up, whoami};

/// The header fields by which browsers indicate that another site's page sent the request.
const ELSEWHERE: [&[(&str, &str)]; 8] = [
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://sibling.localhost")],
    &[("sec-fetch-site", "cross-site"), ("origin", "null")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "http://127.0.0.1:1")],
];

fn from<'a>(mut request: Request<'a>, headers: &[(&str, &str)]) -> Request<'a> {
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request
}

/// A browser's `Accept`, without an indication of the sender.
fn page(request: Request<'_>) -> Request<'_> {
    request.header("accept", "text/html,*/*;q=0.8")
}

#[tokio::test]
async fn s47_requests_of_other_sites_are_refused_although_their_token_is_right() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let mut telephone = site.session_of(&id).await;
    let own = cookie(&ada, "csrf_access_token");
    for headers in ELSEWHERE {
        for path in CHANGING {
            let what = format!("{path} {headers:?}");
            let response = from(page(ada.post(path)), headers).form(&form(Some(&own))).send().await;
            assert_csrf(&response, "csrf_cross_site", &what);
            let response = from(ada.post(path).accept_json(), headers).csrf().json(&body()).send().await;
            assert_csrf(&response, "csrf_cross_site", &what);
        }
    }
    let response = page(ada.post("/logout"))
        .header("origin", site.url())
        .add_header("origin", "https://evil.example")
        .form(&form(Some(&own)))
        .send()
        .await;
    assert_csrf(&response, "csrf_cross_site", "two origins");
    assert_untouched(&mut ada, &mut telephone).await;
    // Requests of the site's own pages are accepted.
    for headers in [&[("origin", site.url().as_str())][..], &[("sec-fetch-site", "same-origin"), ("origin", "null")]] {
        let response = from(page(ada.post(CHANGING[0])), headers).form(&form(Some(&own))).send().await;
        assert_eq!(response.location(), Some("/account?done=settings"), "{headers:?}: {}", response.text());
    }
}

#[tokio::test]
async fn s48_other_sites_log_nobody_in_or_out_and_sign_nobody_up() {
    let site = TestSite::start(Options { refresh: RefreshMode::Redirect, ..Options::default() }).await;
    let mut ada = site.person("ada").await;
    let mut visitor = site.client();
    let log_in_page = open(&mut visitor, "/login").await;
    let sign_up_page = open(&mut visitor, "/signup").await;
    let out_page = open(&mut ada, "/service").await;
    let refresh_csrf = cookie(&ada, "csrf_refresh_token");

    for headers in ELSEWHERE {
        // The attacker tries to log the victim in to the attacker's account, or to a new one, with a valid hidden
        // field.
        let credentials = [("username", "ada"), ("password", PASSWORD)];
        let fields = filled(&log_in_page, "/login", &credentials);
        let response = from(page(visitor.post("/login")), headers).form(&fields).send().await;
        assert_csrf(&response, "csrf_cross_site", &format!("log-in {headers:?}"));
        let fields = filled(&sign_up_page, "/signup", &[("username", "mallory"), ("password", PASSWORD)]);
        let response = from(page(visitor.post("/signup")), headers).form(&fields).send().await;
        assert_csrf(&response, "csrf_cross_site", &format!("sign-up {headers:?}"));
        for (path, username) in [("/login", "ada"), ("/signup", "mallory")] {
            let body = json!({ "username": username, "password": PASSWORD });
            let response = from(visitor.post(path).accept_json(), headers).json(&body).send().await;
            assert_csrf(&response, "csrf_cross_site", &format!("{path} by JSON {headers:?}"));
        }

        let response = from(page(ada.post("/logout")), headers).form(&filled(&out_page, "/logout", &[])).send().await;
        assert_csrf(&response, "csrf_cross_site", &format!("log-out {headers:?}"));
        let response = from(ada.post("/logout").accept_json(), headers).csrf().send().await;
        assert_csrf(&response, "csrf_cross_site", &format!("log-out by JSON {headers:?}"));
        let fields = [("csrf_token", refresh_csrf.as_str())];
        for path in ["/token/refresh", "/token/refresh?next=/service"] {
            let response = from(page(ada.post(path)), headers).form(&fields).send().await;
            assert_csrf(&response, "csrf_cross_site", &format!("refresh {headers:?}"));
            let response = from(ada.post(path).accept_json(), headers).csrf().send().await;
            assert_csrf(&response, "csrf_cross_site", &format!("refresh by JSON {headers:?}"));
            let response = from(ada.get(path).accept_json(), headers).send().await;
            assert_csrf(&response, "csrf_cross_site", &format!("refresh by GET {headers:?}"));
        }
        // A link on another site does not refresh; it leads to a page of this site that does.
        let response = from(page(ada.get("/token/refresh?next=/service")), headers).send().await;
        assert_eq!(response.status(), 403, "{headers:?}");
        assert!(response.set_cookies().is_empty(), "{headers:?}: {:?}", response.set_cookies());
        assert_eq!(field(&response, "/token/refresh", "next"), "/service");
    }
    assert_eq!(whoami(&mut visitor).await, Err(401));
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
    assert_eq!(
        log_in(&mut site.client(), "mallory", PASSWORD).await.status(),
        401,
        "the attacker's account was created"
    );
}

#[tokio::test]
async fn s48_a_log_in_or_sign_up_form_needs_the_token_of_its_own_browser() {
    let site = TestSite::start(Options::default()).await;
    site.person("ada").await;
    let mut attacker = site.client();
    let foreign = open(&mut attacker, "/login").await.hidden_field("csrf_token").unwrap();
    for path in ["/login", "/signup"] {
        let with = |token: Option<&str>| {
            let mut fields = vec![("username", "ada"), ("password", PASSWORD)];
            fields.extend(token.map(|token| ("csrf_token", token)));
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        // First without the form's cookie, then with it.
        let response = site.client().post(path).accept_html().form(&with(Some(&foreign))).send().await;
        assert_csrf(&response, "csrf_missing", path);
        let mut victim = site.client();
        open(&mut victim, path).await;
        for token in [None, Some(foreign.as_str()), Some("chosen"), Some("")] {
            let response = victim.post(path).accept_html().form(&with(token)).send().await;
            assert_csrf(&response, "csrf_mismatch", path);
        }
        for chosen in ["chosen", "AAAAAAAAAAAAAAAAAAAAAA", "00000000000000000000000000000000"] {
            let mut planted = site.client();
            plant(&mut planted, "csrf_pre_session", chosen);
            let response = planted.post(path).accept_html().form(&with(Some(chosen))).send().await;
            assert_csrf(&response, "csrf_mismatch", path);
        }
        // A form cannot be sent as JSON, and is not accepted as JSON.
        let response = victim.post(path).accept_html().header("content-type", "text/plain").body("{}").send().await;
        assert!([403, 415].contains(&response.status().as_u16()), "{path}: {}", response.status());
    }
    // A log-out and a refresh need a token, too.
    let mut ada = site.device_of("ada").await;
    assert_csrf(&ada.post("/logout").accept_html().form(&[("a", "b")]).send().await, "csrf_missing", "log-out");
    assert_csrf(&ada.post("/token/refresh").accept_html().form(&[("a", "b")]).send().await, "csrf_missing", "refresh");
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
}

#[tokio::test]
async fn s53_no_other_origin_may_read_anything() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    for origin in ["https://evil.example", "null", "http://localhost:3000", &site.url()] {
        for path in
            ["/", "/service", "/account", "/account/sessions", "/login", "/healthz", "/openapi.json", "/nowhere"]
        {
            let preflight = ada
                .request(Method::OPTIONS, path)
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "x-csrf-token, content-type");
            let preflight = preflight.send().await;
            let simple = ada.get(path).accept_json().header("origin", origin).send().await;
            for response in [preflight, simple] {
                let cors: Vec<_> =
                    response.headers().keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
                assert!(cors.is_empty(), "{origin} {path}: {cors:?}");
            }
        }
    }
}

#[tokio::test]
async fn s54_a_websocket_of_another_origin_is_refused() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    async fn handshake(client: &mut Client, path: &str, origin: &str) -> u16 {
        let request = client
            .get(path)
            .accept_json()
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("origin", origin);
        request.send().await.status().as_u16()
    }
    for path in ["/service", "/account", "/account/sessions", "/"] {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            assert_eq!(handshake(&mut ada, path, origin).await, 403, "{path} {origin}");
        }
        // The site has no WebSocket route, so a handshake from its own page is handled like any GET.
        assert_eq!(handshake(&mut ada, path, &site.url()).await, 200, "{path}");
    }
    site.expire_access();
    assert_eq!(handshake(&mut ada, "/service", "https://evil.example").await, 403);
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
}
