//! A logged-in user logs out, re-authenticates, or changes the password.

use serde_json::json;

use crate::harness::{ACCESS, Case, REFRESH, Site, cookie_value, csrf_token};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = log_out();
    cases.extend(reauthenticate());
    cases.extend(renew());
    cases.extend(doubled_cookies());
    cases.extend(clear_site_data());
    cases
}

/// Cases in which a browser sends two cookies with the same name, from two different sessions. If the name has no
/// `__Host-` prefix, an attacker on a sibling domain can set such a second cookie.
fn doubled_cookies() -> Vec<Case> {
    async fn sessions(site: &Site) -> [usize; 2] {
        let count = async |subject| site.authenticator.sessions(subject).await.unwrap().len();
        [count("alice").await, count("bob").await]
    }

    let mut cases = Vec::new();
    for name in [ACCESS, REFRESH] {
        cases.push(Case::new(
            format!("doubled cookies: a log-out with {name} twice ends both sessions"),
            move |site| async move {
                let (mut alice, bob) = (site.alice().await, site.logged_in("bob").await);
                let second = format!("{name}={}", cookie_value(&bob, name));
                let bare = alice.post("/logout").raw_cookie_header(&second).send().await;
                site.expect("without the CSRF value", &bare, "403 csrf_missing");
                let request = alice.post("/logout").raw_cookie_header(&second).header("x-csrf-token", "wrong");
                site.expect("with a wrong value", &request.send().await, "403 csrf_mismatch");
                site.expect_eq("sessions", sessions(&site).await, [1, 1]);
                let csrf = csrf_token(&bob);
                let request = alice.post("/logout").raw_cookie_header(&second).form(&[("csrf_token", csrf)]);
                site.expect("with the second session's value", &request.send().await, "200 -access -refresh");
                site.expect_eq("sessions", sessions(&site).await, [0, 0]);
            },
        ));
        cases.push(Case::new(
            format!("doubled cookies: a log-in with {name} twice ends both sessions"),
            move |site| async move {
                let (mut alice, bob) = (site.alice().await, site.logged_in("bob").await);
                let second = format!("{name}={}", cookie_value(&bob, name));
                let request = alice.post("/login").raw_cookie_header(&second).json(&json!({ "sub": "carol" }));
                site.expect("log-in", &request.send().await, "200 +access +refresh");
                site.expect_eq("sessions", sessions(&site).await, [0, 0]);
            },
        ));
    }
    cases.push(Case::new("log-in and log-out: a copy of an expired access token ends nothing", |site| async move {
        let mut alice = site.alice().await;
        let (copy, csrf) = (format!("{ACCESS}={}", cookie_value(&alice, ACCESS)), csrf_token(&alice));
        site.expire_access();
        let mut mallory = site.visitor();
        let request = mallory.post("/login").raw_cookie_header(&copy).json(&json!({ "sub": "mallory" }));
        site.expect("log-in", &request.send().await, "200 +access +refresh");
        let request = site.visitor().post("/logout").raw_cookie_header(&copy).header("x-csrf-token", csrf).send().await;
        site.expect("log-out", &request, "200 -access -refresh");
        site.expect("the session", &alice.get("/protected").send().await, "200 +access +refresh");
    }));
    cases
}

/// After a session has ended, the browser must not show cached pages from that session (ASVS 5.0 V14.3.1).
fn clear_site_data() -> Vec<Case> {
    const FIELD: &str = "clear-site-data";
    const CACHE: Option<&str> = Some("\"cache\"");
    vec![
        Case::new("Clear-Site-Data: the end of the browser's session clears its cache", |site| async move {
            let mut alice = site.alice().await;
            let renewed = alice.post("/renew").csrf().send().await;
            site.expect_eq("renewal", renewed.header(FIELD), CACHE);
            let mut copy = alice.clone();
            let page = alice.post("/logout").accept_html().csrf().send().await;
            site.expect_eq("log-out", page.header(FIELD), CACHE);
            site.expect_eq("a session that has ended", copy.get("/protected").send().await.header(FIELD), CACHE);
            let mut alice = site.alice().await;
            site.expect_eq("cookies deleted by a handler", alice.get("/unsets").send().await.header(FIELD), CACHE);
            let mut alice = site.alice().await;
            let other = alice.post("/login").json(&json!({ "sub": "bob" })).send().await;
            site.expect_eq("another user's log-in", other.header(FIELD), CACHE);
        }),
        Case::new("Clear-Site-Data: nothing else clears the cache", |site| async move {
            let mut alice = site.visitor();
            let log_in = alice.post("/login").json(&json!({ "sub": "alice" })).send().await;
            site.expect_eq("log-in", log_in.header(FIELD), None::<&str>);
            let again = alice.post("/login").json(&json!({ "sub": "alice" })).send().await;
            site.expect_eq("the same user again", again.header(FIELD), None::<&str>);
            site.expect_eq("a page", alice.get("/protected").send().await.header(FIELD), None::<&str>);
            site.expire_access();
            site.expect_eq("a refresh", alice.get("/protected").send().await.header(FIELD), None::<&str>);
            let forged = site.visitor().get("/protected").raw_cookie_header(format!("{ACCESS}=garbage")).send().await;
            site.expect_eq("an invalid token", forged.header(FIELD), None::<&str>);
        }),
        Case::new("Clear-Site-Data: not in the Flask preset", |site| async move {
            let log_out = site.visitor().get("/unsets").send().await;
            site.expect_eq("without a token", log_out.header(FIELD), None::<&str>);
            let log_out = site.visitor().post("/logout").send().await;
            site.expect_eq("log-out", log_out.header(FIELD), None::<&str>);
        })
        .configured(|builder| builder.flask_compatible()),
    ]
}

