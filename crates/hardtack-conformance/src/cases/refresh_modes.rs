//! The refresh modes `Sliding` and `Off`, and access cookies that browsers send only to some paths.

use std::time::Duration;

use hardtack::{CookiePolicy, RefreshMode};
use serde_json::{Value, json};

use crate::harness::{ACCESS, ACCESS_LIFETIME, Case, REFRESH, Site};

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
    const HALF_LIFETIME: Duration = Duration::from_secs(ACCESS_LIFETIME.as_secs() / 2 + 1);

    vec![
        case("a token in the first half of its lifetime is kept", |site| async move {
            let mut alice = site.alice().await;
            site.expect_eq("has a refresh cookie", alice.cookie(REFRESH).is_some(), false);
            site.clock.advance(Duration::from_secs(60));
            site.expect("GET", &alice.get("/protected").send().await, "200");
        }),
        case("a token in the second half of its lifetime is replaced", |site| async move {
            for (path, post) in [("/protected", false), ("/anyone", false), ("/guarded/page", false), ("/echo", true)] {
                let mut alice = site.alice().await;
                site.clock.advance(HALF_LIFETIME);
                let response = match post {
                    false => alice.get(path).send().await,
                    true => alice.post(path).csrf().body("x").send().await,
                };
                site.expect(path, &response, "200 +access");
                site.clock.advance(HALF_LIFETIME);
                site.expect("with the new token", &alice.get("/protected").send().await, "200 +access");
            }
        }),
        case("the replacement of a fresh token is not fresh", |site| async move {
            let mut alice = site.alice().await;
            site.clock.advance(HALF_LIFETIME);
            site.expect("the fresh token", &alice.get("/fresh").send().await, "200 +access");
            site.expect("its replacement", &alice.get("/fresh").send().await, "401 insufficient_user_authentication");
        }),
        case("an expired token is not replaced", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.get("/protected").accept_json().send().await;
            site.expect("GET", &response, "401 expired -access -refresh");
            let anyone = site.alice().await.get("/anyone").send().await;
            site.expect("a new session", &anyone, "200");
        }),
        case("a log-out is not undone", |site| async move {
            let mut alice = site.alice().await;
            site.clock.advance(HALF_LIFETIME);
            site.expect("log-out", &alice.post("/unsets").csrf().send().await, "200 -access -refresh");
            site.expect_eq("cookies left", alice.cookies().len(), 0);
        }),
        case("a refused request gets no new token", |site| async move {
            let mut alice = site.alice().await;
            site.clock.advance(HALF_LIFETIME);
            site.expect("POST", &alice.post("/protected").send().await, "403 csrf_missing");
            site.expect("a path without a route", &alice.get("/nowhere").send().await, "404");
        }),
    ]
}

fn off() -> Vec<Case> {
    fn case<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Case::new(format!("refresh off: {name}"), run).configured(|builder| builder.refresh_mode(RefreshMode::Off))
    }
    vec![
        case("the application refreshes by itself", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.get("/protected").accept_json().send().await;
            site.expect("program", &response, "401 expired");
            site.expect_eq("refresh_url", response.json()["refresh_url"].as_str(), Some("/token/refresh"));
            let page = alice.get("/protected").accept_html().send().await;
            site.expect("page", &page, "303 → /login?next=%2Fprotected&ended=1");
            let refreshed = alice.post("/token/refresh").accept_json().csrf().send().await;
            site.expect("refresh", &refreshed, "200 +access +refresh");
            site.expect("afterwards", &alice.get("/protected").send().await, "200");
        }),
        case("where the token is optional, the refresh token is kept", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.get("/anyone").send().await;
            site.expect("GET", &response, "200");
            site.expect_eq("sub", response.json()["sub"].clone(), Value::Null);
        }),
        case("both tokens expired", |site| async move {
            let mut alice = site.alice().await;
            site.expire_all();
            let response = alice.get("/protected").accept_json().send().await;
            site.expect("GET", &response, "401 expired -access -refresh");
        }),
        case("an absent access token", |site| async move {
            let mut alice = site.alice().await;
            alice.jar().remove(ACCESS);
            site.expect("GET", &alice.get("/protected").send().await, "401 missing_token");
        }),
    ]
}

/// Tests an access cookie with several paths. The server sends one `Set-Cookie` for each path.
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
        case("one Set-Cookie for each path", RefreshMode::Redirect, |site| async move {
            let mut client = site.visitor();
            let response = client.post("/login").json(&json!({ "sub": "alice" })).send().await;
            let paths = |deleted: bool, response: &crate::Response| -> Vec<_> {
                let cookies = response.set_cookies().into_iter();
                let these = cookies.filter(|cookie| cookie.name == SCOPED && cookie.is_deletion() == deleted);
                these.map(|cookie| cookie.path).collect()
            };
            site.expect_eq("set", paths(false, &response), vec!["/protected".to_owned(), "/nested".to_owned()]);
            site.expect("GET", &client.get("/protected").send().await, "200");
            site.expect("GET", &client.get("/nested/inner").send().await, "200");
            site.expect_eq(
                "a path without the cookie",
                client.get("/anyone").send().await.json(),
                json!({ "sub": null }),
            );
            let response = client.post("/logout").csrf().send().await;
            site.expect_eq("deleted", paths(true, &response), vec!["/protected".to_owned(), "/nested".to_owned()]);
            site.expect_eq("cookies left", client.cookies().len(), 0);
        }),
        case("refresh by redirect", RefreshMode::Redirect, |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let back = alice.get("/nested/inner?a=b").accept_html().follow().await;
            site.expect_eq("status and path", (back.status().as_u16(), back.path()), (200, "/nested/inner?a=b"));
            site.expect("the other path", &alice.get("/protected").send().await, "200");
        }),
        case("a route outside of the paths does not redirect in a loop", RefreshMode::Redirect, |site| async move {
            let mut alice = site.alice().await;
            let response = alice.get("/guarded/page").accept_html().send().await;
            site.expect("GET", &response, "303 → /login?next=%2Fguarded%2Fpage");
        }),
        case("e08: where the cookie is not sent, nothing is refreshed", RefreshMode::Transparent, |site| async move {
            let mut alice = site.alice().await;
            let mut slow = alice.clone();
            for path in ["/anyone", "/user/optional", "/anyone"] {
                site.expect(path, &alice.get(path).send().await, "200");
            }
            site.expect("a route that needs a token", &alice.get("/user").send().await, "401 missing_token");
            let body = alice.get("/protected").send().await.json();
            site.expect_eq("the token is still fresh", body["fresh"].clone(), json!(true));
            site.clock.advance(Duration::from_secs(31));
            site.expect("a slow tab", &slow.get("/nested/inner").send().await, "200");
            site.expect_eq("rotations", site.store.rotations(), 0);
        }),
        case("a refresh in place sets every cookie", RefreshMode::Transparent, |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.get("/nested/inner").send().await;
            site.expect("GET", &response, "200 +access +refresh");
            site.expect("the other path", &alice.get("/protected").send().await, "200");
            site.expect_eq("rotations", site.store.rotations(), 1);
        }),
    ]
}
