//! Test cases for tokens without a session store, as in Flask-JWT-Extended: a refresh token can be used repeatedly
//! until it expires or the user logs out.

use std::time::Duration;

use serde_json::json;

use crate::harness::{ACCESS, Case, REFRESH, Site, cookie_value, csrf_token};

pub(super) fn cases() -> Vec<Case> {
    fn case<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Case::new(format!("stateless: {name}"), run).stateless()
    }
    vec![
        case("from log-in to log-out", |site| async move {
            let mut alice = site.visitor();
            let log_in = alice.post("/login").json(&json!({ "sub": "alice", "role": "editor" })).send().await;
            site.expect("log-in", &log_in, "200 +access +refresh");
            site.expect("fresh", &alice.get("/fresh").send().await, "200");
            let copy = alice.clone();
            let log_out = alice.post("/logout").csrf().send().await;
            site.expect("log-out", &log_out, "200 -access -refresh");
            site.expect_eq("cookies left", alice.cookies().len(), 0);
            let late = copy.clone().get("/protected").send().await;
            site.expect("the old access token", &late, "401 revoked -access -refresh");
            let late = copy.clone().post("/token/refresh").csrf().send().await;
            site.expect("the old refresh token", &late, "401 revoked -access -refresh");
        }),
        case("a refresh does not replace the refresh token", |site| async move {
            let mut alice = site.alice().await;
            let (refresh, csrf) = (cookie_value(&alice, REFRESH), csrf_token(&alice));
            for _ in 0..3 {
                site.expire_access();
                let response = alice.post("/echo").form(&[("csrf_token", &csrf)]).send().await;
                site.expect("a form from before the refresh", &response, "200 +access");
                site.expect_eq("refresh token", cookie_value(&alice, REFRESH), refresh.clone());
            }
            let not_fresh = alice.get("/fresh").accept_json().send().await;
            site.expect("not fresh", &not_fresh, "401 insufficient_user_authentication");
            site.expect(
                "re-authentication",
                &alice.post("/reauthenticate").csrf().json(&json!({ "sub": "alice" })).send().await,
                "200 +access",
            );
            site.expect("fresh", &alice.get("/fresh").send().await, "200");
        }),
        case("both tokens expired", |site| async move {
            let mut alice = site.alice().await;
            site.expire_all();
            site.expect("GET", &alice.get("/protected").accept_json().send().await, "401 expired -access -refresh");
        }),
        case("a token that the application issues itself", |site| async move {
            let lifetime = Duration::from_secs(60);
            let token = site.authenticator.access_token("robot").lifetime(lifetime).issue().unwrap();
            let mut robot = site.browser_with(&site.authenticator.set_access_cookies(&token).unwrap());
            site.expect("GET", &robot.get("/protected").send().await, "200");
            site.expect("POST", &robot.post("/echo").csrf().body("x").send().await, "200");
            let not_fresh = robot.get("/fresh").accept_json().send().await;
            site.expect("not fresh", &not_fresh, "401 insufficient_user_authentication");
            site.clock.advance(lifetime);
            site.expect("expired", &robot.get("/protected").accept_json().send().await, "401 expired -access -refresh");
        }),
        case("an absent access token", |site| async move {
            let mut alice = site.alice().await;
            alice.jar().remove(ACCESS);
            site.expect("GET", &alice.get("/protected").send().await, "200 +access");
            site.expect("afterwards", &alice.get("/protected").send().await, "200");
        }),
    ]
}
