//! Tests what happens if the session store is down or a user look-up fails.

use serde_json::json;

use crate::application::UNSURE_ERROR;
use crate::harness::{Case, PRE_SESSION, Site};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("store down: valid tokens are still accepted", |site| async move {
            let mut alice = site.alice().await;
            site.store.fail();
            site.expect("GET", &alice.get("/protected").send().await, "200");
            site.expect("POST", &alice.post("/protected").csrf().send().await, "200");
            site.expect("without cookies", &site.visitor().get("/protected").send().await, "401 missing_token");
        }),
        Case::new("store down: a refresh gets a 503 and the cookies are kept", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            site.store.fail();
            for path in ["/protected", "/anyone", "/guarded/page", "/nested/inner", "/user"] {
                let refused = alice.get(path).accept_json().send().await;
                site.expect(path, &refused, "503 store_unavailable");
                site.expect_eq("Retry-After", refused.header("retry-after"), Some("5"));
                let page = alice.get(path).accept_html().send().await;
                site.expect(path, &page, "503");
                site.expect_eq("content type", page.header("content-type"), Some("text/html; charset=utf-8"));
            }
            site.store.recover();
            site.expect("afterwards", &alice.get("/protected").send().await, "200 +access +refresh");
        }),
        Case::new("store down: log-in, log-out, refresh and renewal get a 503", |site| async move {
            let mut alice = site.alice().await;
            site.store.fail();
            let log_in = site.visitor().post("/login").json(&json!({ "sub": "bob" })).send().await;
            site.expect("log-in", &log_in, "503 store_unavailable");
            site.expect("log-out", &alice.post("/logout").csrf().send().await, "503 store_unavailable");
            site.expect("refresh", &alice.post("/token/refresh").csrf().send().await, "503 store_unavailable");
            site.expect("renew", &alice.post("/renew").csrf().send().await, "503 store_unavailable");
            let form = site.visitor().get("/form").send().await;
            site.expect_eq("a form for a log-in needs no store", form.set_cookie(PRE_SESSION).is_some(), true);
            site.store.recover();
            site.expect("still logged in", &alice.get("/protected").send().await, "200");
        }),
        Case::new("store down: the application's user look-up fails", user_lookup),
        Case::new("store down: a change that may have been stored", outcome_unknown),
    ]
}

/// The route's change may have been stored, so the reply does not ask the client to repeat it.
async fn outcome_unknown(site: Site) {
    let mut alice = site.alice().await;
    let problem = alice.get("/unsure").accept_json().send().await;
    site.expect("a program", &problem, "503 outcome_unknown");
    let page = alice.get("/unsure").accept_html().send().await;
    site.expect("a person", &page, "503");
    for response in [&problem, &page] {
        let text = response.text();
        site.expect_eq("Retry-After", response.header("retry-after"), None);
        site.expect_eq("says what is known", text.contains("may or may not have been saved"), true);
        site.expect_eq("has a title of its own", text.contains("Please check your change"), true);
        site.expect_eq("does not ask for a repetition", text.to_lowercase().contains("try again"), false);
        site.expect_eq("the error stays in the log", text.contains(UNSURE_ERROR), false);
    }
    site.expect("still logged in", &alice.get("/protected").send().await, "200");
}

async fn user_lookup(site: Site) {
    let mut broken = site.logged_in("broken").await;
    for path in ["/user", "/user/optional"] {
        let refused = broken.get(path).accept_json().send().await;
        site.expect(path, &refused, "503 store_unavailable");
        site.expect_eq("Retry-After", refused.header("retry-after"), Some("5"));
        site.expect("a page", &broken.get(path).accept_html().send().await, "503");
    }
    site.expect("a route without the look-up", &broken.get("/protected").send().await, "200");
}
