//! Log-ins and the forms that come before them.

use serde_json::json;

use super::case::Case;
use super::site::{ACCESS, PRE_SESSION, Site, value_of};
use crate::client::Client;

/// A browser that has the log-in form before it, and the form's hidden value.
async fn at_form(site: &Site) -> (Client, String) {
    let mut client = site.visitor();
    let form = client.get("/form").send().await;
    site.expect("form", &form, "200");
    let token = form.json()["csrf_token"].as_str().unwrap().to_owned();
    (client, token)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("log-in: by JSON", |site| async move {
            let mut client = site.visitor();
            let answer = client.post("/login").json(&json!({ "sub": "alice", "role": "editor" })).send().await;
            site.expect("log-in", &answer, "200 +access +refresh");
            site.same("body", answer.json(), json!({ "sub": "alice" }));
            site.same("who", client.get("/anyone").send().await.json(), json!({ "sub": "alice" }));
            site.expect("fresh", &client.get("/fresh").send().await, "200");
            site.same("role", client.get("/claims").send().await.json()["role"].clone(), json!("editor"));
        }),
        Case::new("log-in: by form", |site| async move {
            let (mut client, token) = at_form(&site).await;
            let form = [("sub", "alice"), ("csrf_token", &token)];
            let answer = client.post("/login").accept_html().form(&form).send().await;
            site.expect("log-in", &answer, "303 → / +access +refresh");
            site.same("who", client.get("/anyone").send().await.json(), json!({ "sub": "alice" }));
        }),
        Case::new("log-in: by multipart form", |site| async move {
            let (mut client, token) = at_form(&site).await;
            let answer = client.post("/login").multipart(&[("csrf_token", &token)]).send().await;
            site.expect("log-in", &answer, "200 +access +refresh");
        }),
        Case::new("log-in: the form's value in the header", |site| async move {
            let (mut client, token) = at_form(&site).await;
            let form = client.post("/login").header("x-csrf-token", token).form(&[("sub", "alice")]);
            site.expect("log-in", &form.send().await, "200 +access +refresh");
        }),
        Case::new("log-in: forms in two tabs", |site| async move {
            let (mut client, first) = at_form(&site).await;
            let second = client.get("/form").send().await;
            site.same("the cookie stays", second.set_cookies().len(), 0);
            site.same("the value too", second.json()["csrf_token"].as_str(), Some(first.as_str()));
            let form = [("sub", "alice"), ("csrf_token", &first)];
            site.expect("log-in", &client.post("/login").form(&form).send().await, "200 +access +refresh");
        }),
        refused(
            "without the form's value",
            |client, _| client.post("/login").form(&[("sub", "mallory")]),
            "csrf_missing",
        ),
        refused("without a body", |client, _| client.post("/login"), "csrf_missing"),
        refused(
            "as text",
            |client, _| client.post("/login").header("content-type", "text/plain").body("x"),
            "csrf_missing",
        ),
        refused(
            "with a wrong value",
            |client, _| client.post("/login").form(&[("sub", "mallory"), ("csrf_token", "wrong")]),
            "csrf_mismatch",
        ),
        refused(
            "with another browser's value",
            |client, other| client.post("/login").form(&[("sub", "mallory"), ("csrf_token", other)]),
            "csrf_mismatch",
        ),
        refused(
            "without the form's cookie",
            |client, other| client.post("/login").no_cookies().form(&[("sub", "mallory"), ("csrf_token", other)]),
            "csrf_missing",
        ),
        Case::new("log-in: with the form's cookie twice", |site| async move {
            let (mut client, token) = at_form(&site).await;
            let again = format!("{PRE_SESSION}={}", value_of(&client, PRE_SESSION));
            let form = client.post("/login").form(&[("sub", "alice"), ("csrf_token", &token)]);
            let answer = form.raw_cookie_header(again).send().await;
            site.expect("log-in", &answer, "401 duplicate_cookie -access -refresh");
        }),
        Case::new("log-in: with a planted cookie", |site| async move {
            let (_, token) = at_form(&site).await;
            let nonce = "A".repeat(22);
            for (cookie, field) in
                [(&nonce, &nonce), (&nonce, &token), (&token, &token), (&String::new(), &String::new())]
            {
                let mut victim = site.visitor();
                victim.set_cookie_raw(&format!("{PRE_SESSION}={cookie}; Secure; Path=/"));
                let answer = victim.post("/login").form(&[("csrf_token", field)]).send().await;
                site.same(cookie, (answer.status().as_u16(), answer.set_cookies().len()), (403, 0));
            }
        }),
        Case::new("log-in: forms need no value where that is set so", |site| async move {
            let answer = site.visitor().post("/login").form(&[("sub", "alice")]).send().await;
            site.expect("log-in", &answer, "200 +access +refresh");
        })
        .configured(|builder| builder.csrf(hardtack::CsrfPolicy::default().pre_session(false))),
        Case::new("log-in: ends the browser's previous session", |site| async move {
            let mut client = site.alice().await;
            let mut before = client.clone();
            let again = client.post("/login").json(&json!({ "sub": "alice" })).send().await;
            site.expect("log-in", &again, "200 +access +refresh");
            site.expect("the new one", &client.get("/protected").send().await, "200");
            site.expect("a request on its way", &before.get("/protected").send().await, "401 revoked");
            let late = before.post("/token/refresh").csrf().send().await;
            site.same("a refresh on its way", late.status().as_u16(), 401);
        }),
        Case::new("log-in: while the access token has expired", |site| async move {
            let mut client = site.alice().await;
            site.expire_access();
            let answer = client.post("/login").json(&json!({ "sub": "bob" })).send().await;
            site.expect("log-in", &answer, "200 +access +refresh");
            site.same("nothing was refreshed", site.store.rotations(), 0);
            site.same("who", client.get("/anyone").send().await.json(), json!({ "sub": "bob" }));
        }),
        Case::new("log-in: another browser's session lives on", |site| async move {
            let mut first = site.alice().await;
            let second = site.visitor().post("/login").json(&json!({ "sub": "alice" })).send().await;
            site.expect("log-in", &second, "200 +access +refresh");
            site.expect("the first one", &first.get("/protected").send().await, "200");
        }),
        Case::new("log-in: claims that no cookie can hold", |site| async move {
            let mut client = site.alice().await;
            let large = json!({ "sub": "alice", "role": "x".repeat(4096) });
            let api = client.post("/login").accept_json().json(&large).send().await;
            site.expect("program", &api, "500 cannot_issue");
            site.expect("browser", &client.post("/login").accept_html().json(&large).send().await, "500");
            site.expect("the previous session lives on", &client.get("/protected").send().await, "200");
        }),
        Case::new("log-in: the session knows its browser and its address", |site| async move {
            let request = json!({ "sub": "alice" });
            let mut client = site.visitor();
            let answer = client.post("/login").header("user-agent", "Browser/1.0 (X)").json(&request).send().await;
            site.expect("log-in", &answer, "200 +access +refresh");
            let sessions = site.authenticator.sessions("alice").await.unwrap();
            let known: Vec<_> = sessions.into_iter().map(|row| (row.user_agent, row.address)).collect();
            let expected = (Some("Browser/1.0 (X)".to_owned()), Some("127.0.0.1".to_owned()));
            site.same("sessions", known, vec![expected]);
        }),
        Case::new("log-in: a sign-up form is checked alike", |site| async move {
            let (mut client, token) = at_form(&site).await;
            site.expect("JSON", &client.post("/signup").json(&json!({})).send().await, "200");
            site.expect("form", &client.post("/signup").form(&[("csrf_token", &token)]).send().await, "200");
            site.expect("no value", &client.post("/signup").form(&[("a", "b")]).send().await, "403 csrf_missing");
            let foreign = client.post("/signup").header("sec-fetch-site", "cross-site").json(&json!({})).send().await;
            site.expect("another site's", &foreign, "403 csrf_cross_site");
        }),
        Case::new("log-in: over bad cookies", |site| async move {
            let mut client = site.visitor();
            let request = client.post("/login").raw_cookie_header(format!("{ACCESS}=garbage"));
            let answer = request.json(&json!({ "sub": "alice" })).send().await;
            site.expect("log-in", &answer, "200 +access +refresh");
            site.expect("afterwards", &client.get("/protected").send().await, "200");
        }),
    ]
}

type Make = for<'a> fn(&'a mut Client, &str) -> crate::client::Request<'a>;

/// Log-in forms that another site could have sent.
fn refused(name: &str, make: Make, code: &'static str) -> Case {
    Case::new(format!("log-in: {name}"), move |site| async move {
        let (client, _) = at_form(&site).await;
        let (_, other) = at_form(&site).await;
        let api = make(&mut client.clone(), &other).accept_json().send().await;
        site.expect("program", &api, format!("403 {code}"));
        let page = make(&mut client.clone(), &other).accept_html().send().await;
        site.expect("browser", &page, "403");
    })
}
