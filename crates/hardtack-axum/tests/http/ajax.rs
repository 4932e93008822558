//! The API of the AJAX example, as its page calls it.

use hardtack_test_support::Client;
use serde_json::{Value, json};

use crate::ajax_example::{app, people::People};
use crate::site::Site;

async fn call(client: &mut Client, path: &str, body: &Value) -> (u16, Value) {
    let csrf = client.cookie("__Host-csrf_access_token").map(|cookie| cookie.value.clone()).unwrap_or_default();
    let request = client.post(path).accept_json().header("x-csrf-token", csrf).header("sec-fetch-site", "same-origin");
    let response = request.json(body).send().await;
    (response.status().as_u16(), response.json())
}

#[tokio::test]
async fn the_api_works_with_json_alone() {
    let people = People::new().unwrap();
    let site = Site::bare(|builder| builder, |auth| app(auth, people)).await;
    let mut script = site.visitor();
    assert!(script.get("/").accept_html().send().await.text().contains("X-CSRF-TOKEN"));
    assert_eq!(script.get("/api/account").accept_json().send().await.json()["code"], "missing_token");

    let (status, problem) = call(&mut script, "/api/login", &json!({ "username": "alice", "password": "guess" })).await;
    assert_eq!((status, problem["code"].as_str()), (401, Some("wrong_credentials")));
    let (status, _) =
        call(&mut script, "/api/login", &json!({ "username": "alice", "password": "correct horse" })).await;
    assert_eq!(status, 200);
    let (status, problem) = call(&mut script, "/api/account", &json!({ "nickname": " " })).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("empty_nickname")));
    assert_eq!(call(&mut script, "/api/account", &json!({ "nickname": "Al" })).await.0, 200);
    let account = script.get("/api/account").accept_json().send().await;
    assert_eq!(account.json(), json!({ "name": "alice", "nickname": "Al" }));

    let forged = script.post("/api/account").accept_json().json(&json!({ "nickname": "Eve" })).send().await;
    assert_eq!((forged.status().as_u16(), forged.json()["code"].as_str()), (403, Some("csrf_missing")));

    site.expire_access();
    assert_eq!(call(&mut script, "/api/account", &json!({ "nickname": "Ali" })).await.0, 200, "refreshed in place");
    assert_eq!(call(&mut script, "/api/logout", &json!({})).await.0, 200);
    assert!(script.cookies().is_empty());
}

#[tokio::test]
async fn s49_only_json() {
    let people = People::new().unwrap();
    let site = Site::bare(|builder| builder, |auth| app(auth, people)).await;
    let body = json!({ "username": "alice", "password": "correct horse" }).to_string();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let mut client = site.visitor();
        let refused = client.post("/api/login").header("content-type", content_type).body(body.clone()).send().await;
        assert_eq!(refused.status(), 415, "{content_type}");
        assert!(client.cookies().is_empty());
    }
}
