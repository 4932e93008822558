//! The ready-made handlers for the log-in flow, and their plain pages.

use std::time::Duration;

use hardtack::{AuthenticatorBuilder, RefreshMode, Urls};
use serde_json::json;

use crate::application::PASSWORD;
use crate::client::Client;
use crate::harness::{Case, Site, csrf_token};
use crate::response::Response;

const LOG_IN: &str = "/ready/login";
const REAUTHENTICATE: &str = "/ready/reauthenticate";
const LOG_OUT: &str = "/ready/logout";
const NO_MATCH: &str = "That user name and password do not match.";
const NO_MATCH_AGAIN: &str = "That user name and password do not match, or you are logged in as another user.";

pub(super) fn cases() -> Vec<Case> {
    let cases = vec![
        log_in_with_the_page(),
        refusal_is_shown_once(),
        forged_log_in(),
        api_clients(),
        attempts(),
        attempts_of_an_address(),
        attempts_of_a_known_device(),
        new_password(),
        attempts_to_reauthenticate(),
        reauthentication_sent_twice(),
        reauthentication_overtaken(),
        log_out(),
        refresh(),
    ];
    cases
        .into_iter()
        .map(|case| case.configured(|builder| builder.urls(urls())))
        .chain([refresh_by_redirect()])
        .collect()
}

/// Returns the URLs where the application serves the ready-made routes.
fn urls() -> Urls {
    let urls = Urls::default().login(LOG_IN).logout(LOG_OUT).reauthenticate(REAUTHENTICATE);
    urls.refresh("/ready/token/refresh").home("/anyone")
}

/// Returns the value of the page's hidden CSRF field.
fn csrf_field(page: &Response) -> String {
    let field = page.text().split_once("name=\"csrf_token\" value=\"");
    field.and_then(|(_, rest)| rest.split_once('"')).map(|(value, _)| value.to_owned()).unwrap_or_default()
}

/// Loads the page with the form, and posts the form with this user name and password.
async fn type_in(site: &Site, client: &mut Client, url: &str, username: &str, password: &str) -> Response {
    let page = client.get(url).accept_html().send().await;
    site.expect("the page", &page, "200");
    let csrf = csrf_field(&page);
    let form = [("csrf_token", csrf.as_str()), ("username", username), ("password", password)];
    client.post(url).accept_html().form(&form).send().await
}

fn log_in_with_the_page() -> Case {
    Case::new("ready routes: a log-in", |site| async move {
        let mut client = site.visitor();
        let refused = client.get("/protected?a=b").accept_html().send().await;
        let url = "/ready/login?next=%2Fprotected%3Fa%3Db";
        site.expect("without a token", &refused, format!("303 → {url}"));
        let response = type_in(&site, &mut client, url, "alice", PASSWORD).await;
        site.expect("log-in", &response, "303 → /protected?a=b +access +refresh");
        site.expect("afterwards", &client.get("/fresh").send().await, "200");
        let response = type_in(&site, &mut site.visitor(), LOG_IN, "alice", PASSWORD).await;
        site.expect("without next", &response, "303 → /anyone +access +refresh");
        let response = type_in(&site, &mut site.visitor(), "/ready/login?next=//evil.example", "alice", PASSWORD).await;
        site.expect("to another site", &response, "303 → /anyone +access +refresh");
    })
}

/// After a refused log-in, the page with the form shows the error text and the typed name once. Other pages do not show
/// them.
fn refusal_is_shown_once() -> Case {
    Case::new("ready routes: a wrong password", |site| async move {
        let url = "/ready/login?next=%2Fprotected";
        let mut client = site.visitor();
        let name = "\"><b>Zoë";
        let response = type_in(&site, &mut client, url, name, "guess").await;
        site.expect("wrong password", &response, format!("303 → {url}"));
        site.expect_eq("Cache-Control", response.header("cache-control"), Some("private, no-store"));
        let cookie = response.set_cookies().into_iter().find(|cookie| cookie.name.ends_with("log_in_notice"));
        let cookie = cookie.map(|cookie| (cookie.name, cookie.http_only, cookie.secure));
        site.expect_eq("cookie", cookie, Some(("__Host-Http-log_in_notice".to_owned(), true, true)));
        let planted = client.clone();
        let page = client.get(url).accept_html().send().await;
        site.expect_eq("text", page.text().contains(NO_MATCH), true);
        site.expect_eq("name", page.text().contains("value=\"&quot;&gt;&lt;b&gt;Zoë\""), true);
        let page = client.get(url).accept_html().send().await;
        site.expect_eq("shown once", page.text().contains(NO_MATCH) || page.text().contains("Zoë"), false);
        // After a minute, the page no longer shows the error text, even if the browser has kept the cookie.
        site.clock.advance(Duration::from_secs(61));
        let page = planted.clone().get(url).accept_html().send().await;
        site.expect_eq("too late", page.text().contains(NO_MATCH), false);
        let response = type_in(&site, &mut client, url, "alice", PASSWORD).await;
        site.expect("log-in", &response, "303 → /protected +access +refresh");
    })
}

