//! Tokens that are not in a cookie: in header fields, query parameters and JSON bodies.

use hardtack::TokenLocation::{Cookies, Headers, Json, QueryString};
use serde_json::{Value, json};

use crate::harness::{ACCESS, Case, Site, cookie_value};

/// The maximum number of bytes that the adapter reads ahead from a body.
const PEEK_LIMIT: usize = 64 * 1024;

pub(super) fn cases() -> Vec<Case> {
    fn case<F>(name: &str, run: impl FnOnce(Site) -> F + 'static) -> Case
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let everywhere = [Headers, Cookies, QueryString, Json];
        Case::new(format!("token locations: {name}"), run).configured(move |builder| builder.token_sources(everywhere))
    }
    vec![
        Case::new("token locations: only cookies by default", |site| async move {
            let token = cookie_value(&site.alice().await, ACCESS);
            let mut visitor = site.visitor();
            let bearer = visitor.get("/protected").header("authorization", format!("Bearer {token}")).send().await;
            site.expect("header", &bearer, "401 missing_token");
            let query = visitor.get(&format!("/protected?jwt={token}")).send().await;
            site.expect("query", &query, "401 missing_token");
            let body = visitor.post("/protected").json(&json!({ "access_token": token })).send().await;
            site.expect("body", &body, "401 missing_token");
        }),
        case("the Authorization header", |site| async move {
            let token = cookie_value(&site.alice().await, ACCESS);
            let mut visitor = site.visitor();
            for value in [format!("Bearer {token}"), format!("Basic eHk6eg==, Bearer {token}")] {
                let response = visitor.get("/protected").header("authorization", &value).send().await;
                site.expect("GET", &response, "200");
                site.expect_eq("sub", response.json()["sub"].clone(), json!("alice"));
            }
            // Browsers do not send this header on their own, so the CSRF value is not checked, the client is not
            // redirected, and no cookies are deleted.
            let post = visitor.post("/protected").header("authorization", format!("Bearer {token}"));
            let foreign = post.header("sec-fetch-site", "cross-site").send().await;
            site.expect("POST", &foreign, "200");
            let bad = visitor.get("/protected").header("authorization", "Bearer a.b.c").accept_html().send().await;
            site.expect("an invalid token", &bad, "401 malformed");
        }),
        case("two Authorization headers", |site| async move {
            let token = cookie_value(&site.alice().await, ACCESS);
            let mut visitor = site.visitor();
            let response = visitor
                .get("/protected")
                .header("authorization", "Basic eHk6eg==")
                .add_header("authorization", format!("Bearer {token}"))
                .send()
                .await;
            site.expect("GET", &response, "200");
        }),
        case("the query string", |site| async move {
            let token = cookie_value(&site.alice().await, ACCESS);
            let response = site.visitor().get(&format!("/protected?a=b&jwt={token}")).send().await;
            site.expect("GET", &response, "200");
        }),
        case("the query parameter twice", |site| async move {
            let token = cookie_value(&site.alice().await, ACCESS);
            for query in [format!("jwt={token}&jwt={token}"), format!("jwt={token}&a=b&jwt=")] {
                let response = site.visitor().get(&format!("/protected?{query}")).send().await;
                site.expect("GET", &response, "401 malformed_credentials");
                expect_twice(&site, &response.json(), "query parameter");
            }
        }),
        case("a JSON body with the token twice", |site| async move {
            let token = cookie_value(&site.alice().await, ACCESS);
            for other in [json!(token), json!(null)] {
                let body = format!("{{\"access_token\": {other}, \"a\": 1, \"access_token\": \"{token}\"}}");
                let mut visitor = site.visitor();
                let post = visitor.post("/echo").header("content-type", "application/json").body(body);
                let response = post.send().await;
                site.expect("POST", &response, "401 malformed_credentials");
                expect_twice(&site, &response.json(), "JSON body");
            }
        }),
        case("a JSON body, and the handler receives every byte", |site| async move {
            let token = cookie_value(&site.alice().await, ACCESS);
            for filler in [0, 1000, PEEK_LIMIT - 2000] {
                let body = json!({ "access_token": token, "z": "x".repeat(filler) });
                let response = site.visitor().post("/echo").json(&body).send().await;
                site.expect("POST", &response, "200");
                site.expect_eq("every byte", response.json() == body, true);
            }
        }),
        case("a JSON body that is longer than the peek", |site| async move {
            let token = cookie_value(&site.alice().await, ACCESS);
            let body = json!({ "access_token": token, "z": "x".repeat(PEEK_LIMIT) });
            let response = site.visitor().post("/echo").json(&body).send().await;
            site.expect("without a cookie", &response, "401 body_beyond_peek");
            // If the token is not in the body, only the application limits the length of the body.
            let mut visitor = site.visitor();
            let response =
                visitor.post("/echo").header("authorization", format!("Bearer {token}")).json(&body).send().await;
            site.expect("with a header", &response, "200");
            site.expect_eq("every byte", response.json() == body, true);
        }),
        case("cookies keep their CSRF check", |site| async move {
            let mut alice = site.alice().await;
            site.expect("GET", &alice.get("/protected").send().await, "200");
            site.expect("POST", &alice.post("/protected").send().await, "403 csrf_missing");
            site.expect("POST with the CSRF value", &alice.post("/protected").csrf().send().await, "200");
        }),
    ]
}

/// Checks that a problem document says which part of the request contains the token more than once.
fn expect_twice(site: &Site, problem: &Value, place: &str) {
    let detail = problem["detail"].as_str().unwrap_or_default();
    site.expect_eq(place, detail.contains(place) && detail.contains("for the token more than once"), true);
    site.expect_eq("msg", &problem["msg"], &problem["detail"]);
}
