//! Refreshing by redirect: to the refresh URL, and back to the page that was asked for.

use hardtack::RefreshMode;
use http::Method;
use serde_json::json;

use super::case::Case;
use super::site::{ACCESS, REFRESH, Site, csrf_of};
use super::states::{STATES, Worth};
use crate::client::Request;

/// The refresh cookie is sent to the refresh URL only, and is named accordingly.
const SCOPED_REFRESH: &str = "__Secure-refresh_token_cookie";

fn redirecting<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
where
    F: Future<Output = ()> + Send + 'static,
{
    let case = Case::new(format!("redirect: {name}"), run);
    case.configured(|builder| builder.refresh_mode(RefreshMode::Redirect))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = trips();
    cases.extend(refusals());
    cases.extend(refresh_url());
    let bad = STATES.iter().filter(|state| match state.worth {
        Worth::Refused(kind, _) => !matches!(kind, hardtack::FailureKind::Missing | hardtack::FailureKind::Expired),
        _ => false,
    });
    cases.extend(bad.map(|state| {
        redirecting(&format!("{} leads nowhere", state.name), move |site| async move {
            let held = state.held(&site).await;
            let mut visitor = site.visitor();
            let request = held.cookies.iter().fold(visitor.get("/protected"), Request::raw_cookie_header);
            let Worth::Refused(_, code) = state.worth else { return };
            site.expect("GET", &request.send().await, format!("401 {code} -access -refresh"));
        })
    }));
    cases
}

fn trips() -> Vec<Case> {
    vec![
        redirecting("a page there and back", |site| async move {
            let mut alice = site.alice().await;
            site.same(
                "where the refresh token goes",
                alice.cookie(SCOPED_REFRESH).unwrap().path.as_str(),
                "/token/refresh",
            );
            site.same("nowhere else", alice.cookie(REFRESH).is_some(), false);
            site.expire_access();
            let sent = alice.clone().get("/protected?a=b&c").accept_html().send().await;
            site.expect("there", &sent, "303 → /token/refresh?next=%2Fprotected%3Fa%3Db%26c -access");
            let back = alice.get("/protected?a=b&c").accept_html().follow().await;
            site.expect("back", &back, "200");
            site.same("where", back.path(), "/protected?a=b&c");
            site.same("hops", back.hops().len(), 2);
            site.expect("the second", &back.hops()[1], "303 → /protected?a=b&c +access +refresh");
            site.same("handler", back.json(), json!({ "sub": "alice", "fresh": false, "calls": 1 }));
        }),
        redirecting("a form there and back, with its body", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_of(&alice);
            site.expire_access();
            let form = [("title", "a b&c"), ("csrf_token", csrf.as_str())];
            let sent = alice.clone().post("/echo").accept_html().form(&form).send().await;
            site.expect("there", &sent, "307 → /token/refresh?next=%2Fecho -access");
            let back = alice.post("/echo").accept_html().form(&form).follow().await;
            site.expect("back", &back, "200");
            site.same("how", (back.method(), back.path()), (&Method::POST, "/echo"));
            site.expect("the second", &back.hops()[1], "307 → /echo +access +refresh");
            site.same("body", back.text(), format!("title=a+b%26c&csrf_token={csrf}").as_str());
            site.same("the handler ran once", site.calls().await, 1);
        }),
        redirecting("a multipart form there and back", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_of(&alice);
            site.expire_access();
            let fields = [("csrf_token", csrf.as_str()), ("file", "x\r\ny")];
            let back = alice.post("/echo").accept_html().multipart(&fields).follow().await;
            site.expect("back", &back, "200");
            site.same("hops", back.hops().len(), 2);
            site.same("body", back.text().contains("name=\"file\"\r\n\r\nx\r\ny\r\n"), true);
        }),
        redirecting("a nested route there and back", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let sent = alice.clone().get("/nested/inner?a=b").accept_html().send().await;
            site.expect("there", &sent, "303 → /token/refresh?next=%2Fnested%2Finner%3Fa%3Db -access");
            let back = alice.get("/nested/inner?a=b").accept_html().follow().await;
            site.same("where", (back.status().as_u16(), back.path()), (200, "/nested/inner?a=b"));
        }),
        redirecting("a guarded form there and back", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_of(&alice);
            site.expire_access();
            let back = alice.post("/guarded/page").accept_html().form(&[("csrf_token", csrf)]).follow().await;
            site.same("where", (back.status().as_u16(), back.path()), (200, "/guarded/page"));
            site.same("the handler ran once", back.json()["calls"].as_u64(), Some(1));
        }),
        redirecting("a page whose access cookie is gone", |site| async move {
            let mut alice = site.alice().await;
            alice.jar().remove(ACCESS);
            let sent = alice.clone().get("/protected").accept_html().send().await;
            site.expect("there", &sent, "303 → /token/refresh?next=%2Fprotected -access");
            let back = alice.get("/protected").accept_html().follow().await;
            site.expect("back", &back, "200");
        }),
        redirecting("a page for a fresh token ends at the password", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let first = alice.get("/fresh").accept_html().send().await;
            site.expect("there", &first, "303 → /token/refresh?next=%2Ffresh -access");
            let second = alice.get("/token/refresh?next=%2Ffresh").accept_html().send().await;
            site.expect("back", &second, "303 → /fresh +access +refresh");
            let third = alice.get("/fresh").accept_html().send().await;
            site.expect("not fresh", &third, "303 → /reauthenticate?next=%2Ffresh");
        }),
    ]
}

