//! Log-ins, including the log-in form that a browser loads first.

use hardtack::CsrfPolicy;
use serde_json::json;

use crate::client::Client;
use crate::harness::{ACCESS, Case, PRE_SESSION, Site};

/// Returns a browser that has loaded the log-in form, and the form's hidden CSRF value.
async fn load_form(site: &Site) -> (Client, String) {
    let mut client = site.visitor();
    let form = client.get("/form").send().await;
    site.expect("form", &form, "200");
    let token = form.json()["csrf_token"].as_str().unwrap().to_owned();
    (client, token)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("log-in: with a JSON body", |site| async move {
            let mut client = site.visitor();
            let response = client.post("/login").json(&json!({ "sub": "alice", "role": "editor" })).send().await;
            site.expect("log-in", &response, "200 +access +refresh");
            site.expect_eq("body", response.json(), json!({ "sub": "alice" }));
            site.expect_eq("sub", client.get("/anyone").send().await.json(), json!({ "sub": "alice" }));
            site.expect("fresh", &client.get("/fresh").send().await, "200");
            site.expect_eq("role", client.get("/claims").send().await.json()["role"].clone(), json!("editor"));
        }),
        Case::new("log-in: with a form", |site| async move {
            let (mut client, token) = load_form(&site).await;
            let form = [("sub", "alice"), ("csrf_token", &token)];
            let response = client.post("/login").accept_html().form(&form).send().await;
            site.expect("log-in", &response, "303 → / +access +refresh");
            site.expect_eq("sub", client.get("/anyone").send().await.json(), json!({ "sub": "alice" }));
        }),
        Case::new("log-in: with a multipart form", |site| async move {
            let (mut client, token) = load_form(&site).await;
            let response = client.post("/login").multipart(&[("csrf_token", &token)]).send().await;
            site.expect("log-in", &response, "200 +access +refresh");
        }),
        Case::new("log-in: with the form's CSRF value in the header", |site| async move {
            let (mut client, token) = load_form(&site).await;
            let form = client.post("/login").header("x-csrf-token", token).form(&[("sub", "alice")]);
            site.expect("log-in", &form.send().await, "200 +access +refresh");
        }),
        Case::new("log-in: two tabs share one pre-session value", |site| async move {
            let (mut client, first) = load_form(&site).await;
            let second = client.get("/form").send().await;
            site.expect_eq("cookies of the second form", second.set_cookies().len(), 0);
            site.expect_eq("value of the second form", second.json()["csrf_token"].as_str(), Some(first.as_str()));
            let form = [("sub", "alice"), ("csrf_token", &first)];
            site.expect("log-in", &client.post("/login").form(&form).send().await, "200 +access +refresh");
        }),
        refused(
            "a form without the CSRF value",
            |client, _| client.post("/login").form(&[("sub", "mallory")]),
            "csrf_missing",
        ),
        refused("an empty request", |client, _| client.post("/login"), "csrf_missing"),
        refused(
            "a text/plain body",
            |client, _| client.post("/login").header("content-type", "text/plain").body("x"),
            "csrf_missing",
        ),
        refused(
            "a form with a wrong CSRF value",
            |client, _| client.post("/login").form(&[("sub", "mallory"), ("csrf_token", "wrong")]),
            "csrf_mismatch",
        ),
        refused(
            "a form with another browser's CSRF value",
            |client, other| client.post("/login").form(&[("sub", "mallory"), ("csrf_token", other)]),
            "csrf_mismatch",
        ),
        refused(
            "a form without the pre-session cookie",
            |client, other| client.post("/login").no_cookies().form(&[("sub", "mallory"), ("csrf_token", other)]),
            "csrf_missing",
        ),
        Case::new("log-in: one of several pre-session cookies must match the form", |site| async move {
            let (client, token) = load_form(&site).await;
            let other = format!("{PRE_SESSION}={}", "A".repeat(22));
            for (token, expected) in [("guess", "403 csrf_mismatch"), (token.as_str(), "200 +access +refresh")] {
                let mut client = client.clone();
                let form = client.post("/login").form(&[("sub", "alice"), ("csrf_token", token)]);
                site.expect("log-in", &form.raw_cookie_header(&other).send().await, expected);
            }
        }),
        Case::new("log-in: a pre-session cookie that an attacker sets is refused", |site| async move {
            let (_, token) = load_form(&site).await;
            let nonce = "A".repeat(22);
            for (cookie, field) in
                [(&nonce, &nonce), (&nonce, &token), (&token, &token), (&String::new(), &String::new())]
            {
                let mut victim = site.visitor();
                victim.set_cookie_raw(&format!("{PRE_SESSION}={cookie}; Secure; HttpOnly; Path=/"));
                let response = victim.post("/login").form(&[("csrf_token", field)]).send().await;
                site.expect_eq(cookie, (response.status().as_u16(), response.set_cookies().len()), (403, 0));
            }
        }),
        Case::new("log-in: the check of forms turned off", |site| async move {
            let response = site.visitor().post("/login").form(&[("sub", "alice")]).send().await;
            site.expect("log-in", &response, "200 +access +refresh");
        })
        .configured(|builder| builder.csrf(CsrfPolicy::default().pre_session(false))),
        Case::new("log-in: a new log-in ends the browser's previous session", |site| async move {
            let mut client = site.alice().await;
            let mut before = client.clone();
            let again = client.post("/login").json(&json!({ "sub": "alice" })).send().await;
            site.expect("log-in", &again, "200 +access +refresh");
            site.expect("the new session", &client.get("/protected").send().await, "200");
            site.expect("a request with the old cookies", &before.get("/protected").send().await, "401 revoked");
            let late = before.post("/token/refresh").csrf().send().await;
            site.expect_eq("a refresh with the old cookies", late.status().as_u16(), 401);
        }),
        Case::new("log-in: after the access token has expired", |site| async move {
            let mut client = site.alice().await;
            site.expire_access();
            let response = client.post("/login").json(&json!({ "sub": "bob" })).send().await;
            site.expect("log-in", &response, "200 +access +refresh");
            site.expect_eq("rotations", site.store.rotations(), 0);
            site.expect_eq("sub", client.get("/anyone").send().await.json(), json!({ "sub": "bob" }));
        }),
        Case::new("log-in: another browser of the user stays logged in", |site| async move {
            let mut first = site.alice().await;
            let second = site.visitor().post("/login").json(&json!({ "sub": "alice" })).send().await;
            site.expect("log-in", &second, "200 +access +refresh");
            site.expect("the first browser", &first.get("/protected").send().await, "200");
        }),
        Case::new("log-in: claims that are too large for a cookie", |site| async move {
            let mut client = site.alice().await;
            let large = json!({ "sub": "alice", "role": "x".repeat(4096) });
            let api = client.post("/login").accept_json().json(&large).send().await;
            site.expect("program", &api, "500 cannot_issue");
            site.expect("browser", &client.post("/login").accept_html().json(&large).send().await, "500");
            site.expect("still logged in", &client.get("/protected").send().await, "200");
        }),
        Case::new("log-in: the session records the user agent and the address", |site| async move {
            let request = json!({ "sub": "alice" });
            let mut client = site.visitor();
            let response = client.post("/login").header("user-agent", "Browser/1.0 (X)").json(&request).send().await;
            site.expect("log-in", &response, "200 +access +refresh");
            let sessions = site.authenticator.sessions("alice").await.unwrap();
            let recorded: Vec<_> = sessions.into_iter().map(|row| (row.user_agent, row.address)).collect();
            let expected = (Some("Browser/1.0 (X)".to_owned()), Some("127.0.0.1".to_owned()));
            site.expect_eq("sessions", recorded, vec![expected]);
        }),
        Case::new("log-in: a sign-up form is checked like a log-in form", |site| async move {
            let (mut client, token) = load_form(&site).await;
            site.expect("JSON", &client.post("/signup").json(&json!({})).send().await, "200");
            site.expect("form", &client.post("/signup").form(&[("csrf_token", &token)]).send().await, "200");
            site.expect(
                "without the CSRF value",
                &client.post("/signup").form(&[("a", "b")]).send().await,
                "403 csrf_missing",
            );
            let foreign = client.post("/signup").header("sec-fetch-site", "cross-site").json(&json!({})).send().await;
            site.expect("cross-site", &foreign, "403 csrf_cross_site");
        }),
        Case::new("log-in: an invalid access cookie does not matter", |site| async move {
            let mut client = site.visitor();
            let request = client.post("/login").raw_cookie_header(format!("{ACCESS}=garbage"));
            let response = request.json(&json!({ "sub": "alice" })).send().await;
            site.expect("log-in", &response, "200 +access +refresh");
            site.expect("afterwards", &client.get("/protected").send().await, "200");
        }),
    ]
}

type Make = for<'a> fn(&'a mut Client, &str) -> crate::client::Request<'a>;

/// Returns a case in which a log-in is refused because another site could have sent it.
fn refused(name: &str, make: Make, code: &'static str) -> Case {
    Case::new(format!("log-in: {name} is refused"), move |site| async move {
        let (client, _) = load_form(&site).await;
        let (_, other) = load_form(&site).await;
        let api = make(&mut client.clone(), &other).accept_json().send().await;
        site.expect("program", &api, format!("403 {code}"));
        let page = make(&mut client.clone(), &other).accept_html().send().await;
        site.expect("browser", &page, "403");
    })
}
