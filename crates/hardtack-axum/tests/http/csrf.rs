//! Requests that another site may have forged, and the ways in which ours prove that they are not.

use axum::Router;
use axum::routing::{any, get};
use hardtack_axum::{AccessToken, Auth, AuthError};
use hardtack_conformance::Response;
use http::Method;
use serde_json::json;

use crate::site::{ACCESS, ORIGIN, REFRESH, Site, code};

fn refused(response: &Response) -> (u16, String) {
    (response.status().as_u16(), code(response))
}

#[tokio::test]
async fn the_header() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let posted = alice.post("/page").csrf().json(&json!({ "a": 1 })).send().await;
    assert_eq!(posted.text(), "alice:{\"a\":1}");
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        // The route takes no such method; the check belongs to the extractor, not to POST.
        let other = Site::with(|builder| builder, Router::new().route("/any", any(whoever))).await;
        let mut alice = other.alice().await;
        assert_eq!(alice.request(method.clone(), "/any").csrf().send().await.text(), "alice");
        let refusal = alice.request(method, "/any").accept_json().send().await;
        assert_eq!(refused(&refusal), (403, "csrf_missing".into()));
    }
}

async fn whoever(token: AccessToken) -> String {
    token.subject().to_owned()
}

#[tokio::test]
async fn a_field_of_a_form() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let token = alice.cookie("__Host-csrf_access_token").unwrap().value.clone();
    let fields = [("a", "1"), ("csrf_token", token.as_str()), ("b", "\u{e4} &+")];
    let urlencoded = alice.post("/page").form(&fields).send().await;
    assert_eq!(urlencoded.text(), format!("alice:a=1&csrf_token={token}&b=%C3%A4+%26%2B"));

    let multipart = alice.post("/page").multipart(&fields).send().await;
    assert_eq!(multipart.status(), 200);
    let sent = "name=\"b\"\r\n\r\n\u{e4} &+\r\n";
    assert!(multipart.text().contains(sent), "{}", multipart.text());
}

#[tokio::test]
async fn s46_nothing_else_will_do() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let mut bob = site.logged_in("bob").await;
    let bobs = bob.cookie("__Host-csrf_access_token").unwrap().value.clone();
    let empty: [(&str, &str); 0] = [];

    for (form, reason) in [
        (&empty[..], "csrf_missing"),
        (&[("other", "x")], "csrf_missing"),
        (&[("csrf_token", "")], "csrf_mismatch"),
        (&[("csrf_token", "guessed")], "csrf_mismatch"),
        (&[("csrf_token", bobs.as_str())], "csrf_mismatch"),
    ] {
        for request in [alice.clone().post("/page").form(form), alice.clone().post("/page").multipart(form)] {
            assert_eq!(refused(&request.accept_json().send().await), (403, reason.into()), "{form:?}");
        }
    }
    assert_eq!(refused(&alice.post("/page").send().await), (403, "csrf_missing".into()));
    assert_eq!(refused(&alice.post("/page").json(&json!({})).send().await), (403, "csrf_missing".into()));
    let header = alice.post("/page").header("x-csrf-token", &bobs).send().await;
    assert_eq!(refused(&header), (403, "csrf_mismatch".into()));

    // Still logged in: a forged request must not log anybody out.
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
    assert_eq!(bob.get("/page").send().await.text(), "bob:");
}

#[tokio::test]
async fn s46_a_cookie_and_a_field_of_the_attackers_choice() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    alice.set_cookie_raw("__Host-csrf_access_token=chosen; Secure; Path=/");
    let header = alice.post("/page").header("x-csrf-token", "chosen").send().await;
    assert_eq!(refused(&header), (403, "csrf_mismatch".into()), "the claim counts, not the cookie");
    let field = alice.post("/page").form(&[("csrf_token", "chosen")]).send().await;
    assert_eq!(refused(&field), (403, "csrf_mismatch".into()));
}

#[tokio::test]
async fn s52_not_in_the_query_string() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let token = alice.cookie("__Host-csrf_access_token").unwrap().value.clone();
    let refusal = alice.post(&format!("/page?csrf_token={token}")).form(&[("a", "b")]).send().await;
    assert_eq!(refused(&refusal), (403, "csrf_missing".into()));
}

#[tokio::test]
async fn a_browser_is_told_on_a_page() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let page = alice.post("/page").accept_html().form(&[("a", "b")]).send().await;
    assert_eq!(page.status(), 403);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("csrf_token"), "{}", page.text());
    let htmx = alice.post("/page").header("hx-request", "true").form(&[("a", "b")]).send().await;
    assert_eq!(refused(&htmx), (403, "csrf_missing".into()));
}

#[tokio::test]
async fn s47_other_sites_even_with_the_right_token() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "https://app.site.example"),
        ("origin", "http://site.example"),
        ("origin", "null"),
    ] {
        let refusal = alice.post("/page").csrf().header(name, value).accept_json().send().await;
        assert_eq!(refused(&refusal), (403, "csrf_cross_site".into()), "{name}: {value}");
    }
    for (name, value) in [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", ORIGIN)] {
        let accepted = alice.post("/page").csrf().header(name, value).send().await;
        assert_eq!(accepted.status(), 200, "{name}: {value}");
    }
    // To follow a link from another site is no attack.
    let link = alice.get("/page").accept_html().header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(link.text(), "alice:");
}

