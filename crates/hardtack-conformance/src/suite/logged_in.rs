//! What someone who is logged in does: log out, type the password again, change it.

use serde_json::json;

use super::case::Case;
use super::site::{ACCESS, REFRESH, Site, csrf_of, value_of};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = log_out();
    cases.extend(reauthenticate());
    cases.extend(renew());
    cases
}

fn log_out() -> Vec<Case> {
    /// The session's cookies are worth nothing any more.
    async fn is_over(site: &Site, mut copy: crate::Client) {
        site.expect(
            "a copied access token",
            &copy.clone().get("/protected").send().await,
            "401 revoked -access -refresh",
        );
        copy.jar().remove(ACCESS);
        let refresh = copy.get("/protected").accept_json().send().await;
        site.same("a copied refresh token", refresh.status().as_u16(), 401);
    }

    vec![
        Case::new("log-out: by a program", |site| async move {
            let mut alice = site.alice().await;
            let copy = alice.clone();
            let answer = alice.post("/logout").accept_json().csrf().send().await;
            site.expect("log-out", &answer, "200 -access -refresh");
            site.same("no cookie is left", alice.cookies().len(), 0);
            site.same("who", alice.get("/anyone").send().await.json(), json!({ "sub": null }));
            is_over(&site, copy).await;
        }),
        Case::new("log-out: by a form", |site| async move {
            let mut alice = site.alice().await;
            let copy = alice.clone();
            let csrf = csrf_of(&alice);
            let answer = alice.post("/logout").accept_html().form(&[("csrf_token", csrf)]).send().await;
            site.expect("log-out", &answer, "303 → /anyone -access -refresh");
            is_over(&site, copy).await;
        }),
        Case::new("log-out: after the access token has expired", |site| async move {
            let mut alice = site.alice().await;
            let mut copy = alice.clone();
            site.expire_access();
            let answer = alice.post("/logout").csrf().send().await;
            site.expect("log-out refreshes nothing", &answer, "200 -access -refresh");
            let refresh = copy.get("/protected").send().await;
            site.expect("a copied refresh token", &refresh, "401 revoked -access -refresh");
        }),
        Case::new("log-out: without the CSRF value", |site| async move {
            let mut alice = site.alice().await;
            site.expect("log-out", &alice.post("/logout").send().await, "403 csrf_missing");
            site.expect("form", &alice.post("/logout").form(&[("a", "b")]).send().await, "403 csrf_missing");
            site.expect("still logged in", &alice.get("/protected").send().await, "200");
        }),
        Case::new("log-out: by GET", |site| async move {
            let mut alice = site.alice().await;
            site.expect("log-out", &alice.get("/logout").accept_json().send().await, "405 method_not_allowed");
            site.expect("page", &alice.get("/logout").accept_html().send().await, "405");
            site.expect("still logged in", &alice.get("/protected").send().await, "200");
        }),
        Case::new("log-out: with another session's refresh token planted", |site| async move {
            let (mut alice, mut bob) = (site.alice().await, site.browser_of("bob").await);
            bob.set_cookie_raw(&format!("{REFRESH}={}; Secure; Path=/", value_of(&alice, REFRESH)));
            site.expect("log-out", &bob.post("/logout").csrf().send().await, "403 csrf_mismatch");
            site.expect("the other session lives on", &alice.get("/protected").send().await, "200");
        }),
        Case::new("log-out: of nobody", |site| async move {
            site.expect("log-out", &site.visitor().post("/logout").send().await, "200 -access -refresh");
        }),
        Case::new("log-out: by a handler, during a transparent refresh", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.post("/unsets").csrf().send().await;
            site.expect("the refresh does not undo it", &answer, "200 -access -refresh");
            site.same("each cookie once", answer.set_cookies().len(), 4);
            site.same("no cookie is left", alice.cookies().len(), 0);
        }),
        Case::new("log-out: cookies unset by a handler, during a transparent refresh", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.get("/unsets").send().await;
            site.expect("the refresh does not undo it", &answer, "200 -access -refresh");
            site.same("each cookie once", answer.set_cookies().len(), 4);
        }),
        Case::new("log-out: other browsers stay logged in", |site| async move {
            let (mut first, mut second) = (site.alice().await, site.alice().await);
            site.expect("log-out", &first.post("/logout").csrf().send().await, "200 -access -refresh");
            site.expect("the other one", &second.get("/protected").send().await, "200");
        }),
    ]
}

