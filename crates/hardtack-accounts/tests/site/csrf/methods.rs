//! Which methods change something.

use hardtack::RefreshMode;
use http::Method;

use super::{CHANGING, assert_csrf, assert_untouched, form};
use crate::support::{ACCESS, Options, REFRESH, TestSite, cookie, sign_up};

#[tokio::test]
async fn s50_what_changes_something_is_sent_by_post_only() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let mut telephone = site.session_of(&id).await;
    let csrf = cookie(&ada, "csrf_access_token");
    let before = (cookie(&ada, ACCESS), cookie(&ada, REFRESH));

    let query = format!("csrf_token={csrf}&display_name=Eve&current_password=x&new_password=y");
    for path in &CHANGING[..4] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            for target in [(*path).to_owned(), format!("{path}?{query}")] {
                let request = ada.request(method.clone(), &target).accept_html().header("x-csrf-token", &csrf);
                let response = request.send().await;
                // These URLs belong to forms of the account page. A browser that opens one of them is redirected to
                // that page.
                if method == Method::GET && ["/account/change_settings", "/account/password"].contains(path) {
                    assert_eq!((response.status().as_u16(), response.location()), (303, Some("/account")), "{target}");
                    continue;
                }
                assert_eq!(response.status(), 405, "{method} {target}");
                assert_eq!(response.header("allow"), Some("POST"), "{method} {target}");
            }
        }
        for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
            let request = ada.get(path).accept_json().header("x-csrf-token", &csrf).header(name, "POST");
            assert_eq!(request.send().await.status(), 405, "{name} {path}");
        }
    }
    // GET and HEAD show the page of a form, and change nothing.
    for path in ["/logout", "/login", "/signup", "/reauthenticate"] {
        for target in [path.to_owned(), format!("{path}?_method=POST&{query}&username=ada&password={}", "x")] {
            for method in [Method::GET, Method::HEAD] {
                let request = ada.request(method.clone(), &target).accept_html().header("x-csrf-token", &csrf);
                let response = request.header("x-http-method-override", "POST").send().await;
                // The log-in and sign-up pages redirect users who are logged in.
                let status = if ["/login", "/signup"].contains(&path) { 303 } else { 200 };
                assert_eq!(response.status(), status, "{method} {target}");
            }
        }
        let response = ada.request(Method::DELETE, path).accept_json().csrf().send().await;
        assert_eq!(response.status(), 405, "{path}");
        let allow = response.header("allow").unwrap();
        assert!(allow.contains("GET") && allow.contains("POST"), "{path}: {allow}");
    }
    // GET /token/refresh belongs to the redirect flow.
    for method in [Method::GET, Method::HEAD] {
        let response = ada.request(method.clone(), "/token/refresh?next=/service").accept_html().send().await;
        assert_eq!((response.status().as_u16(), response.header("allow")), (405, Some("POST")), "{method}");
    }
    // A method-override header does not exempt a POST from the check.
    let request = ada.post("/account/change_settings").accept_html().header("x-http-method-override", "GET");
    assert_csrf(&request.form(&form(None)).send().await, "csrf_missing", "an override to GET");

    assert_eq!((cookie(&ada, ACCESS), cookie(&ada, REFRESH)), before);
    assert_untouched(&mut ada, &mut telephone).await;
}

#[tokio::test]
async fn get_refreshes_in_redirect_mode_only() {
    for mode in [RefreshMode::Transparent, RefreshMode::Sliding, RefreshMode::Off, RefreshMode::Redirect] {
        let site = TestSite::start(Options { refresh: mode, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let before = cookie(&ada, ACCESS);
        let redirects = mode == RefreshMode::Redirect;
        let allowed = if redirects { "GET, POST" } else { "POST" };
        let head = ada.request(Method::HEAD, "/token/refresh").accept_html().send().await;
        assert_eq!((head.status().as_u16(), head.header("allow")), (405, Some(allowed)), "{mode:?}");
        for accept in ["text/html", "application/json"] {
            let got = ada.get("/token/refresh?next=/service").header("accept", accept).send().await;
            let expected = if redirects { (303, None) } else { (405, Some("POST")) };
            assert_eq!((got.status().as_u16(), got.header("allow")), expected, "{mode:?} {accept}");
        }
        assert_eq!(cookie(&ada, ACCESS) != before, redirects, "{mode:?}");
    }
}
