//! `Cache-Control`: what is one person's is kept by no cache, and all else is left alone.

use serde_json::json;

use super::case::Case;
use super::site::Site;
use crate::client::Response;

fn check(site: &Site, what: &str, response: &Response, expected: Option<&str>) {
    let expected: Vec<_> = expected.map(str::to_owned).into_iter().collect();
    site.same(what, response.headers_all("cache-control"), expected);
}

const OURS: Option<&str> = Some("private, no-store");

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("caching: authenticated responses", |site| async move {
            let mut alice = site.alice().await;
            let paths = ["/anyone", "/protected", "/fresh", "/refresh-token", "/user", "/user/optional"];
            for path in paths.into_iter().chain(["/guarded/page", "/guarded/token", "/nested/inner"]) {
                let answer = alice.get(path).send().await;
                site.expect(path, &answer, "200");
                check(&site, path, &answer, OURS);
            }
            let intercepted = alice.get("/intercepted").send().await;
            site.expect("another middleware's answer", &intercepted, "409");
            check(&site, "another middleware's answer", &intercepted, OURS);
            let posted = alice.post("/echo").csrf().body("x").send().await;
            check(&site, "POST /echo", &posted, OURS);
        }),
        Case::new("caching: anonymous responses", |site| async move {
            let mut visitor = site.visitor();
            for path in ["/anyone", "/user/optional", "/nowhere"] {
                check(&site, path, &visitor.get(path).send().await, None);
            }
        }),
        Case::new("caching: a log-in, a log-out and a refresh", |site| async move {
            let mut client = site.visitor();
            let answer = client.post("/login").json(&json!({ "sub": "alice" })).send().await;
            check(&site, "log-in", &answer, OURS);
            let answer = client.post("/token/refresh").csrf().send().await;
            check(&site, "refresh", &answer, OURS);
            let answer = client.post("/logout").csrf().send().await;
            check(&site, "log-out", &answer, OURS);
        }),
        Case::new("caching: a form", |site| async move {
            let mut client = site.visitor();
            check(&site, "with its cookie", &client.get("/form").send().await, OURS);
            let second = client.get("/form").send().await;
            site.same("the cookie is kept", second.set_cookies().len(), 0);
        }),
        Case::new("caching: the handler's own wish gives way", |site| async move {
            let mut alice = site.alice().await;
            check(&site, "GET /redirects", &alice.get("/redirects").send().await, OURS);
        }),
        Case::new("caching: cookies that only go", |site| async move {
            let mut alice = site.alice().await;
            site.expire_all();
            let answer = alice.get("/anyone").send().await;
            site.expect("GET", &answer, "200 -access -refresh");
            check(&site, "GET", &answer, OURS);
        }),
        Case::new("caching: what the router answers", |site| async move {
            let mut alice = site.alice().await;
            for answer in [alice.get("/nowhere").send().await, alice.get("/renew").send().await] {
                check(&site, answer.path(), &answer, None);
                site.same("no cookies", answer.set_cookies().len(), 0);
            }
        }),
    ]
}
