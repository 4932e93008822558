//! The refresh mode `Redirect`: the browser is redirected to the refresh URL and back to the requested page.

use hardtack::RefreshMode;
use http::Method;
use serde_json::json;

use crate::client::Request;
use crate::harness::{ACCESS, COOKIE_STATES, Case, Outcome, REFRESH, Site, csrf_token, deletions};

/// The name of the refresh cookie in redirect mode. The cookie's path is the refresh URL. A `__Host-` cookie must have
/// the path `/`, so this name begins with `__Secure-`.
const SCOPED_REFRESH: &str = "__Secure-refresh_token_cookie";

fn in_redirect_mode<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
where
    F: Future<Output = ()> + Send + 'static,
{
    let case = Case::new(format!("refresh by redirect: {name}"), run);
    case.configured(|builder| builder.refresh_mode(RefreshMode::Redirect))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = round_trips();
    cases.extend(refusals());
    cases.extend(refresh_url());
    let bad = COOKIE_STATES.iter().filter(|state| match state.outcome {
        Outcome::Refused(kind, _) => !matches!(kind, hardtack::FailureKind::Missing | hardtack::FailureKind::Expired),
        _ => false,
    });
    cases.extend(bad.map(|state| {
        in_redirect_mode(&format!("{} is refused without a redirect", state.name), move |site| async move {
            let credentials = state.credentials(&site).await;
            let mut visitor = site.visitor();
            let request = credentials.cookies.iter().fold(visitor.get("/protected"), Request::raw_cookie_header);
            let Outcome::Refused(_, code) = state.outcome else { return };
            site.expect("GET", &request.send().await, format!("401 {code}{}", deletions(code)));
        })
    }));
    cases
}

fn round_trips() -> Vec<Case> {
    vec![
        in_redirect_mode("a page", |site| async move {
            let mut alice = site.alice().await;
            site.expect_eq(
                "path of the refresh cookie",
                alice.cookie(SCOPED_REFRESH).unwrap().path.as_str(),
                "/token/refresh",
            );
            site.expect_eq("has a refresh cookie with the path /", alice.cookie(REFRESH).is_some(), false);
            site.expire_access();
            let redirect = alice.clone().get("/protected?a=b&c").accept_html().send().await;
            site.expect("to the refresh URL", &redirect, "303 → /token/refresh?next=%2Fprotected%3Fa%3Db%26c -access");
            let back = alice.get("/protected?a=b&c").accept_html().follow().await;
            site.expect("back to the page", &back, "200");
            site.expect_eq("path", back.path(), "/protected?a=b&c");
            site.expect_eq("redirects", back.hops().len(), 2);
            site.expect("second redirect", &back.hops()[1], "303 → /protected?a=b&c +access +refresh");
            site.expect_eq("handler", back.json(), json!({ "sub": "alice", "fresh": false, "calls": 1 }));
        }),
        in_redirect_mode("a form, with its body", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_token(&alice);
            site.expire_access();
            let form = [("title", "a b&c"), ("csrf_token", csrf.as_str())];
            let redirect = alice.clone().post("/echo").accept_html().form(&form).send().await;
            site.expect("to the refresh URL", &redirect, "307 → /token/refresh?next=%2Fecho -access");
            let back = alice.post("/echo").accept_html().form(&form).follow().await;
            site.expect("back to the page", &back, "200");
            site.expect_eq("method and path", (back.method(), back.path()), (&Method::POST, "/echo"));
            site.expect("second redirect", &back.hops()[1], "307 → /echo +access +refresh");
            site.expect_eq("body", back.text(), format!("title=a+b%26c&csrf_token={csrf}").as_str());
            site.expect_eq("handler runs", site.calls().await, 1);
        }),
        in_redirect_mode("a multipart form", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_token(&alice);
            site.expire_access();
            let fields = [("csrf_token", csrf.as_str()), ("file", "x\r\ny")];
            let back = alice.post("/echo").accept_html().multipart(&fields).follow().await;
            site.expect("back to the page", &back, "200");
            site.expect_eq("redirects", back.hops().len(), 2);
            site.expect_eq("body has the file", back.text().contains("name=\"file\"\r\n\r\nx\r\ny\r\n"), true);
        }),
        in_redirect_mode("a nested route", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let redirect = alice.clone().get("/nested/inner?a=b").accept_html().send().await;
            site.expect("to the refresh URL", &redirect, "303 → /token/refresh?next=%2Fnested%2Finner%3Fa%3Db -access");
            let back = alice.get("/nested/inner?a=b").accept_html().follow().await;
            site.expect_eq("status and path", (back.status().as_u16(), back.path()), (200, "/nested/inner?a=b"));
        }),
        in_redirect_mode("a form to a route under Require", |site| async move {
            let mut alice = site.alice().await;
            let csrf = csrf_token(&alice);
            site.expire_access();
            let back = alice.post("/guarded/page").accept_html().form(&[("csrf_token", csrf)]).follow().await;
            site.expect_eq("status and path", (back.status().as_u16(), back.path()), (200, "/guarded/page"));
            site.expect_eq("handler runs", back.json()["calls"].as_u64(), Some(1));
        }),
        in_redirect_mode("a page without an access cookie", |site| async move {
            let mut alice = site.alice().await;
            alice.jar().remove(ACCESS);
            let redirect = alice.clone().get("/protected").accept_html().send().await;
            site.expect("to the refresh URL", &redirect, "303 → /token/refresh?next=%2Fprotected -access");
            let back = alice.get("/protected").accept_html().follow().await;
            site.expect("back to the page", &back, "200");
        }),
        in_redirect_mode("a page that needs a fresh token ends at the password form", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let first = alice.get("/fresh").accept_html().send().await;
            site.expect("to the refresh URL", &first, "303 → /token/refresh?next=%2Ffresh -access");
            let second = alice.get("/token/refresh?next=%2Ffresh").accept_html().send().await;
            site.expect("back to the page", &second, "303 → /fresh +access +refresh");
            let third = alice.get("/fresh").accept_html().send().await;
            site.expect("not fresh", &third, "303 → /reauthenticate?next=%2Ffresh");
        }),
    ]
}

