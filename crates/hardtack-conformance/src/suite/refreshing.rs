//! Transparent refreshing: the handler runs, and its answer carries the new cookies.

use serde_json::{Value, json};

use super::case::Case;
use super::site::{ACCESS, REFRESH, Site, csrf_of, value_of};
use super::states::{STATES, Tokens, Worth};
use crate::client::{Client, Request};

type Make = fn(&mut Client) -> Request<'_>;

fn form<'a>(client: &'a mut Client, path: &str) -> Request<'a> {
    let csrf = csrf_of(client);
    client.post(path).form(&[("title", "a"), ("csrf_token", &csrf)])
}

/// What a request meets that only a refresh can serve, and how it reads then. Nobody comes second.
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
    ("a guarded route", |c| c.get("/guarded/page"), "200 +access +refresh", "401 missing_token"),
    ("a guarded route with an extractor", |c| c.get("/guarded/token"), "200 +access +refresh", "401 missing_token"),
    ("a form to a guarded route", |c| form(c, "/guarded/token"), "200 +access +refresh", "401 missing_token"),
    ("a redirect", |c| c.get("/redirects"), "303 → /anyone +access +refresh", "401 missing_token"),
    ("another middleware's answer", |c| c.get("/intercepted"), "409 +access +refresh", "409"),
    ("an upload", |c| form(c, "/upload"), "200 +access +refresh", "401 missing_token"),
    (
        "a fresh token",
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
    for &(name, make, refreshed, nobody) in REQUESTS {
        for state in ["expired", "absent", "outdated"] {
            cases.push(Case::new(format!("transparent: {name}, access token {state}"), move |site| async move {
                let mut alice = site.alice().await;
                if state == "outdated" {
                    site.same("sessions", site.authenticator.reload_claims("alice").await.ok(), Some(1));
                } else {
                    site.expire_access();
                }
                let mut request = alice.clone();
                if state == "absent" {
                    // Behind a page's back: the CSRF cookie is read before.
                    request.jar().remove(ACCESS);
                }
                let answer = make(&mut request).send().await;
                site.expect("answer", &answer, refreshed);
                site.same("refreshed once", site.store.rotations(), 1);
                site.same("four cookies", answer.set_cookies().iter().filter(|c| c.secure).count(), 4);
                alice.take_cookies(&answer);
                site.expect("the new cookies", &alice.get("/protected").send().await, "200");
                site.same("refreshed once", site.store.rotations(), 1);

                let mut lost = alice.clone();
                lost.jar().remove(ACCESS);
                lost.jar().remove(REFRESH);
                site.expect("without both", &make(&mut lost).send().await, nobody);
            }));
        }
    }
    cases.extend(bad_tokens());
    cases.extend(bad_refresh_tokens());
    cases.push(Case::new("transparent: a refreshed token is not fresh", |site| async move {
        let mut alice = site.alice().await;
        site.expire_access();
        let body = alice.get("/protected").send().await.json();
        site.same("handler", body, json!({ "sub": "alice", "fresh": false, "calls": 1 }));
        let body = alice.get("/anyone").send().await.json();
        site.same("afterwards", body, json!({ "sub": "alice" }));
    }));
    cases.push(Case::new("transparent: the form arrives whole", |site| async move {
        let mut alice = site.alice().await;
        let body = format!("a=1&csrf_token={}&b=%C3%A4+%26", csrf_of(&alice));
        site.expire_access();
        let request = alice.post("/echo").header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body.clone()).send().await;
        site.expect("POST", &answer, "200 +access +refresh");
        site.same("body", (answer.text(), answer.header("x-calls")), (body.as_str(), Some("1")));
    }));
    cases
}

/// Only a token that is expired or absent is refreshed; behind any other flaw the good refresh token goes too.
fn bad_tokens() -> Vec<Case> {
    let bad = STATES.iter().filter(|state| match state.worth {
        Worth::Refused(kind, _) => !matches!(kind, hardtack::FailureKind::Missing | hardtack::FailureKind::Expired),
        _ => false,
    });
    let case = |state: &'static super::states::State| {
        Case::new(format!("transparent: {} is not refreshed", state.name), move |site| async move {
            let held = state.held(&site).await;
            let refresh = value_of(&site.alice().await, REFRESH);
            for path in ["/protected", "/anyone", "/guarded/page"] {
                let mut visitor = site.visitor();
                let request = held.cookies.iter().fold(visitor.get(path), Request::raw_cookie_header);
                let answer = request.raw_cookie_header(format!("{REFRESH}={refresh}")).send().await;
                let Worth::Refused(_, code) = state.worth else { continue };
                site.expect(path, &answer, format!("401 {code} -access -refresh"));
            }
            site.same("nothing was refreshed", site.store.rotations(), 0);
        })
    };
    bad.map(case).collect()
}