fn reauthenticate() -> Vec<Case> {
    vec![
        Case::new("re-authentication: makes the session fresh again", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let stale = alice.get("/fresh").accept_json().send().await;
            site.expect("stale", &stale, "401 insufficient_user_authentication +access +refresh");
            let csrf = csrf_of(&alice);
            let form = [("sub", "alice"), ("csrf_token", &csrf)];
            let answer = alice.post("/reauthenticate").form(&form).send().await;
            site.expect("re-authentication", &answer, "200 +access +refresh");
            site.expect("fresh", &alice.get("/fresh").send().await, "200");
            site.same("the CSRF value stays", csrf_of(&alice), csrf);
        }),
        Case::new("re-authentication: as someone else", |site| async move {
            let mut alice = site.alice().await;
            let other = json!({ "sub": "bob" });
            let api = alice.post("/reauthenticate").csrf().accept_json().json(&other).send().await;
            site.expect("refused", &api, "401 other_user");
            let page = alice.post("/reauthenticate").csrf().accept_html().json(&other).send().await;
            site.expect("refused", &page, "303 → /reauthenticate");
            site.same("who", alice.get("/anyone").send().await.json(), json!({ "sub": "alice" }));
        }),
        Case::new("re-authentication: of nobody", |site| async move {
            let answer = site.visitor().post("/reauthenticate").json(&json!({ "sub": "alice" })).send().await;
            site.expect("refused", &answer, "401 missing_token");
        }),
        Case::new("re-authentication: without the CSRF value", |site| async move {
            let mut alice = site.alice().await;
            let answer = alice.post("/reauthenticate").json(&json!({ "sub": "alice" })).send().await;
            site.expect("JSON needs it too", &answer, "403 csrf_missing");
        }),
        Case::new("re-authentication: after the access token has expired", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.post("/reauthenticate").csrf().json(&json!({ "sub": "alice" })).send().await;
            site.expect("re-authentication", &answer, "200 +access +refresh");
            site.same("each cookie once", answer.set_cookies().len(), 4);
            site.expect("fresh", &alice.get("/fresh").send().await, "200");
        }),
        Case::new("re-authentication: a token of no session", |site| async move {
            let token = site.authenticator.access_token("alice").issue().unwrap();
            let mut client = site.browser_with(&site.authenticator.set_access_cookies(&token).unwrap());
            let request = client.post("/reauthenticate").csrf().json(&json!({ "sub": "alice" }));
            site.expect("re-authentication", &request.send().await, "200 +access");
            site.expect("fresh", &client.get("/fresh").send().await, "200");
        }),
    ]
}

fn renew() -> Vec<Case> {
    vec![
        Case::new("renewal: ends every other token of the user", |site| async move {
            let (mut alice, mut elsewhere, mut bob) =
                (site.alice().await, site.alice().await, site.browser_of("bob").await);
            let mut copy = alice.clone();
            let csrf = csrf_of(&alice);
            let answer = alice.post("/renew").form(&[("csrf_token", &csrf)]).send().await;
            site.expect("renewal", &answer, "200 +access +refresh");
            site.expect("this browser", &alice.get("/fresh").send().await, "200");
            site.same("the CSRF value stays", csrf_of(&alice), csrf);
            let late = copy.get("/protected").send().await;
            site.expect("a copy of this browser", &late, "401 revoked");
            let ended = elsewhere.get("/protected").send().await;
            site.expect("another browser", &ended, "401 revoked -access -refresh");
            site.expect("another user", &bob.get("/protected").send().await, "200");
        }),
        Case::new("renewal: a copied refresh token is dead", |site| async move {
            let mut alice = site.alice().await;
            let stolen = format!("{REFRESH}={}", value_of(&alice, REFRESH));
            site.expect("renewal", &alice.post("/renew").csrf().send().await, "200 +access +refresh");
            let thief = site.visitor().get("/protected").raw_cookie_header(stolen).send().await;
            site.same("refused", thief.status().as_u16(), 401);
        }),
        Case::new("renewal: of nobody, and without the CSRF value", |site| async move {
            site.expect("nobody", &site.visitor().post("/renew").send().await, "401 missing_token");
            let mut alice = site.alice().await;
            site.expect("no value", &alice.post("/renew").send().await, "403 csrf_missing");
        }),
        Case::new("renewal: after the access token has expired", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.post("/renew").csrf().send().await;
            site.expect("renewal", &answer, "200 +access +refresh");
            site.same("each cookie once", answer.set_cookies().len(), 4);
            site.expect("fresh", &alice.get("/fresh").send().await, "200");
        }),
    ]
}
