//! Which CSRF values are accepted, and where they appear.

use hardtack::RefreshMode;
use hardtack_test_support::html::HtmlForms;

use super::{CHANGING, assert_csrf, assert_untouched, body, form};
use crate::support::{ACCESS, Options, PASSWORD, TestSite, cookie, open, plant, sign_up, submit};

#[tokio::test]
async fn s46_only_this_sessions_token_is_taken() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let mut telephone = site.session_of(&id).await;
    let bob = site.person("bob").await;
    let own = cookie(&ada, "csrf_access_token");
    let pre_session = open(&mut site.client(), "/login").await.hidden_field("csrf_token").unwrap();
    let short = own[..own.len() - 1].to_owned();
    let wrong = [
        ("another session's", cookie(&telephone, "csrf_access_token")),
        ("another user's", cookie(&bob, "csrf_access_token")),
        ("a pre-session's", pre_session),
        ("cut", short),
        ("longer", format!("{own}A")),
        ("empty", String::new()),
        ("the token itself", cookie(&ada, ACCESS)),
    ];
    for path in CHANGING {
        let response = ada.post(path).accept_html().form(&form(None)).send().await;
        assert_csrf(&response, "csrf_missing", path);
        let response = ada.post(path).accept_json().json(&body()).send().await;
        assert_csrf(&response, "csrf_missing", path);
        let response = ada.post(path).accept_json().multipart(&[("x", "y")]).send().await;
        assert_csrf(&response, "csrf_missing", path);
        for (what, token) in &wrong {
            let what = format!("{path}: {what}");
            let response = ada.post(path).accept_html().form(&form(Some(token))).send().await;
            assert_csrf(&response, "csrf_mismatch", &what);
            let response = ada.post(path).accept_json().header("x-csrf-token", token).json(&body()).send().await;
            assert_csrf(&response, "csrf_mismatch", &what);
        }
        // An attacker who can set cookies, but not read them, chooses the same value for the cookie and the field.
        let mut planted = ada.clone();
        for name in ["csrf_access_token", "csrf_refresh_token", "csrf_pre_session"] {
            plant(&mut planted, name, "chosen");
        }
        let response = planted.post(path).accept_html().form(&form(Some("chosen"))).send().await;
        assert_csrf(&response, "csrf_mismatch", path);
        let response = planted.post(path).accept_json().header("x-csrf-token", "chosen").json(&body()).send().await;
        assert_csrf(&response, "csrf_mismatch", path);
        // The field occurs twice. The sender must not be able to choose which value counts.
        let mut twice = form(Some(&own));
        twice.push(("csrf_token".into(), "chosen".into()));
        let response = ada.post(path).accept_html().form(&twice).send().await;
        assert_csrf(&response, "csrf_mismatch", path);
    }
    assert_untouched(&mut ada, &mut telephone).await;
    let response = ada.post(CHANGING[0]).accept_html().form(&form(Some(&own))).send().await;
    assert_eq!(response.location(), Some("/account?done=settings"), "the right one is not taken: {}", response.text());
}

#[tokio::test]
async fn s46_with_an_expired_token_too() {
    for refresh in [RefreshMode::Transparent, RefreshMode::Redirect] {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let bob = site.person("bob").await;
        site.expire_access();
        for path in CHANGING {
            for token in [None, Some("chosen"), Some(cookie(&bob, "csrf_access_token").as_str())] {
                let response = ada.post(path).accept_html().form(&form(token)).send().await;
                assert_eq!(response.status(), 403, "{refresh:?} {path}: {}", response.text());
                assert!(response.set_cookies().is_empty(), "{refresh:?} {path}: {:?}", response.set_cookies());
            }
        }
        assert_eq!(open(&mut ada, "/service").await.path(), "/service", "{refresh:?}");
    }
}

#[tokio::test]
async fn s52_a_token_in_the_query_is_not_accepted() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.client();
    let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
    let mut telephone = site.session_of(&id).await;
    let csrf = cookie(&ada, "csrf_access_token");
    for path in CHANGING.into_iter().chain(["/token/refresh"]) {
        for name in ["csrf_token", "X-CSRF-TOKEN", "csrf_access_token"] {
            let target = format!("{path}?{name}={csrf}");
            let response = ada.post(&target).accept_html().form(&form(None)).send().await;
            assert_csrf(&response, "csrf_missing", &target);
            let response = ada.post(&target).accept_json().json(&body()).send().await;
            assert_csrf(&response, "csrf_missing", &target);
        }
    }
    assert_untouched(&mut ada, &mut telephone).await;
    let mut visitor = site.client();
    let token = open(&mut visitor, "/login").await.hidden_field("csrf_token").unwrap();
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let response = visitor.post(&format!("/login?csrf_token={token}")).accept_html().form(&fields).send().await;
    assert_csrf(&response, "csrf_missing", "log-in");
}

/// If a compressed page repeats text that an attacker sent, it is shorter when that text matches a part of a secret in
/// the page (BREACH). So no page contains the CSRF value itself, and each page masks it differently.
#[tokio::test]
async fn s87_no_page_contains_the_csrf_value_as_it_is() {
    let site = TestSite::start(Options { refresh: RefreshMode::Redirect, ..Options::default() }).await;
    let mut ada = site.person("ada").await;
    let raw = cookie(&ada, "csrf_access_token");
    let parts: Vec<&str> = (0..raw.len() - 5).map(|at| &raw[at..at + 6]).collect();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        for path in ["/", "/service", "/account", "/account/sessions", "/reauthenticate", "/logout", "/nowhere"] {
            let page = ada.get(path).accept_html().send().await;
            for part in &parts {
                assert!(!page.text().contains(part), "{path}: {part}");
            }
            let token = page.hidden_field("csrf_token").unwrap();
            assert!(seen.insert(token.clone()), "{path}: {token}");
        }
    }
    // The site accepts each masked value and the raw value.
    for token in seen.into_iter().take(5).chain([raw]) {
        let form = [("csrf_token", token.as_str()), ("display_name", "Ada"), ("email", "")];
        let saved = ada.post("/account/change_settings").accept_html().form(&form).send().await;
        assert_eq!(saved.location(), Some("/account?done=settings"), "{token}");
    }
    // The page that continues a refresh has the value of the refresh token, and is masked as well.
    let raw = cookie(&ada, "csrf_refresh_token");
    let page =
        ada.get("/token/refresh?next=/service").accept_html().header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(page.status(), 403);
    assert!(!page.text().contains(&raw));
    let continued = submit(&mut ada, &page, "/token/refresh", &[]).await;
    assert_eq!(continued.location(), Some("/service"));
}
