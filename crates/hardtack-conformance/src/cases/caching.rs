//! Tests the fields `Cache-Control` and `Vary`. Responses for a particular user must forbid caching, and the
//! `Cache-Control` of all other responses must stay unchanged. If a response depends on whether the request has a
//! token, its `Vary` must name the fields that can contain the token.

use hardtack::TokenLocation;
use serde_json::json;

use crate::client::Response;
use crate::harness::{Case, Site};

fn check(site: &Site, what: &str, response: &Response, expected: Option<&str>) {
    let expected: Vec<_> = expected.map(str::to_owned).into_iter().collect();
    site.expect_eq(what, response.headers_all("cache-control"), expected);
}

const NO_STORE: Option<&str> = Some("private, no-store");

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("caching: authenticated responses", |site| async move {
            let mut alice = site.alice().await;
            let paths = ["/anyone", "/protected", "/fresh", "/refresh-token", "/user", "/user/optional"];
            for path in paths.into_iter().chain(["/guarded/page", "/guarded/token", "/nested/inner"]) {
                let response = alice.get(path).send().await;
                site.expect(path, &response, "200");
                check(&site, path, &response, NO_STORE);
            }
            let intercepted = alice.get("/intercepted").send().await;
            site.expect("a response by another middleware", &intercepted, "409");
            check(&site, "a response by another middleware", &intercepted, NO_STORE);
            let posted = alice.post("/echo").csrf().body("x").send().await;
            check(&site, "POST /echo", &posted, NO_STORE);
        }),
        Case::new("caching: anonymous responses", |site| async move {
            let mut visitor = site.visitor();
            for path in ["/anyone", "/user/optional", "/nowhere"] {
                check(&site, path, &visitor.get(path).send().await, None);
            }
        }),
        Case::new("caching: e12: an optional token varies by cookie", |site| async move {
            for mut client in [site.visitor(), site.alice().await] {
                for path in ["/anyone", "/user/optional"] {
                    let response = client.get(path).send().await;
                    site.expect_eq(path, response.headers_all("vary"), vec!["Cookie".to_owned()]);
                }
                for path in ["/protected", "/nowhere", "/about"] {
                    let response = client.get(path).send().await;
                    site.expect_eq(path, response.headers_all("vary"), Vec::<String>::new());
                }
            }
        }),
        Case::new("caching: e12: an optional token in a header varies by that header", |site| async move {
            let response = site.visitor().get("/anyone").send().await;
            site.expect_eq("Vary", response.headers_all("vary"), vec!["Cookie, Authorization".to_owned()]);
        })
        .configured(|builder| builder.token_sources([TokenLocation::Headers, TokenLocation::Cookies])),
        Case::new("caching: a log-in, a log-out and a refresh", |site| async move {
            let mut client = site.visitor();
            let response = client.post("/login").json(&json!({ "sub": "alice" })).send().await;
            check(&site, "log-in", &response, NO_STORE);
            let response = client.post("/token/refresh").csrf().send().await;
            check(&site, "refresh", &response, NO_STORE);
            let response = client.post("/logout").csrf().send().await;
            check(&site, "log-out", &response, NO_STORE);
        }),
        Case::new("caching: a form for a log-in", |site| async move {
            let mut client = site.visitor();
            check(&site, "sets the cookie", &client.get("/form").send().await, NO_STORE);
            let second = client.get("/form").send().await;
            site.expect_eq("a second form keeps the cookie", second.set_cookies().len(), 0);
        }),
        Case::new("caching: no-store replaces the handler's own Cache-Control", |site| async move {
            let mut alice = site.alice().await;
            check(&site, "GET /redirects", &alice.get("/redirects").send().await, NO_STORE);
        }),
        Case::new("caching: a response that only deletes cookies", |site| async move {
            let mut alice = site.alice().await;
            site.expire_all();
            let response = alice.get("/anyone").send().await;
            site.expect("GET", &response, "200 -access -refresh");
            check(&site, "GET", &response, NO_STORE);
        }),
        Case::new("caching: responses by the router itself", |site| async move {
            let mut alice = site.alice().await;
            for response in [alice.get("/nowhere").send().await, alice.get("/renew").send().await] {
                check(&site, response.path(), &response, None);
                site.expect_eq("cookies", response.set_cookies().len(), 0);
            }
        }),
    ]
}
