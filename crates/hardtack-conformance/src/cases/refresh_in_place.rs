//! Tests the refresh mode `Transparent`: the handler runs, and its response sets the new cookies.

use serde_json::{Value, json};

use crate::client::{Client, Request};
use crate::harness::{
    ACCESS, COOKIE_STATES, Case, CookieState, Outcome, REFRESH, Site, Tokens, cookie_value, csrf_token, deletions,
};

type Make = fn(&mut Client) -> Request<'_>;

fn form<'a>(client: &'a mut Client, path: &str) -> Request<'a> {
    let csrf = csrf_token(client);
    client.post(path).form(&[("title", "a"), ("csrf_token", &csrf)])
}

/// The cases. Each row contains a name, a request, the expected response if the token is refreshed, and the expected
/// response without token cookies.
const REQUESTS: &[(&str, Make, &str, &str)] = &[
    ("GET", |c| c.get("/protected"), "200 +access +refresh", "401 missing_token"),
    ("a page", |c| c.get("/protected").accept_html(), "200 +access +refresh", "303 → /login?next=%2Fprotected"),
    ("htmx", |c| c.get("/protected").header("hx-request", "true"), "200 +access +refresh", "401 htmx → /login"),
    ("POST with the header", |c| c.post("/protected").csrf(), "200 +access +refresh", "401 missing_token"),
    ("POST of a form", |c| form(c, "/echo"), "200 +access +refresh", "401 missing_token"),
    ("PUT", |c| c.request(http::Method::PUT, "/protected").csrf(), "200 +access +refresh", "401 missing_token"),
    ("an optional token", |c| c.get("/anyone"), "200 +access +refresh", "200"),
    ("an optional user", |c| c.get("/user/optional"), "200 +access +refresh", "200"),
    ("a user", |c| c.get("/user"), "200 +access +refresh", "401 missing_token"),
    ("a nested route", |c| c.get("/nested/inner"), "200 +access +refresh", "401 missing_token"),
    ("a form to a nested route", |c| form(c, "/nested/inner"), "200 +access +refresh", "401 missing_token"),
    ("a route under Require", |c| c.get("/guarded/page"), "200 +access +refresh", "401 missing_token"),
    (
        "a route under Require with an extractor",
        |c| c.get("/guarded/token"),
        "200 +access +refresh",
        "401 missing_token",
    ),
    ("a form to a route under Require", |c| form(c, "/guarded/token"), "200 +access +refresh", "401 missing_token"),
    ("a redirect", |c| c.get("/redirects"), "303 → /anyone +access +refresh", "401 missing_token"),
    ("a response by another middleware", |c| c.get("/intercepted"), "409 +access +refresh", "409"),
    ("an upload", |c| form(c, "/upload"), "200 +access +refresh", "401 missing_token"),
    (
        "a fresh token for a program",
        |c| c.get("/fresh").accept_json(),
        "401 insufficient_user_authentication +access +refresh",
        "401 missing_token",
    ),
    (
        "a fresh token for a page",
        |c| c.get("/fresh").accept_html(),
        "303 → /reauthenticate?next=%2Ffresh +access +refresh",
        "303 → /login?next=%2Ffresh",
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, make, refreshed, anonymous) in REQUESTS {
        for state in ["expired", "absent", "outdated"] {
            cases.push(Case::new(format!("refresh in place: {name}, access token {state}"), move |site| async move {
                let mut alice = site.alice().await;
                if state == "outdated" {
                    site.expect_eq("reloaded sessions", site.authenticator.reload_claims("alice").await.ok(), Some(1));
                } else {
                    site.expire_access();
                }
                let mut request = alice.clone();
                if state == "absent" {
                    // Keep the CSRF cookie, because `make` reads it.
                    request.jar().remove(ACCESS);
                }
                let response = make(&mut request).send().await;
                site.expect("response", &response, refreshed);
                site.expect_eq("rotations", site.store.rotations(), 1);
                site.expect_eq("secure cookies", response.set_cookies().iter().filter(|c| c.secure).count(), 4);
                alice.take_cookies(&response);
                site.expect("the new cookies", &alice.get("/protected").send().await, "200");
                site.expect_eq("rotations", site.store.rotations(), 1);

                let mut lost = alice.clone();
                lost.jar().remove(ACCESS);
                lost.jar().remove(REFRESH);
                site.expect("without both cookies", &make(&mut lost).send().await, anonymous);
            }));
        }
    }
    cases.extend(invalid_access_tokens());
    cases.extend(refresh_tokens());
    cases.push(Case::new("refresh in place: a refreshed token is not fresh", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        let body = alice.get("/protected").send().await.json();
        site.expect_eq("handler", body, json!({ "sub": "alice", "fresh": false, "calls": 1 }));
        let body = alice.get("/anyone").send().await.json();
        site.expect_eq("afterwards", body, json!({ "sub": "alice" }));
    }));
    cases.push(Case::new("refresh in place: the handler receives the whole form", |site| async move {
        let mut alice = site.alice().await;
        let body = format!("a=1&csrf_token={}&b=%C3%A4+%26", csrf_token(&alice));
        site.expire_access();
        let request = alice.post("/echo").header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(body.clone()).send().await;
        site.expect("POST", &response, "200 +access +refresh");
        site.expect_eq("body", (response.text(), response.header("x-calls")), (body.as_str(), Some("1")));
    }));
    cases
}