/// A forged request is refused before its password is checked, even if the password is right.
fn forged_log_in() -> Case {
    Case::new("ready routes: a forged log-in", |site| async move {
        let typed = [("username", "alice"), ("password", PASSWORD)];
        let mut client = site.visitor();
        client.get(LOG_IN).accept_html().send().await;
        site.expect("without CSRF value", &client.post(LOG_IN).form(&typed).send().await, "403 csrf_missing");
        // Send a body that is not a log-in form.
        site.expect("another form", &client.post(LOG_IN).form(&[("a", "b")]).send().await, "403 csrf_missing");
        let forged = client.post(LOG_IN).header("sec-fetch-site", "cross-site").form(&typed).send().await;
        site.expect("from another site", &forged, "403 csrf_cross_site");
        site.expect("PUT", &client.request(http::Method::PUT, LOG_IN).send().await, "405");
        let mut alice = site.alice().await;
        let forged = alice.post(REAUTHENTICATE).form(&typed).send().await;
        site.expect("re-authentication", &forged, "403 csrf_missing");
        let forged =
            site.visitor().post(REAUTHENTICATE).json(&json!({ "username": "a", "password": "b" })).send().await;
        site.expect("re-authentication of a visitor", &forged, "401 missing_token");
    })
}

fn api_clients() -> Case {
    Case::new("ready routes: API clients", |site| async move {
        let mut client = site.visitor();
        let mut post = async |body: serde_json::Value| client.post(LOG_IN).json(&body).send().await;
        let refused = post(json!({ "username": "alice", "password": "guess" })).await;
        site.expect("wrong password", &refused, "401 log_in_refused");
        site.expect_eq("detail", refused.json()["detail"].as_str(), Some(NO_MATCH));
        site.expect_eq("cookies", refused.set_cookies().len(), 0);
        // An attempt does not count if its password could not be checked.
        for _ in 0..12 {
            let refused = post(json!({ "username": "broken", "password": "guess" })).await;
            site.expect("the check failed", &refused, "503 store_unavailable");
        }
        let refused = post(json!({ "username": "alice" })).await;
        site.expect("no password", &refused, "422 invalid_form");
        site.expect_eq("detail", refused.json()["detail"].as_str(), Some("The field \"password\" is missing."));
        let refused = post(json!({ "username": "alice", "password": 12345 })).await;
        site.expect("a number", &refused, "422 invalid_form");
        site.expect_eq("the number", refused.text().contains("12345"), false);
        let wrong_type = Some("The member \"password\" has the wrong type.");
        site.expect_eq("its detail", refused.json()["detail"].as_str(), wrong_type);
        let deep = format!("[{}1{}]", "[".repeat(200), "]".repeat(200));
        for (body, detail) in [
            ("{}", "The field \"username\" is missing."),
            ("[]", "The body must be a form or a JSON object with the fields of the log-in form."),
            ("{\"username\": \"alice\",}", "The body is not valid JSON. The error is at line 1, column 22."),
            ("", "The body is not valid JSON. The error is at line 1, column 0."),
            (
                "{\"username\": \"alice\", \"password\": 1e999}",
                "The member \"password\" contains a number that is out of range.",
            ),
            ("{\"username\": \"a\", \"username\": \"b\"}", "The field \"username\" was sent more than once."),
            (deep.as_str(), "The body must be a form or a JSON object with the fields of the log-in form."),
        ] {
            let mut other = site.visitor();
            let request = other.post(LOG_IN).accept_json().header("content-type", "application/json");
            let refused = request.body(body.as_bytes().to_vec()).send().await;
            site.expect(body, &refused, "422 invalid_form");
            site.expect_eq(body, refused.json()["detail"].as_str(), Some(detail));
        }
        let response = post(json!({ "username": "alice", "password": PASSWORD })).await;
        site.expect("log-in", &response, "200 +access +refresh");
        site.expect_eq("body", response.json(), json!({ "logged_in": true }));
    })
}

