//! What a log-out ends and clears.

use hardtack_test_support::client::Response;
use serde_json::json;

use crate::support::{ACCESS, Options, PASSWORD, TestSite, cookie, minutes, open, submit, whoami};

#[tokio::test]
async fn s75_a_log_out_with_doubled_cookies_ends_what_they_name() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let mut bob = site.person("bob").await;
    let second = format!("{ACCESS}={}", cookie(&bob, ACCESS));
    let csrf = cookie(&ada, "csrf_access_token");
    let bare = ada.clone().post("/logout").accept_json().raw_cookie_header(&second).send().await;
    assert_eq!((bare.status().as_u16(), bare.json()["code"].as_str()), (403, Some("csrf_missing")));
    assert_eq!((whoami(&mut ada).await.as_deref(), whoami(&mut bob).await.as_deref()), (Ok("ada"), Ok("bob")));
    let copy = ada.clone();
    let request = ada.post("/logout").accept_json().raw_cookie_header(&second).header("x-csrf-token", csrf);
    let response = request.send().await;
    assert_eq!((response.status().as_u16(), &response.json()["logged_out"]), (200, &json!(true)));
    for mut browser in [copy, bob] {
        assert_eq!(whoami(&mut browser).await, Err(401));
    }
}

/// The clock of the server that issued the token is ahead. The token opens no page, but the user can log out with it.
#[tokio::test]
async fn a_token_that_is_not_valid_yet_can_be_logged_out() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let other = site.device_of("ada").await;
    site.clock.set_back(minutes(1));
    assert_eq!(whoami(&mut ada).await, Err(401));
    let page = open(&mut ada, "/logout").await;
    assert_eq!((page.status().as_u16(), page.path()), (200, "/logout"));
    assert!(page.set_cookies().is_empty(), "{:?}", page.set_cookies());
    let copy = ada.clone();
    let done = submit(&mut ada, &page, "/logout", &[]).await;
    assert_eq!((done.status().as_u16(), done.location()), (303, Some("/?done=logout")));
    site.clock.set_forward(minutes(1));
    assert_eq!(whoami(&mut copy.clone()).await, Err(401), "the session has ended");
    assert_eq!(whoami(&mut other.clone()).await.as_deref(), Ok("ada"));
}

#[tokio::test]
async fn e13_what_ends_a_session_clears_the_cache() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    let cleared = |response: &Response| response.header("clear-site-data").map(str::to_owned);
    let expected = Some("\"cache\"".to_owned());
    assert_eq!(cleared(&open(&mut ada, "/account").await), None);
    let others = ada.post("/account/sessions/revoke-others").accept_json().csrf().send().await;
    assert_eq!(cleared(&others), expected);
    let passwords = json!({ "current_password": PASSWORD, "new_password": "a walrus in the pantry" });
    let changed = ada.post("/account/password").accept_json().csrf().json(&passwords).send().await;
    assert_eq!((changed.status().as_u16(), cleared(&changed)), (200, expected.clone()));
    let mut copy = ada.clone();
    let page = open(&mut ada, "/service").await;
    let out = submit(&mut ada, &page, "/logout", &[]).await;
    assert_eq!((out.status().as_u16(), cleared(&out)), (303, expected.clone()));
    assert_eq!(cleared(&copy.get("/service").accept_html().send().await), expected);
    assert_eq!(cleared(&open(&mut ada, "/login").await), None);
}