#[tokio::test]
async fn s48_another_site_logs_nobody_in_or_out() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    for path in ["/login", "/logout", "/token/refresh"] {
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
            let request = alice.post(path).csrf().json(&json!({})).accept_json().header(name, value);
            let refusal = request.send().await;
            assert_eq!(refused(&refusal), (403, "csrf_cross_site".into()), "{path} {name}: {value}");
            assert!(refusal.set_cookies().is_empty(), "{path}");
        }
    }
    let get = alice.get("/token/refresh").header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(refused(&get), (403, "csrf_cross_site".into()));
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
}

#[tokio::test]
async fn a_log_in_form_has_its_own_token() {
    let site = Site::start().await;
    let mut visitor = site.visitor();
    let refusal = visitor.post("/login").form(&[("user", "alice")]).accept_json().send().await;
    assert_eq!(refused(&refusal), (403, "csrf_missing".into()));

    let token = visitor.get("/login").send().await.hidden_field("csrf_token").unwrap();
    let again = visitor.get("/login").send().await;
    assert_eq!(again.hidden_field("csrf_token").unwrap(), token, "a form in another tab stays good");
    assert!(again.set_cookies().is_empty());
    let login = visitor.post("/login").accept_html().form(&[("csrf_token", &token)]).send().await;
    assert_eq!((login.status().as_u16(), login.location()), (303, Some("/")));
    assert_eq!(visitor.get("/page").send().await.text(), "alice:");
}

#[tokio::test]
async fn s46_a_log_in_with_a_planted_cookie() {
    let site = Site::start().await;
    let token = site.visitor().get("/login").send().await.hidden_field("csrf_token").unwrap();
    for (cookie, field) in [
        ("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA"),
        ("AAAAAAAAAAAAAAAAAAAAAA", token.as_str()),
        (token.as_str(), token.as_str()),
        ("x", "x"),
        ("", ""),
    ] {
        let mut victim = site.visitor();
        victim.set_cookie_raw(&format!("__Host-csrf_pre_session={cookie}; Secure; Path=/"));
        let refusal = victim.post("/login").form(&[("csrf_token", field)]).accept_json().send().await;
        assert_eq!(refusal.status(), 403, "{cookie} {field}");
        assert!(refusal.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn s50_changes_are_not_made_by_get() {
    let more = Router::new().route("/changes", get(change));
    async fn change(auth: Auth) -> Result<hardtack_axum::SetCookies, AuthError> {
        match auth.query("what").as_deref() {
            Some("in") => auth.log_in("alice").await,
            Some("out") => auth.log_out().await,
            Some("again") => auth.reauthenticate("alice").await,
            _ => auth.renew().await,
        }
    }
    let site = Site::with(|builder| builder, more).await;
    let mut alice = site.alice().await;
    for what in ["in", "out", "again", "renew"] {
        for method in [Method::GET, Method::HEAD] {
            let path = format!("/changes?what={what}");
            let request = alice.request(method.clone(), &path).csrf().header("x-http-method-override", "POST");
            let refusal = request.accept_json().send().await;
            assert_eq!(refusal.status(), 405, "{method} {what}");
            assert_eq!(refusal.header("allow"), Some("POST"));
            assert!(refusal.set_cookies().is_empty());
        }
    }
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
}

#[tokio::test]
async fn s50_head_rotates_nothing() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let refusal = alice.request(Method::HEAD, "/token/refresh").send().await;
    assert_eq!(refusal.status(), 405);
    assert!(refusal.set_cookies().is_empty());
}

#[tokio::test]
async fn s54_a_web_socket_from_another_site() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let mut shake = async |origin: &str, site: &str| {
        let request = alice.get("/page").header("upgrade", "websocket").header("connection", "upgrade");
        let request =
            request.header("sec-websocket-version", "13").header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
        request.header("origin", origin).header(site, "cross-site").accept_json().send().await
    };
    assert_eq!(refused(&shake("https://evil.example", "x-none").await), (403, "csrf_cross_site".into()));
    assert_eq!(refused(&shake(ORIGIN, "sec-fetch-site").await), (403, "csrf_cross_site".into()));
    assert_eq!(refused(&shake("null", "x-none").await), (403, "csrf_cross_site".into()));
    assert_eq!(shake(ORIGIN, "x-none").await.text(), "alice:");
}

#[tokio::test]
async fn s09_s27_an_invented_or_planted_session_is_not_adopted() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let before = alice.clone();
    let old = alice.cookie(ACCESS).unwrap().value.clone();
    assert_eq!(alice.post("/login").json(&json!({})).send().await.status(), 200);
    assert_ne!(alice.cookie(ACCESS).unwrap().value, old);
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
    let dead = before.clone().get("/page").accept_json().send().await;
    assert_eq!(code(&dead), "revoked", "the browser's previous session ended");

    let mut mixed = site.logged_in("bob").await;
    mixed.set_cookie_raw(&format!("{REFRESH}={}; Secure; Path=/", alice.cookie(REFRESH).unwrap().value));
    let refusal = mixed.post("/logout").csrf().accept_json().send().await;
    assert_eq!(refusal.status(), 403, "whoever planted a cookie cannot have its session ended");
}