fn refusals() -> Vec<Case> {
    vec![
        in_redirect_mode("a program is not redirected", |site| async move {
            let alice = site.alice().await;
            site.expire_access();
            let get = alice.clone().get("/protected").accept_json().send().await;
            site.expect("GET", &get, "401 refresh_needed -access");
            site.expect_eq("refresh_url", get.json()["refresh_url"].as_str(), Some("/token/refresh"));
            let post = alice.clone().post("/protected").accept_json().csrf().send().await;
            site.expect("POST", &post, "401 refresh_needed -access");
            site.expect_eq("handler runs", site.calls().await, 0);
        }),
        in_redirect_mode("htmx is redirected by HX-Redirect", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let request = alice.get("/protected").header("hx-request", "true");
            let response = request.header("hx-current-url", "https://site.example/list").send().await;
            site.expect("GET", &response, "401 htmx → /token/refresh?next=%2Flist -access");
        }),
        in_redirect_mode("a form without its CSRF value is not redirected", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let response = alice.post("/echo").accept_html().form(&[("a", "b")]).send().await;
            site.expect("POST", &response, "403");
            let response = alice.post("/echo").header("sec-fetch-site", "cross-site").csrf().send().await;
            site.expect("from another site", &response, "403 csrf_cross_site");
        }),
        in_redirect_mode("an optional token is not redirected", |site| async move {
            let mut visitor = site.visitor();
            site.expect("without cookies", &visitor.get("/anyone").accept_html().send().await, "200");
            let mut alice = site.alice().await;
            alice.jar().remove(ACCESS);
            let response = alice.get("/anyone").accept_html().send().await;
            site.expect_eq(
                "without an access cookie",
                (response.status().as_u16(), response.json()),
                (200, json!({ "sub": null })),
            );
        }),
        in_redirect_mode("a request without cookies goes to the log-in page", |site| async move {
            let page = site.visitor().get("/protected").accept_html().send().await;
            site.expect("page", &page, "303 → /login?next=%2Fprotected");
            site.expect("program", &site.visitor().get("/protected").send().await, "401 missing_token");
        }),
    ]
}

