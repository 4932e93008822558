//! Requests that another site may have forged, and the ways in which ours prove that they are not.

use hardtack_actix::{Auth, AuthError, SetCookies};
use http::Method;
use serde_json::json;

use crate::site::{CSRF, ORIGIN, Site, refused};

#[tokio::test]
async fn the_header() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let posted = alice.post("/page").csrf().json(&json!({ "a": 1 })).send().await;
    assert_eq!(posted.text(), "alice:{\"a\":1}");
}

#[tokio::test]
async fn a_field_of_a_form() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let token = alice.cookie(CSRF).unwrap().value.clone();
    let fields = [("a", "1"), ("csrf_token", token.as_str()), ("b", "\u{e4} &+")];
    let urlencoded = alice.post("/page").form(&fields).send().await;
    assert_eq!(urlencoded.text(), format!("alice:a=1&csrf_token={token}&b=%C3%A4+%26%2B"));

    let multipart = alice.post("/page").multipart(&fields).send().await;
    assert_eq!(multipart.status(), 200);
    let sent = "name=\"b\"\r\n\r\n\u{e4} &+\r\n";
    assert!(multipart.text().starts_with("alice:--") && multipart.text().contains(sent), "{}", multipart.text());
}

#[tokio::test]
async fn s46_nothing_else_will_do() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let bobs = site.logged_in("bob").await.cookie(CSRF).unwrap().value.clone();
    for (form, reason) in [
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
    let header = alice.post("/page").header("x-csrf-token", &bobs).send().await;
    assert_eq!(refused(&header), (403, "csrf_mismatch".into()));
    let page = alice.post("/page").accept_html().form(&[("a", "b")]).send().await;
    assert_eq!((page.status().as_u16(), page.header("content-type")), (403, Some("text/html; charset=utf-8")));
    // Still logged in: a forged request must not log anybody out.
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
}

#[tokio::test]
async fn s47_other_sites_even_with_the_right_token() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        for path in ["/page", "/logout", "/login", "/token/refresh"] {
            let request = alice.post(path).csrf().json(&json!({})).header(name, value);
            let cross = request.accept_json().send().await;
            assert_eq!(refused(&cross), (403, "csrf_cross_site".into()), "{path} {name}: {value}");
            assert!(cross.set_cookies().is_empty());
        }
    }
    for (name, value) in [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", ORIGIN)] {
        assert_eq!(alice.post("/page").csrf().header(name, value).send().await.status(), 200, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_log_in_form_has_its_own_token() {
    let site = Site::start().await;
    let mut visitor = site.visitor();
    let missing = visitor.post("/login").form(&[("user", "alice")]).accept_json().send().await;
    assert_eq!(refused(&missing), (403, "csrf_missing".into()));
    let form = visitor.get("/login").send().await;
    assert_eq!(form.header("cache-control"), Some("private, no-store"), "it carries this browser's token");
    let token = form.hidden_field("csrf_token").unwrap();
    let login = visitor.post("/login").accept_html().form(&[("csrf_token", &token)]).send().await;
    assert_eq!((login.status().as_u16(), login.location()), (303, Some("/")));
    assert_eq!(visitor.get("/page").send().await.text(), "alice:");
}

#[tokio::test]
async fn s50_changes_are_not_made_by_get() {
    async fn change(auth: Auth) -> Result<SetCookies, AuthError> {
        match auth.query("what").as_deref() {
            Some("in") => auth.log_in("alice").await,
            Some("out") => auth.log_out().await,
            Some("again") => auth.reauthenticate("alice").await,
            _ => auth.renew().await,
        }
    }
    let site = Site::with(
        |builder| builder,
        |app| {
            app.route("/changes", actix_web::web::route().to(change));
        },
    )
    .await;
    let mut alice = site.alice().await;
    for what in ["in", "out", "again", "renew"] {
        for method in [Method::GET, Method::HEAD] {
            let path = format!("/changes?what={what}");
            let refusal = alice.request(method, &path).csrf().accept_json().send().await;
            assert_eq!((refusal.status().as_u16(), refusal.header("allow")), (405, Some("POST")), "{what}");
            assert!(refusal.set_cookies().is_empty());
        }
    }
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
    assert_eq!(alice.post("/changes?what=renew").csrf().send().await.set_cookies().len(), 4, "cookies alone");
}