/// The refresh token's own flaws.
fn bad_refresh_tokens() -> Vec<Case> {
    async fn with_cookie(site: &Site, value: &str) -> [String; 2] {
        let pair = format!("{REFRESH}={value}");
        let api = site.visitor().get("/protected").raw_cookie_header(&pair).send().await;
        let anyone = site.visitor().get("/anyone").raw_cookie_header(&pair).send().await;
        [site.told(&api), site.told(&anyone)]
    }
    fn both(told: &str) -> [String; 2] {
        [told.to_owned(), told.to_owned()]
    }
    vec![
        Case::new("transparent: both tokens expired", |site| async move {
            let alice = site.alice().await;
            site.expire_all();
            let api = alice.clone().get("/protected").accept_json().send().await;
            site.expect("program", &api, "401 expired -access -refresh");
            let page = alice.clone().get("/protected").accept_html().send().await;
            site.expect("browser", &page, "303 → /login?next=%2Fprotected&ended=1 -access -refresh");
            let anyone = alice.clone().get("/anyone").send().await;
            site.expect("anyone", &anyone, "200 -access -refresh");
            site.same("who", anyone.json()["sub"].clone(), Value::Null);
        }),
        Case::new("transparent: a forged refresh token", |site| async move {
            let tokens = Tokens::of(&site).await;
            site.same(
                "tampered",
                with_cookie(&site, &tokens.foreign).await,
                both("401 bad_signature -access -refresh"),
            );
            site.same(
                "an access token",
                with_cookie(&site, &tokens.access).await,
                both("401 wrong_kind -access -refresh"),
            );
            site.same("garbage", with_cookie(&site, "garbage").await, both("401 not_compact -access -refresh"));
            site.same("empty", with_cookie(&site, "").await, ["401 missing_token".to_owned(), "200".to_owned()]);
        }),
        Case::new("transparent: a refresh token of an ended session", |site| async move {
            let refresh = value_of(&site.alice().await, REFRESH);
            site.authenticator.revoke_all_sessions("alice").await.unwrap();
            site.same("told", with_cookie(&site, &refresh).await, both("401 revoked -access -refresh"));
        }),
        Case::new("transparent: a refresh token twice", |site| async move {
            let refresh = value_of(&site.alice().await, REFRESH);
            let twice = format!("{refresh}; {REFRESH}={refresh}");
            site.same("told", with_cookie(&site, &twice).await, both("401 duplicate_cookie -access -refresh"));
        }),
        Case::new("transparent: a used refresh token that comes back ends the session", |site| async move {
            let mut alice = site.alice().await;
            let mut thief = alice.clone();
            site.expire_access();
            site.expect("refresh", &alice.get("/protected").send().await, "200 +access +refresh");
            site.expect("its cookies are seen", &alice.get("/protected").send().await, "200");
            site.clock.advance(std::time::Duration::from_secs(31));
            let reused = thief.get("/protected").accept_json().send().await;
            site.expect("the thief", &reused, "401 refresh_reused -access -refresh");
            let ended = alice.get("/protected").accept_json().send().await;
            site.expect("the user", &ended, "401 revoked -access -refresh");
        }),
        Case::new("transparent: a response that was lost is repeated", |site| async move {
            let alice = site.alice().await;
            site.expire_access();
            let lost = alice.clone().get("/protected").send().await;
            site.clock.advance(std::time::Duration::from_secs(120));
            let mut again = alice.clone();
            let answer = again.get("/protected").send().await;
            site.expect("the same request again", &answer, "200 +access +refresh");
            let refresh = |response: &crate::Response| response.set_cookie(REFRESH).map(|cookie| cookie.value);
            site.same("the same token", refresh(&answer), refresh(&lost));
            site.expect("afterwards", &again.get("/protected").send().await, "200");
        }),
    ]
}