fn attempts() -> Case {
    Case::new("ready routes: too many attempts", |site| async move {
        let attempt = async |username: &str, password: &str| {
            let body = json!({ "username": username, "password": password });
            site.summary(&site.visitor().post(LOG_IN).json(&body).send().await)
        };
        for _ in 0..10 {
            site.expect_eq("a guess", attempt("alice", "guess").await, "401 log_in_refused".to_owned());
        }
        for name in ["alice", "ALICE"] {
            site.expect_eq(name, attempt(name, PASSWORD).await, "429 too_many_attempts".to_owned());
        }
        site.expect_eq("another user", attempt("bob", PASSWORD).await, "200 +access +refresh".to_owned());
        site.clock.advance(Duration::from_secs(30));
        // A successful log-in does not use up an attempt.
        for _ in 0..3 {
            site.expect_eq("after 30 s", attempt("alice", PASSWORD).await, "200 +access +refresh".to_owned());
        }
        site.expect_eq("a guess", attempt("alice", "guess").await, "401 log_in_refused".to_owned());
        site.expect_eq("the next", attempt("alice", PASSWORD).await, "429 too_many_attempts".to_owned());
    })
}

/// An attacker tries one password against many users.
fn attempts_of_an_address() -> Case {
    Case::new("ready routes: too many attempts from one address", |site| async move {
        let mut client = site.visitor();
        let mut attempt = async |user: usize| {
            let body = json!({ "username": format!("user{user}"), "password": "guess" });
            site.summary(&client.post(LOG_IN).json(&body).send().await)
        };
        for user in 0..100 {
            site.expect_eq("a guess", attempt(user).await, "401 log_in_refused".to_owned());
        }
        site.expect_eq("the next", attempt(100).await, "429 too_many_attempts".to_owned());
        site.clock.advance(Duration::from_secs(1));
        site.expect_eq("a second later", attempt(100).await, "401 log_in_refused".to_owned());
        site.expect_eq("the next", attempt(101).await, "429 too_many_attempts".to_owned());
    })
}

/// A stranger uses up the log-in attempts for Alice's account. Alice can still log in, because she has logged in from
/// her browser before.
fn attempts_of_a_known_device() -> Case {
    const LOGGED_IN: &str = "200 +access +refresh";
    const REFUSED: &str = "401 log_in_refused";
    const TOO_MANY: &str = "429 too_many_attempts";
    Case::new("ready routes: a stranger cannot lock out a known device", |site| async move {
        let attempt = async |client: &mut Client, username: &str, password: &str, expected: &str| {
            let body = json!({ "username": username, "password": password });
            site.expect(username, &client.post(LOG_IN).json(&body).send().await, expected);
        };
        let (mut stranger, mut browser) = (site.visitor(), site.visitor());
        attempt(&mut browser, "bob", PASSWORD, LOGGED_IN).await;
        attempt(&mut browser, "alice", PASSWORD, LOGGED_IN).await;
        let device = browser.cookie("__Host-Http-log_in_device").map(|cookie| (cookie.http_only, cookie.secure));
        site.expect_eq("the cookie", device, Some((true, true)));
        for user in ["alice", "carol"] {
            for _ in 0..10 {
                attempt(&mut stranger, user, "guess", REFUSED).await;
            }
            attempt(&mut stranger, user, PASSWORD, TOO_MANY).await;
        }
        for user in ["alice", "Alice", "bob", "alice"] {
            attempt(&mut browser, user, PASSWORD, LOGGED_IN).await;
        }
        // No user has logged in as carol in this browser.
        attempt(&mut browser, "carol", PASSWORD, TOO_MANY).await;
        // The browser's attempts are limited as well, separately for each user.
        for _ in 0..10 {
            attempt(&mut browser, "alice", "guess", REFUSED).await;
        }
        attempt(&mut browser, "alice", PASSWORD, TOO_MANY).await;
        attempt(&mut browser, "bob", PASSWORD, LOGGED_IN).await;
    })
}

