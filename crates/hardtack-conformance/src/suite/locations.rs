//! Tokens outside of cookies: in header fields, queries and JSON bodies, which are handed on whole.

use hardtack::TokenLocation::{Cookies, Headers, Json, QueryString};
/// How much of a body is read before the handler runs, in bytes.
const PEEK_LIMIT: usize = 64 * 1024;
use serde_json::json;

use super::case::Case;
use super::site::{ACCESS, Site, value_of};

pub(super) fn cases() -> Vec<Case> {
    fn case<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let everywhere = [Headers, Cookies, QueryString, Json];
        Case::new(format!("locations: {name}"), run).configured(move |builder| builder.token_sources(everywhere))
    }
    vec![
        Case::new("locations: cookies only, unless told otherwise", |site| async move {
            let token = value_of(&site.alice().await, ACCESS);
            let mut visitor = site.visitor();
            let bearer = visitor.get("/protected").header("authorization", format!("Bearer {token}")).send().await;
            site.expect("header", &bearer, "401 missing_token");
            let query = visitor.get(&format!("/protected?jwt={token}")).send().await;
            site.expect("query", &query, "401 missing_token");
            let body = visitor.post("/protected").json(&json!({ "access_token": token })).send().await;
            site.expect("body", &body, "401 missing_token");
        }),
        case("a header field", |site| async move {
            let token = value_of(&site.alice().await, ACCESS);
            let mut visitor = site.visitor();
            for value in [format!("Bearer {token}"), format!("Basic eHk6eg==, Bearer {token}")] {
                let answer = visitor.get("/protected").header("authorization", &value).send().await;
                site.expect("GET", &answer, "200");
                site.same("who", answer.json()["sub"].clone(), json!("alice"));
            }
            // No browser sends it by itself: no CSRF value, no origin, no redirect, no cookies unset.
            let post = visitor.post("/protected").header("authorization", format!("Bearer {token}"));
            let foreign = post.header("sec-fetch-site", "cross-site").send().await;
            site.expect("POST", &foreign, "200");
            let bad = visitor.get("/protected").header("authorization", "Bearer a.b.c").accept_html().send().await;
            site.expect("a bad one", &bad, "401 malformed");
        }),
        case("two header fields", |site| async move {
            let token = value_of(&site.alice().await, ACCESS);
            let mut visitor = site.visitor();
            let answer = visitor
                .get("/protected")
                .header("authorization", "Basic eHk6eg==")
                .add_header("authorization", format!("Bearer {token}"))
                .send()
                .await;
            site.expect("GET", &answer, "200");
        }),
        case("the query", |site| async move {
            let token = value_of(&site.alice().await, ACCESS);
            let answer = site.visitor().get(&format!("/protected?a=b&jwt={token}")).send().await;
            site.expect("GET", &answer, "200");
        }),
        case("a JSON body, which the handler gets whole", |site| async move {
            let token = value_of(&site.alice().await, ACCESS);
            for filler in [0, 1000, PEEK_LIMIT - 2000] {
                let body = json!({ "access_token": token, "z": "x".repeat(filler) });
                let answer = site.visitor().post("/echo").json(&body).send().await;
                site.expect("POST", &answer, "200");
                site.same("every byte", answer.json() == body, true);
            }
        }),
        case("a JSON body beyond the peek", |site| async move {
            let token = value_of(&site.alice().await, ACCESS);
            let body = json!({ "access_token": token, "z": "x".repeat(PEEK_LIMIT) });
            let answer = site.visitor().post("/echo").json(&body).send().await;
            site.expect("without a cookie", &answer, "401 body_beyond_peek");
            // Whoever has put the token elsewhere sends as much as the application takes.
            let mut visitor = site.visitor();
            let answer =
                visitor.post("/echo").header("authorization", format!("Bearer {token}")).json(&body).send().await;
            site.expect("with a header", &answer, "200");
            site.same("every byte", answer.json() == body, true);
        }),
        case("cookies with their CSRF protection, where no header is", |site| async move {
            let mut alice = site.alice().await;
            site.expect("GET", &alice.get("/protected").send().await, "200");
            site.expect("POST", &alice.post("/protected").send().await, "403 csrf_missing");
            site.expect("with the value", &alice.post("/protected").csrf().send().await, "200");
        }),
    ]
}