fn refusals() -> Vec<Case> {
    vec![
        redirecting("a program is told", |site| async move {
            let alice = site.alice().await;
            site.expire_access();
            let get = alice.clone().get("/protected").accept_json().send().await;
            site.expect("GET", &get, "401 refresh_needed -access");
            site.same("where to", get.json()["refresh_url"].as_str(), Some("/token/refresh"));
            let post = alice.clone().post("/protected").accept_json().csrf().send().await;
            site.expect("POST", &post, "401 refresh_needed -access");
            site.same("no handler ran", site.calls().await, 0);
        }),
        redirecting("htmx is sent", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let request = alice.get("/protected").header("hx-request", "true");
            let answer = request.header("hx-current-url", "https://site.example/list").send().await;
            site.expect("GET", &answer, "401 htmx → /token/refresh?next=%2Flist -access");
        }),
        redirecting("a form without its CSRF value goes nowhere", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answer = alice.post("/echo").accept_html().form(&[("a", "b")]).send().await;
            site.expect("POST", &answer, "403");
            let answer = alice.post("/echo").header("sec-fetch-site", "cross-site").csrf().send().await;
            site.expect("from another site", &answer, "403 csrf_cross_site");
        }),
        redirecting("anyone may stay", |site| async move {
            let mut visitor = site.visitor();
            site.expect("nobody", &visitor.get("/anyone").accept_html().send().await, "200");
            let mut alice = site.alice().await;
            alice.jar().remove(ACCESS);
            let answer = alice.get("/anyone").accept_html().send().await;
            site.same("an absent token", (answer.status().as_u16(), answer.json()), (200, json!({ "sub": null })));
        }),
        redirecting("nobody is sent to log in", |site| async move {
            let page = site.visitor().get("/protected").accept_html().send().await;
            site.expect("page", &page, "303 → /login?next=%2Fprotected");
            site.expect("program", &site.visitor().get("/protected").send().await, "401 missing_token");
        }),
    ]
}

fn refresh_url() -> Vec<Case> {
    vec![
        redirecting("the refresh URL for a program", |site| async move {
            let mut alice = site.alice().await;
            let answer = alice.post("/token/refresh").accept_json().csrf().send().await;
            site.expect("POST", &answer, "200 +access +refresh");
            site.same("body", answer.json(), json!({ "refreshed": true }));
        }),
        redirecting("the refresh URL posted to without the CSRF value", |site| async move {
            let mut alice = site.alice().await;
            let answer = alice.post("/token/refresh").accept_json().send().await;
            site.expect("POST", &answer, "403 csrf_missing");
            site.same("nothing was refreshed", site.store.rotations(), 0);
        }),
        redirecting("the refresh URL for nobody", |site| async move {
            let mut visitor = site.visitor();
            let api = visitor.post("/token/refresh").accept_json().send().await;
            site.expect("program", &api, "401 missing_token");
            let page = visitor.get("/token/refresh?next=%2Fprotected").accept_html().send().await;
            site.expect("page", &page, "303 → /login?next=%2Fprotected");
        }),
        redirecting("the refresh URL after the refresh token has expired", |site| async move {
            let alice = site.alice().await;
            site.expire_all();
            let url = "/token/refresh?next=%2Fprotected";
            let page = alice.clone().get(url).accept_html().send().await;
            site.expect("page", &page, "303 → /login?next=%2Fprotected&ended=1 -access -refresh");
            let api = alice.clone().post("/token/refresh").accept_json().csrf().send().await;
            site.expect("program", &api, "401 expired -access -refresh");
        }),
        redirecting("the refresh URL after the session was ended", |site| async move {
            let mut alice = site.alice().await;
            site.authenticator.revoke_all_sessions("alice").await.unwrap();
            let answer = alice.get("/token/refresh").accept_html().send().await;
            site.expect("GET", &answer, "303 → /login?ended=1 -access -refresh");
        }),
        redirecting("the refresh URL without a next", |site| async move {
            let mut alice = site.alice().await;
            let answer = alice.get("/token/refresh").accept_html().send().await;
            site.expect("GET", &answer, "303 → / +access +refresh");
        }),
        redirecting("the refresh URL asked with HEAD", |site| async move {
            let mut alice = site.alice().await;
            let answer = alice.request(Method::HEAD, "/token/refresh?next=%2Fprotected").send().await;
            site.same("HEAD", answer.status().as_u16(), 405);
            site.same("nothing was refreshed", site.store.rotations(), 0);
        }),
        redirecting("a log-out unsets the refresh token on its path", |site| async move {
            let mut alice = site.alice().await;
            let answer = alice.post("/logout").csrf().send().await;
            site.expect("log-out", &answer, "200 -access -refresh");
            site.same("the jar is empty", alice.cookies().len(), 0);
        }),
    ]
}