fn new_password() -> Case {
    Case::new("ready routes: the password is asked for again", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        let refused = alice.get("/fresh").accept_html().send().await;
        let url = "/ready/reauthenticate?next=%2Ffresh";
        site.expect("not fresh", &refused, format!("303 → {url} +access +refresh"));
        let response = type_in(&site, &mut alice, url, "alice", "guess").await;
        site.expect("wrong password", &response, format!("303 → {url}"));
        let page = alice.get(url).accept_html().send().await;
        site.expect_eq("text", page.text().contains(NO_MATCH_AGAIN), true);
        // The error text does not reveal that this is another user's password.
        let response = type_in(&site, &mut alice, url, "bob", PASSWORD).await;
        site.expect("another user", &response, format!("303 → {url}"));
        let page = alice.get(url).accept_html().send().await;
        site.expect_eq("text", page.text().contains(NO_MATCH_AGAIN), true);
        site.expect("still alice", &alice.get("/fresh").send().await, "401 insufficient_user_authentication");
        let response = type_in(&site, &mut alice, url, "alice", PASSWORD).await;
        site.expect("right password", &response, "303 → /fresh +access +refresh");
        site.expect("fresh", &alice.get("/fresh").send().await, "200");
        let page = site.visitor().get(REAUTHENTICATE).accept_html().send().await;
        site.expect("a visitor", &page, "303 → /ready/login");
    })
}

/// Strangers use up an account's log-in attempts. The account's user, who is still logged in, then enters the password
/// again in a browser that has no cookie from `remember_device`.
fn attempts_to_reauthenticate() -> Case {
    Case::new("ready routes: attempts to enter the password again", |site| async move {
        let log_in = async |username: &str, password: &str| {
            let body = json!({ "username": username, "password": password });
            site.visitor().post(LOG_IN).accept_json().json(&body).send().await
        };
        let again = async |client: &mut Client, username: &str, password: &str| {
            let body = json!({ "username": username, "password": password });
            client.post(REAUTHENTICATE).accept_json().csrf().json(&body).send().await
        };
        let mut alice = site.alice().await;
        for _ in 0..10 {
            site.expect("a guess", &log_in("alice", "guess").await, "401 log_in_refused");
        }
        site.expect("one guess more", &log_in("alice", PASSWORD).await, "429 too_many_attempts");
        site.expect("the user", &again(&mut alice, "alice", PASSWORD).await, "200 +access +refresh");
        // A logged-in user guesses passwords. All guesses count against the session, no matter which user name is
        // typed.
        for number in 0..10 {
            let username = if number % 2 == 0 { "alice" } else { "bob" };
            let guess = again(&mut alice, username, "guess").await;
            site.expect("a guess of the session", &guess, "401 log_in_refused");
        }
        let refused = again(&mut alice, "bob", PASSWORD).await;
        site.expect("one more guess in the session", &refused, "429 too_many_attempts");
        site.expect("bob", &log_in("bob", PASSWORD).await, "200 +access +refresh");
    })
}