fn log_out() -> Vec<Case> {
    /// Checks that the session's access and refresh cookies are no longer accepted.
    async fn expect_ended(site: &Site, mut copy: crate::Client) {
        site.expect(
            "a copied access token",
            &copy.clone().get("/protected").send().await,
            "401 revoked -access -refresh",
        );
        copy.jar().remove(ACCESS);
        let refresh = copy.get("/protected").accept_json().send().await;
        site.expect_eq("a copied refresh token", refresh.status().as_u16(), 401);
    }

    vec![
        Case::new("log-out: by a program", |site| async move {
            let mut alice = site.alice().await;
            let copy = alice.clone();
            let response = alice.post("/logout").accept_json().csrf().send().await;
            site.expect("log-out", &response, "200 -access -refresh");
            site.expect_eq("cookies left", alice.cookies().len(), 0);
            site.expect_eq("sub", alice.get("/anyone").send().await.json(), json!({ "sub": null }));
            expect_ended(&site, copy).await;
        }),
        Case::new("log-out: by a form", |site| async move {
            let mut alice = site.alice().await;
            let copy = alice.clone();
            let csrf = csrf_token(&alice);
            let response = alice.post("/logout").accept_html().form(&[("csrf_token", csrf)]).send().await;
            site.expect("log-out", &response, "303 → /anyone -access -refresh");
            expect_ended(&site, copy).await;
        }),
        Case::new("log-out: after the access token has expired", |site| async move {
            let mut alice = site.alice().await;
            let mut copy = alice.clone();
            site.expire_access();
            let response = alice.post("/logout").csrf().send().await;
            site.expect("log-out", &response, "200 -access -refresh");
            let refresh = copy.get("/protected").send().await;
            site.expect("a copied refresh token", &refresh, "401 revoked -access -refresh");
        }),
        Case::new("log-out: refused without the CSRF value", |site| async move {
            let mut alice = site.alice().await;
            site.expect("log-out", &alice.post("/logout").send().await, "403 csrf_missing");
            site.expect("form", &alice.post("/logout").form(&[("a", "b")]).send().await, "403 csrf_missing");
            site.expect("still logged in", &alice.get("/protected").send().await, "200");
        }),
        Case::new("log-out: GET is refused", |site| async move {
            let mut alice = site.alice().await;
            site.expect("log-out", &alice.get("/logout").accept_json().send().await, "405 method_not_allowed");
            site.expect("page", &alice.get("/logout").accept_html().send().await, "405");
            site.expect("still logged in", &alice.get("/protected").send().await, "200");
        }),
        Case::new("log-out: with the cookies of two sessions, both sessions end", |site| async move {
            let (mut alice, mut bob) = (site.alice().await, site.logged_in("bob").await);
            bob.set_cookie_raw(&format!("{REFRESH}={}; Secure; HttpOnly; Path=/", cookie_value(&alice, REFRESH)));
            site.expect("log-out", &bob.post("/logout").csrf().send().await, "200 -access -refresh");
            site.expect("the other session", &alice.get("/protected").send().await, "401 revoked -access -refresh");
        }),
        Case::new("log-out: without cookies", |site| async move {
            site.expect("log-out", &site.visitor().post("/logout").send().await, "200 -access -refresh");
        }),
        Case::new("log-out: by a handler, during a refresh in place", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.post("/unsets").csrf().send().await;
            site.expect("cookies are deleted, not refreshed", &response, "200 -access -refresh");
            site.expect_eq("number of cookies", response.set_cookies().len(), 4);
            site.expect_eq("cookies left", alice.cookies().len(), 0);
        }),
        Case::new("log-out: cookies deleted by a handler, during a refresh in place", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.get("/unsets").send().await;
            site.expect("cookies are deleted, not refreshed", &response, "200 -access -refresh");
            site.expect_eq("number of cookies", response.set_cookies().len(), 4);
        }),
        Case::new("log-out: other browsers stay logged in", |site| async move {
            let (mut first, mut second) = (site.alice().await, site.alice().await);
            site.expect("log-out", &first.post("/logout").csrf().send().await, "200 -access -refresh");
            site.expect("the other browser", &second.get("/protected").send().await, "200");
        }),
    ]
}

