//! Refreshing by sliding, refreshing left to the application, tokens without sessions, and cookies sent to
//! some paths only.

use std::time::Duration;

use hardtack::{CookiePolicy, RefreshMode};
use serde_json::{Value, json};

use super::case::Case;
use super::site::{ACCESS, ACCESS_LIFE, REFRESH, Site};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = sliding();
    cases.extend(off());
    cases.extend(access_paths());
    cases
}

fn sliding() -> Vec<Case> {
    fn case<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Case::new(format!("sliding: {name}"), run).configured(|builder| builder.refresh_mode(RefreshMode::Sliding))
    }
    const HALF: Duration = Duration::from_secs(ACCESS_LIFE.as_secs() / 2 + 1);

    vec![
        case("a young token stays", |site| async move {
            let mut alice = site.alice().await;
            site.same("no refresh token", alice.cookie(REFRESH).is_some(), false);
            site.clock.advance(Duration::from_secs(60));
            site.expect("GET", &alice.get("/protected").send().await, "200");
        }),
        case("a token past half of its life is replaced", |site| async move {
            for (path, post) in [("/protected", false), ("/anyone", false), ("/guarded/page", false), ("/echo", true)] {
                let mut alice = site.alice().await;
                site.clock.advance(HALF);
                let answer = match post {
                    false => alice.get(path).send().await,
                    true => alice.post(path).csrf().body("x").send().await,
                };
                site.expect(path, &answer, "200 +access");
                site.clock.advance(HALF);
                site.expect("its successor lives on", &alice.get("/protected").send().await, "200 +access");
            }
        }),
        case("a fresh token's successor is not fresh", |site| async move {
            let mut alice = site.alice().await;
            site.clock.advance(HALF);
            site.expect("this once", &alice.get("/fresh").send().await, "200 +access");
            site.expect("no more", &alice.get("/fresh").send().await, "401 insufficient_user_authentication");
        }),
        case("an expired token is not replaced", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.get("/protected").accept_json().send().await;
            site.expect("GET", &answer, "401 expired -access -refresh");
            let anyone = site.alice().await.get("/anyone").send().await;
            site.expect("someone else", &anyone, "200");
        }),
        case("never after a log-out", |site| async move {
            let mut alice = site.alice().await;
            site.clock.advance(HALF);
            site.expect("log-out", &alice.post("/unsets").csrf().send().await, "200 -access -refresh");
            site.same("no cookie is left", alice.cookies().len(), 0);
        }),
        case("not for a refused request", |site| async move {
            let mut alice = site.alice().await;
            site.clock.advance(HALF);
            site.expect("POST", &alice.post("/protected").send().await, "403 csrf_missing");
            site.expect("elsewhere", &alice.get("/nowhere").send().await, "404");
        }),
    ]
}

fn off() -> Vec<Case> {
    fn case<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Case::new(format!("off: {name}"), run).configured(|builder| builder.refresh_mode(RefreshMode::Off))
    }
    vec![
        case("the application refreshes by itself", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.get("/protected").accept_json().send().await;
            site.expect("the cookies stay", &answer, "401 expired");
            site.same("where to", answer.json()["refresh_url"].as_str(), Some("/token/refresh"));
            let page = alice.get("/protected").accept_html().send().await;
            site.expect("page", &page, "303 → /login?next=%2Fprotected&ended=1");
            let refreshed = alice.post("/token/refresh").accept_json().csrf().send().await;
            site.expect("refresh", &refreshed, "200 +access +refresh");
            site.expect("afterwards", &alice.get("/protected").send().await, "200");
        }),
        case("anyone may stay, and keeps the refresh token", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.get("/anyone").send().await;
            site.expect("GET", &answer, "200");
            site.same("who", answer.json()["sub"].clone(), Value::Null);
        }),
        case("both tokens expired", |site| async move {
            let mut alice = site.alice().await;
            site.expire_all();
            let answer = alice.get("/protected").accept_json().send().await;
            site.expect("GET", &answer, "401 expired -access -refresh");
        }),
        case("an absent access token", |site| async move {
            let mut alice = site.alice().await;
            alice.jar().remove(ACCESS);
            site.expect("GET", &alice.get("/protected").send().await, "401 missing_token");
        }),
    ]
}

/// The access cookie is sent to some paths only, with one `Set-Cookie` for each.
fn access_paths() -> Vec<Case> {
    fn case<F>(name: &str, mode: RefreshMode, run: impl FnOnce(Site) -> F + 'static) -> Case
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let policy = CookiePolicy::default().access_paths(["/protected", "/nested"]);
        let case = Case::new(format!("access paths: {name}"), run);
        case.configured(move |builder| builder.cookies(policy).refresh_mode(mode))
    }
    const SCOPED: &str = "__Secure-access_token_cookie";

    vec![
        case("one cookie for each", RefreshMode::Redirect, |site| async move {
            let mut client = site.visitor();
            let answer = client.post("/login").json(&json!({ "sub": "alice" })).send().await;
            let paths = |deleted: bool, answer: &crate::Response| -> Vec<_> {
                let cookies = answer.set_cookies().into_iter();
                let these = cookies.filter(|cookie| cookie.name == SCOPED && cookie.is_deletion() == deleted);
                these.map(|cookie| cookie.path).collect()
            };
            site.same("set", paths(false, &answer), vec!["/protected".to_owned(), "/nested".to_owned()]);
            site.expect("GET", &client.get("/protected").send().await, "200");
            site.expect("GET", &client.get("/nested/inner").send().await, "200");
            site.same("anyone", client.get("/anyone").send().await.json(), json!({ "sub": null }));
            let answer = client.post("/logout").csrf().send().await;
            site.same("unset", paths(true, &answer), vec!["/protected".to_owned(), "/nested".to_owned()]);
            site.same("the jar is empty", client.cookies().len(), 0);
        }),
        case("there and back", RefreshMode::Redirect, |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let back = alice.get("/nested/inner?a=b").accept_html().follow().await;
            site.same("where", (back.status().as_u16(), back.path()), (200, "/nested/inner?a=b"));
            site.expect("the other path", &alice.get("/protected").send().await, "200");
        }),
        case("a route outside of them does not loop", RefreshMode::Redirect, |site| async move {
            let mut alice = site.alice().await;
            let answer = alice.get("/guarded/page").accept_html().send().await;
            site.expect("GET", &answer, "303 → /login?next=%2Fguarded%2Fpage");
        }),
        case("a transparent refresh sets them all", RefreshMode::Transparent, |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.get("/nested/inner").send().await;
            site.expect("GET", &answer, "200 +access +refresh");
            site.expect("the other path", &alice.get("/protected").send().await, "200");
            site.same("refreshed once", site.store.rotations(), 1);
        }),
    ]
}
