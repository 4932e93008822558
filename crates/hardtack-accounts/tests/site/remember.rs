//! "Stay logged in": cookies that end with the browser, or that last as long as the session.

use hardtack::{CookiePolicy, RefreshMode};
use hardtack_test_support::client::{Client, Response};
use serde_json::{Value, json};

use crate::support::*;

const TOKENS: [&str; 4] = [ACCESS, REFRESH, "csrf_access_token", "csrf_refresh_token"];
const NEW: &str = "another long phrase it is";

/// The `Max-Age` of each cookie of a response; `None` for session cookies.
fn ages(response: &Response) -> [Option<String>; 4] {
    TOKENS.map(|name| {
        let cookie = response.set_cookie(name).unwrap_or_else(|| panic!("no {name}: {}", response.text()));
        let age = cookie.raw.split("; ").find_map(|part| part.strip_prefix("Max-Age="));
        age.map(str::to_owned)
    })
}

fn all(age: Option<u64>) -> [Option<String>; 4] {
    TOKENS.map(|_| age.map(|age| age.to_string()))
}

/// The remaining life of the session, in seconds.
async fn left(site: &TestSite, client: &mut Client) -> u64 {
    let list = client.get("/account/sessions").accept_json().send().await.json();
    let current = list["sessions"].as_array().unwrap().iter().find(|row| row["current"] == true).unwrap().clone();
    u64::try_from(current["expires_at"].as_i64().unwrap() - site.now().unix_seconds()).unwrap()
}

/// Checks every response that sets tokens in the life of a session, started by JSON or by the form.
async fn life(site: &TestSite, path: &str, page: bool, remember: Option<bool>, expected: bool) {
    let what = format!("{path}, page {page}, {remember:?}");
    let mut client = site.client();
    let begun = if page {
        let form = open(&mut client, path).await;
        let mut fields = filled(&form, path, &[("username", "ada"), ("password", PASSWORD)]);
        assert!(!fields.iter().any(|(name, _)| name == "remember"), "{what}: ticked by default");
        if remember == Some(true) {
            fields.push(("remember".to_owned(), "true".to_owned()));
        }
        client.post(path).accept_html().form(&fields).send().await
    } else {
        let mut body = json!({ "username": "ada", "password": PASSWORD });
        if let Some(remember) = remember {
            body["remember"] = Value::from(remember);
        }
        client.post(path).accept_json().json(&body).send().await
    };
    let expect = |left: u64| all(expected.then_some(left));
    assert_eq!(ages(&begun), expect(left(site, &mut client).await), "{what}: begun");
    site.expire_access();
    let refreshed = client.get("/service").accept_json().send().await;
    assert_eq!(ages(&refreshed), expect(left(site, &mut client).await), "{what}: refreshed");
    let proof = json!({ "password": PASSWORD });
    let proven = client.post("/reauthenticate").accept_json().csrf().json(&proof).send().await;
    assert_eq!(ages(&proven), expect(left(site, &mut client).await), "{what}: proven");
    for (current, new) in [(PASSWORD, NEW), (NEW, PASSWORD)] {
        let body = json!({ "current_password": current, "new_password": new });
        let renewed = client.post("/account/password").accept_json().csrf().json(&body).send().await;
        assert_eq!(ages(&renewed), expect(left(site, &mut client).await), "{what}: renewed");
    }
    client.post("/logout").accept_json().csrf().send().await;
}

#[tokio::test]
async fn the_choice_at_log_in_holds_for_the_session() {
    for on_postgres in BOTH_DATABASES {
        let site = TestSite::start(Options { on_postgres, ..Options::default() }).await;
        life(&site, "/signup", false, None, false).await;
        for page in [true, false] {
            for remember in [None, Some(true), Some(false)] {
                life(&site, "/login", page, remember, remember == Some(true)).await;
            }
        }
    }
}

#[tokio::test]
async fn a_sign_up_has_the_choice_too() {
    for (page, remember) in [(true, None), (true, Some(true)), (false, Some(true)), (false, Some(false))] {
        let site = TestSite::start(Options::default()).await;
        life(&site, "/signup", page, remember, remember == Some(true)).await;
    }
}

#[tokio::test]
async fn persistent_cookies_end_with_the_session() {
    let site = TestSite::start(Options { session_lifetime: minutes(25 * 60), ..Options::default() }).await;
    let mut client = site.client();
    let body = json!({ "username": "ada", "password": PASSWORD, "remember": true });
    assert_eq!(ages(&client.post("/signup").accept_json().json(&body).send().await), all(Some(25 * 3600)));
    site.clock.advance(minutes(20 * 60));
    let refreshed = client.get("/service").accept_json().send().await;
    assert_eq!(ages(&refreshed), all(Some(5 * 3600)));
}

/// If persistent cookies are the default, the box is ticked, and unticking it has effect.
#[tokio::test]
async fn the_configured_default_can_be_changed() {
    let configure =
        |builder: hardtack::AuthenticatorBuilder| builder.cookies(CookiePolicy::default().session_cookies(false));
    let site = TestSite::start(Options { configure, refresh: RefreshMode::Redirect, ..Options::default() }).await;
    site.person("ada").await;
    for ticked in [true, false] {
        let mut client = site.client();
        let form = open(&mut client, "/login").await;
        let mut fields = filled(&form, "/login", &[("username", "ada"), ("password", PASSWORD)]);
        let before = fields.len();
        fields.retain(|(name, _)| ticked || name != "remember");
        assert_eq!(before - fields.len(), usize::from(!ticked));
        let begun = client.post("/login").accept_html().form(&fields).send().await;
        assert_eq!(ages(&begun), all(ticked.then_some(24 * 3600)));
    }
    let body = json!({ "username": "ada", "password": PASSWORD });
    let begun = site.client().post("/login").accept_json().json(&body).send().await;
    assert_eq!(ages(&begun), all(Some(24 * 3600)));
}

#[tokio::test]
async fn a_value_that_is_neither_true_nor_false_is_refused() {
    let site = TestSite::start(Options::default()).await;
    site.person("ada").await;
    for odd in [json!("perhaps"), json!(1), json!(null), json!([true])] {
        let body = json!({ "username": "ada", "password": PASSWORD, "remember": odd });
        let response = site.client().post("/login").accept_json().json(&body).send().await;
        assert_eq!(response.status(), 422, "{odd}: {}", response.text());
        assert!(response.set_cookies().is_empty());
    }
}

on_every_store! {{
    a10_stay_logged_in_lasts_thirty_days_of_no_use,
}}

async fn a10_stay_logged_in_lasts_thirty_days_of_no_use(store: Store) {
    let site = TestSite::start(store.options()).await;
    site.person("ada").await;
    let day = minutes(24 * 60);
    for remember in [true, false] {
        let mut client = site.client();
        let body = json!({ "username": "ada", "password": PASSWORD, "remember": remember });
        let begun = client.post("/login").accept_json().json(&body).send().await;
        assert_eq!(ages(&begun), all(remember.then_some(30 * 24 * 3600)));
        // The session is used after 14 days, and again after 15 more, shortly before it would end.
        for days in [14, 15] {
            site.clock.advance(day * days);
            assert_eq!(whoami(&mut client).await.is_ok(), remember, "{days} days");
        }
        if remember {
            let proof = json!({ "password": PASSWORD });
            let proven = client.post("/reauthenticate").accept_json().csrf().json(&proof).send().await;
            assert_eq!(proven.status(), 200, "{}", proven.text());
        }
        site.clock.advance(day);
        assert_eq!(whoami(&mut client).await, Err(401), "a session of thirty days goes on");
    }
}