fn reauthenticate() -> Vec<Case> {
    vec![
        Case::new("re-authentication: makes the session fresh again", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let stale = alice.get("/fresh").accept_json().send().await;
            site.expect("not fresh", &stale, "401 insufficient_user_authentication +access +refresh");
            let csrf = csrf_token(&alice);
            let form = [("sub", "alice"), ("csrf_token", &csrf)];
            let response = alice.post("/reauthenticate").form(&form).send().await;
            site.expect("re-authentication", &response, "200 +access +refresh");
            site.expect("fresh", &alice.get("/fresh").send().await, "200");
            site.expect_eq("CSRF value", csrf_token(&alice), csrf);
        }),
        Case::new("re-authentication: refused for another user", |site| async move {
            let mut alice = site.alice().await;
            let other = json!({ "sub": "bob" });
            let api = alice.post("/reauthenticate").csrf().accept_json().json(&other).send().await;
            site.expect("refused", &api, "401 other_user");
            let page = alice.post("/reauthenticate").csrf().accept_html().json(&other).send().await;
            site.expect("refused", &page, "303 → /reauthenticate");
            site.expect_eq("sub", alice.get("/anyone").send().await.json(), json!({ "sub": "alice" }));
        }),
        Case::new("re-authentication: refused without cookies", |site| async move {
            let response = site.visitor().post("/reauthenticate").json(&json!({ "sub": "alice" })).send().await;
            site.expect("refused", &response, "401 missing_token");
        }),
        Case::new("re-authentication: refused without the CSRF value", |site| async move {
            let mut alice = site.alice().await;
            let response = alice.post("/reauthenticate").json(&json!({ "sub": "alice" })).send().await;
            site.expect("JSON", &response, "403 csrf_missing");
        }),
        Case::new("re-authentication: after the access token has expired", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.post("/reauthenticate").csrf().json(&json!({ "sub": "alice" })).send().await;
            site.expect("re-authentication", &response, "200 +access +refresh");
            // For each token, there is one cookie with the token and one with its CSRF value. The fifth cookie marks
            // the re-authentication.
            site.expect_eq("number of cookies", response.set_cookies().len(), 5);
            site.expect("fresh", &alice.get("/fresh").send().await, "200");
        }),
        Case::new("re-authentication: of a token without a session", |site| async move {
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
        Case::new("renewal: ends every other session of the user", |site| async move {
            let (mut alice, mut elsewhere, mut bob) =
                (site.alice().await, site.alice().await, site.logged_in("bob").await);
            let mut copy = alice.clone();
            let csrf = csrf_token(&alice);
            let response = alice.post("/renew").form(&[("csrf_token", &csrf)]).send().await;
            site.expect("renewal", &response, "200 +access +refresh");
            site.expect("this browser", &alice.get("/fresh").send().await, "200");
            site.expect_eq("CSRF value", csrf_token(&alice), csrf);
            let late = copy.get("/protected").send().await;
            site.expect("a copy of this browser", &late, "401 revoked");
            let ended = elsewhere.get("/protected").send().await;
            site.expect("another browser", &ended, "401 revoked -access -refresh");
            site.expect("another user", &bob.get("/protected").send().await, "200");
        }),
        Case::new("renewal: a copied refresh token is refused", |site| async move {
            let mut alice = site.alice().await;
            let stolen = format!("{REFRESH}={}", cookie_value(&alice, REFRESH));
            site.expect("renewal", &alice.post("/renew").csrf().send().await, "200 +access +refresh");
            let thief = site.visitor().get("/protected").raw_cookie_header(stolen).send().await;
            site.expect_eq("status", thief.status().as_u16(), 401);
        }),
        Case::new("renewal: refused without cookies, and without the CSRF value", |site| async move {
            site.expect("without cookies", &site.visitor().post("/renew").send().await, "401 missing_token");
            let mut alice = site.alice().await;
            site.expect("without the CSRF value", &alice.post("/renew").send().await, "403 csrf_missing");
        }),
        Case::new("renewal: after the access token has expired", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.post("/renew").csrf().send().await;
            site.expect("renewal", &response, "200 +access +refresh");
            site.expect_eq("number of cookies", response.set_cookies().len(), 4);
            site.expect("fresh", &alice.get("/fresh").send().await, "200");
        }),
    ]
}