fn refresh_url() -> Vec<Case> {
    vec![
        in_redirect_mode("the refresh URL responds to a program with JSON", |site| async move {
            let mut alice = site.alice().await;
            let response = alice.post("/token/refresh").accept_json().csrf().send().await;
            site.expect("POST", &response, "200 +access +refresh");
            site.expect_eq("body", response.json(), json!({ "refreshed": true }));
        }),
        in_redirect_mode("the refresh URL refuses a POST without the CSRF value", |site| async move {
            let mut alice = site.alice().await;
            let response = alice.post("/token/refresh").accept_json().send().await;
            site.expect("POST", &response, "403 csrf_missing");
            site.expect_eq("rotations", site.store.rotations(), 0);
        }),
        in_redirect_mode("the refresh URL without cookies", |site| async move {
            let mut visitor = site.visitor();
            let api = visitor.post("/token/refresh").accept_json().send().await;
            site.expect("program", &api, "401 missing_token");
            let page = visitor.get("/token/refresh?next=%2Fprotected").accept_html().send().await;
            site.expect("page", &page, "303 → /login?next=%2Fprotected");
        }),
        in_redirect_mode("the refresh URL after the refresh token has expired", |site| async move {
            let alice = site.alice().await;
            site.expire_all();
            let url = "/token/refresh?next=%2Fprotected";
            let page = alice.clone().get(url).accept_html().send().await;
            site.expect("page", &page, "303 → /login?next=%2Fprotected&ended=1 -access -refresh");
            let api = alice.clone().post("/token/refresh").accept_json().csrf().send().await;
            site.expect("program", &api, "401 expired -access -refresh");
        }),
        in_redirect_mode("the refresh URL after the session has ended", |site| async move {
            let mut alice = site.alice().await;
            site.authenticator.revoke_all_sessions("alice").await.unwrap();
            let response = alice.get("/token/refresh").accept_html().send().await;
            site.expect("GET", &response, "303 → /login?ended=1 -access -refresh");
        }),
        in_redirect_mode("the refresh URL without next redirects home", |site| async move {
            let mut alice = site.alice().await;
            let response = alice.get("/token/refresh").accept_html().send().await;
            site.expect("GET", &response, "303 → / +access +refresh");
        }),
        Case::new("the refresh URL refuses GET in transparent mode", |site| async move {
            let mut alice = site.alice().await;
            for accept in ["text/html", "application/json"] {
                let response = alice.get("/token/refresh?next=%2Fprotected").header("accept", accept).send().await;
                site.expect_eq(accept, response.status().as_u16(), 405);
                site.expect_eq("Allow", response.header("allow"), Some("POST"));
            }
            site.expect_eq("rotations", site.store.rotations(), 0);
            site.expect("POST", &alice.post("/token/refresh").csrf().send().await, "200 +access +refresh");
        }),
        in_redirect_mode("the refresh URL refuses GET from another site", |site| async move {
            let mut alice = site.alice().await;
            let request = alice.get("/token/refresh?next=%2Fprotected").accept_json();
            let response = request.header("sec-fetch-site", "cross-site").send().await;
            site.expect("GET", &response, "403 csrf_cross_site");
            site.expect_eq("rotations", site.store.rotations(), 0);
        }),
        in_redirect_mode("the refresh URL refuses HEAD", |site| async move {
            let mut alice = site.alice().await;
            let response = alice.request(Method::HEAD, "/token/refresh?next=%2Fprotected").send().await;
            site.expect_eq("HEAD", response.status().as_u16(), 405);
            site.expect_eq("rotations", site.store.rotations(), 0);
        }),
        in_redirect_mode("a log-out deletes the refresh cookie on its path", |site| async move {
            let mut alice = site.alice().await;
            let response = alice.post("/logout").csrf().send().await;
            site.expect("log-out", &response, "200 -access -refresh");
            site.expect_eq("cookies left", alice.cookies().len(), 0);
        }),
    ]
}