/// The server refreshes the tokens only if the access token is absent, expired or outdated. If the access token is
/// invalid for another reason, the server does not refresh them, even though the refresh token is valid. Instead, it
/// deletes both cookies. It keeps the cookies if the only problem is that the access token is not valid yet.
fn invalid_access_tokens() -> Vec<Case> {
    let bad = COOKIE_STATES.iter().filter(|state| match state.outcome {
        Outcome::Refused(kind, _) => !matches!(kind, hardtack::FailureKind::Missing | hardtack::FailureKind::Expired),
        _ => false,
    });
    let case = |state: &'static CookieState| {
        Case::new(format!("refresh in place: {} is not refreshed", state.name), move |site| async move {
            let credentials = state.credentials(&site).await;
            let refresh = cookie_value(&site.alice().await, REFRESH);
            for path in ["/protected", "/anyone", "/guarded/page"] {
                let mut visitor = site.visitor();
                let request = credentials.cookies.iter().fold(visitor.get(path), Request::raw_cookie_header);
                let response = request.raw_cookie_header(format!("{REFRESH}={refresh}")).send().await;
                let Outcome::Refused(_, code) = state.outcome else { continue };
                let start = if path == "/anyone" { "200".to_owned() } else { format!("401 {code}") };
                site.expect(path, &response, format!("{start}{}", deletions(code)));
            }
            site.expect_eq("rotations", site.store.rotations(), 0);
        })
    };
    bad.map(case).collect()
}

/// Tests refresh tokens that the server refuses, and the one refresh token that can be used twice.
fn refresh_tokens() -> Vec<Case> {
    async fn with_cookie(site: &Site, value: &str) -> [String; 2] {
        let pair = format!("{REFRESH}={value}");
        let api = site.visitor().get("/protected").raw_cookie_header(&pair).send().await;
        let anyone = site.visitor().get("/anyone").raw_cookie_header(&pair).send().await;
        [site.summary(&api), site.summary(&anyone)]
    }
    /// Returns the expected summaries for two pages. The page that requires a token responds with `refused`. The page
    /// with an optional token treats the client as a visitor and deletes both cookies.
    fn both(refused: &str) -> [String; 2] {
        [refused.to_owned(), "200 -access -refresh".to_owned()]
    }
    vec![
        Case::new("refresh in place: both tokens expired", |site| async move {
            let alice = site.alice().await;
            site.expire_all();
            let api = alice.clone().get("/protected").accept_json().send().await;
            site.expect("program", &api, "401 expired -access -refresh");
            let page = alice.clone().get("/protected").accept_html().send().await;
            site.expect("browser", &page, "303 → /login?next=%2Fprotected&ended=1 -access -refresh");
            let anyone = alice.clone().get("/anyone").send().await;
            site.expect("optional", &anyone, "200 -access -refresh");
            site.expect_eq("sub", anyone.json()["sub"].clone(), Value::Null);
        }),
        Case::new("refresh in place: a forged refresh token", |site| async move {
            let tokens = Tokens::issue(&site).await;
            site.expect_eq(
                "signed with another key",
                with_cookie(&site, &tokens.foreign).await,
                both("401 bad_signature -access -refresh"),
            );
            site.expect_eq(
                "an access token",
                with_cookie(&site, &tokens.access).await,
                both("401 wrong_kind -access -refresh"),
            );
            site.expect_eq("garbage", with_cookie(&site, "garbage").await, both("401 not_compact -access -refresh"));
            site.expect_eq("empty", with_cookie(&site, "").await, ["401 missing_token".to_owned(), "200".to_owned()]);
        }),
        Case::new("refresh in place: a refresh token of an ended session", |site| async move {
            let refresh = cookie_value(&site.alice().await, REFRESH);
            site.authenticator.revoke_all_sessions("alice").await.unwrap();
            site.expect_eq("responses", with_cookie(&site, &refresh).await, both("401 revoked -access -refresh"));
        }),
        Case::new("refresh in place: the refresh cookie twice", |site| async move {
            let refresh = cookie_value(&site.alice().await, REFRESH);
            let twice = format!("{refresh}; {REFRESH}={refresh}");
            site.expect_eq(
                "responses",
                with_cookie(&site, &twice).await,
                both("401 duplicate_cookie -access -refresh"),
            );
        }),
        Case::new("refresh in place: reuse of an old refresh token ends the session", |site| async move {
            let mut alice = site.alice().await;
            let mut thief = alice.clone();
            site.expire_access();
            site.expect("refresh", &alice.get("/protected").send().await, "200 +access +refresh");
            site.expect("with the new cookies", &alice.get("/protected").send().await, "200");
            site.clock.advance(std::time::Duration::from_secs(31));
            let reused = thief.get("/protected").accept_json().send().await;
            site.expect("the thief", &reused, "401 refresh_reused -access -refresh");
            let ended = alice.get("/protected").accept_json().send().await;
            site.expect("the user", &ended, "401 revoked -access -refresh");
        }),
        Case::new("refresh in place: a refresh whose response was lost can be repeated", |site| async move {
            let alice = site.alice().await;
            site.expire_access();
            let lost = alice.clone().get("/protected").send().await;
            site.clock.advance(std::time::Duration::from_secs(120));
            let mut again = alice.clone();
            let response = again.get("/protected").send().await;
            site.expect("the same request again", &response, "200 +access +refresh");
            let refresh = |response: &crate::Response| response.set_cookie(REFRESH).map(|cookie| cookie.value);
            site.expect_eq("refresh token", refresh(&response), refresh(&lost));
            site.expect("afterwards", &again.get("/protected").send().await, "200");
        }),
    ]
}