/// A user double-clicks the button, and the browser shows the second response. The browser has received the cookies
/// from both responses, or only those from the second response.
fn reauthentication_sent_twice() -> Case {
    Case::new("ready routes: a re-authentication that is sent twice", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        let url = "/ready/reauthenticate?next=%2Ffresh";
        let not_fresh = alice.get("/fresh").accept_html().send().await;
        site.expect("not fresh", &not_fresh, format!("303 → {url} +access +refresh"));
        let csrf = csrf_field(&alice.get(url).accept_html().send().await);
        let send = async |client: &mut Client, password: &str| {
            let form = [("csrf_token", csrf.as_str()), ("username", "alice"), ("password", password)];
            client.post(url).accept_html().form(&form).send().await
        };
        let before = alice.clone();
        let done = "303 → /fresh +access +refresh";
        let first = send(&mut alice, PASSWORD).await;
        site.expect("first", &first, done);
        let mut only_second = before.clone();
        let second = send(&mut only_second, PASSWORD).await;
        site.expect("second", &second, done);
        let refresh =
            |response: &Response| response.set_cookies().into_iter().find(|c| c.name.contains("refresh_token"));
        site.expect_eq("cookie", refresh(&second).map(|c| c.value), refresh(&first).map(|c| c.value));
        let mut both = alice.clone();
        both.take_cookies(&second);
        for (name, browser) in [("first", &mut alice), ("both", &mut both), ("second", &mut only_second)] {
            site.expect(name, &browser.get("/fresh").accept_html().send().await, "200");
        }
        // A wrong password in the second form changes nothing and deletes no cookies.
        site.expect("wrong password", &send(&mut before.clone(), "guess").await, format!("303 → {url}"));
        let forged = before.clone().post(url).accept_html().form(&[("password", PASSWORD)]).send().await;
        site.expect("without CSRF value", &forged, "403");
        // Other routes refuse the replaced token, but their responses delete no cookies, and do not say that the
        // session has ended.
        let other = before.clone().get("/protected").accept_html().send().await;
        site.expect("another page", &other, "303 → /ready/login?next=%2Fprotected");
        site.expire_access();
        site.expect("the session continues", &alice.get("/protected").send().await, "200 +access +refresh");
    })
}

/// The browser refreshes and then sends the form with the password. The response to the refresh arrives last, and
/// overwrites the new tokens.
fn reauthentication_overtaken() -> Case {
    Case::new("ready routes: a refresh that arrives after a re-authentication logs nobody out", |site| async move {
        let mut alice = site.alice().await;
        let mut elsewhere = alice.clone();
        let refreshed = alice.clone().post("/ready/token/refresh").csrf().send().await;
        site.expect("refresh", &refreshed, "200 +access +refresh");
        elsewhere.take_cookies(&refreshed);
        let body = json!({ "username": "alice", "password": PASSWORD });
        let typed = alice.post(REAUTHENTICATE).accept_json().csrf().json(&body).send().await;
        site.expect("password", &typed, "200 +access +refresh");
        alice.take_cookies(&refreshed);
        // A copy of the tokens is refused if the client that holds it did not receive the response to the
        // re-authentication.
        let copy = elsewhere.get("/protected").accept_json().send().await;
        site.expect("a copy", &copy, "401 revoked");
        site.expect("the next request", &alice.get("/protected").send().await, "200 +access +refresh");
        site.expect("afterwards", &alice.get("/protected").send().await, "200");
        site.expect_eq("rotations", site.store.rotations(), 2);
    })
}

fn log_out() -> Case {
    Case::new("ready routes: a log-out", |site| async move {
        let mut alice = site.alice().await;
        let mut forged = alice.clone();
        site.expect("without CSRF value", &forged.post(LOG_OUT).send().await, "403 csrf_missing");
        let page = alice.get(LOG_OUT).accept_html().send().await;
        site.expect("the page", &page, "200");
        let form = [("csrf_token", csrf_field(&page))];
        let response = alice.post(LOG_OUT).accept_html().form(&form).send().await;
        site.expect("log-out", &response, "303 → /ready/login -access -refresh");
        site.expect("the session has ended", &forged.get("/protected").send().await, "401 revoked -access -refresh");
        site.expect("a visitor", &alice.get(LOG_OUT).accept_html().send().await, "303 → /ready/login");
        let mut bob = site.logged_in("bob").await;
        let csrf = csrf_token(&bob);
        let response = bob.post(LOG_OUT).header("x-csrf-token", csrf).send().await;
        site.expect("a program", &response, "200 -access -refresh");
        site.expect_eq("body", response.json(), json!({ "logged_out": true }));
    })
}

fn refresh() -> Case {
    Case::new("ready routes: a refresh", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        site.expect("GET", &alice.get("/ready/token/refresh").send().await, "405 method_not_allowed");
        let response = alice.post("/ready/token/refresh").csrf().send().await;
        site.expect("POST", &response, "200 +access +refresh");
    })
}

fn refresh_by_redirect() -> Case {
    let configure = |builder: AuthenticatorBuilder| builder.urls(urls()).refresh_mode(RefreshMode::Redirect);
    Case::new("ready routes: a refresh by redirect", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        let page = alice.get("/protected").accept_html().follow().await;
        site.expect_eq("there and back", (page.status().as_u16(), page.path()), (200, "/protected"));
    })
    .configured(configure)
}
