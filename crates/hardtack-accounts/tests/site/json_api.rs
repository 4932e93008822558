//! API clients: JSON requests and responses, cookies in a jar, the CSRF token in a header.

use hardtack::RefreshMode;
use hardtack_test_support::client::{Client, Response};
use serde_json::{Value, json};

use crate::openapi::Document;
use crate::support::*;

const NEW_PASSWORD: &str = "a much longer phrase than before";

/// Sends GET with this `Accept`, or without the field if it is empty.
async fn get(client: &mut Client, accept: &str, path: &str) -> Response {
    let request = client.get(path);
    if accept.is_empty() { request.send().await } else { request.header("accept", accept).send().await }
}

/// Sends JSON, with the CSRF token if there is one.
async fn post(client: &mut Client, accept: &str, path: &str, body: &Value) -> Response {
    let known = client.cookie("csrf_access_token").is_some();
    let request = client.post(path).json(body);
    let request = if known { request.csrf() } else { request };
    if accept.is_empty() { request.send().await } else { request.header("accept", accept).send().await }
}

fn assert_problem(response: &Response, status: u16, code: &str) {
    assert_eq!(response.status(), status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    let problem = response.json();
    assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{problem}");
    assert_eq!(problem["detail"], problem["msg"]);
    assert!(problem["detail"].as_str().unwrap().ends_with('.'), "{problem}");
}

/// The whole flow, with the `Accept` of `curl` and of an API client. Each response is as documented.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_flow_by_json() {
    let site = TestSite::start(Options::default()).await;
    let document = Document::of(&site).await;
    for (accept, name) in [("*/*", "curl"), ("application/json", "postman"), ("", "bare")] {
        let mut client = site.client();
        let credentials = json!({ "username": name, "password": PASSWORD });

        let response = get(&mut client, accept, "/").await;
        document.check("/", &response);
        assert_eq!(response.json(), json!({ "user": null }));
        let response = get(&mut client, accept, "/service").await;
        document.check("/service", &response);
        assert_problem(&response, 401, "missing_token");

        // JSON needs no pre-session token.
        let response = post(&mut client, accept, "/signup", &credentials).await;
        document.check("/signup", &response);
        assert_eq!(response.status(), 200, "{}", response.text());
        let user = response.json();
        assert_eq!((&user["username"], &user["display_name"], &user["email"]), (&json!(name), &json!(""), &json!("")));
        assert_eq!(user["created_at"], site.now().unix_seconds());
        for path in ["/service", "/account"] {
            let response = get(&mut client, accept, path).await;
            document.check(path, &response);
            assert_eq!(response.json(), user, "{path}");
        }
        let response = get(&mut client, accept, "/").await;
        document.check("/", &response);
        assert_eq!(response.json(), json!({ "user": user }));

        let settings = json!({
            "display_name": "Someone",
            "email": "someone@site.example",
            "current_password": PASSWORD,
        });
        let response = post(&mut client, accept, "/account/change_settings", &settings).await;
        document.check("/account/change_settings", &response);
        let changed = response.json();
        assert_eq!(changed["display_name"], "Someone");
        assert_eq!(changed["email"], "someone@site.example");
        assert_eq!(get(&mut client, accept, "/account").await.json(), changed);

        let mut other = site.client();
        let response = post(&mut other, accept, "/login", &credentials).await;
        document.check("/login", &response);
        assert_eq!(response.json(), changed);
        let response = get(&mut client, accept, "/account/sessions").await;
        document.check("/account/sessions", &response);
        let sessions = response.json()["sessions"].clone();
        assert_eq!(sessions.as_array().unwrap().len(), 2, "{sessions}");
        assert_eq!((&sessions[0]["current"], &sessions[1]["current"]), (&json!(true), &json!(false)));
        let path = format!("/account/sessions/{}/revoke", sessions[1]["id"].as_str().unwrap());
        let response = post(&mut client, accept, &path, &json!({})).await;
        document.check("/account/sessions/{id}/revoke", &response);
        assert_eq!(response.json(), json!({ "revoked": 1 }));
        assert_eq!(whoami(&mut other).await, Err(401));
        let response = post(&mut client, accept, &path, &json!({})).await;
        document.check("/account/sessions/{id}/revoke", &response);
        assert_problem(&response, 404, "no_such_session");
        let response = post(&mut client, accept, "/account/sessions/revoke-others", &json!({})).await;
        document.check("/account/sessions/revoke-others", &response);
        assert_eq!(response.json(), json!({ "revoked": 0 }));

        let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        let response = post(&mut client, accept, "/account/password", &change).await;
        document.check("/account/password", &response);
        assert_eq!(response.json(), changed);
        let response = post(&mut client, accept, "/reauthenticate", &json!({ "password": NEW_PASSWORD })).await;
        document.check("/reauthenticate", &response);
        assert_eq!(response.json(), changed);

        let response = post(&mut client, accept, "/logout", &json!({})).await;
        document.check("/logout", &response);
        assert_eq!(response.json(), json!({ "logged_out": true }));
        assert_eq!(client.cookie(ACCESS), None);
        assert_eq!(whoami(&mut client).await, Err(401));
        let response = post(&mut client, accept, "/login", &credentials).await;
        document.check("/login", &response);
        assert_problem(&response, 401, "wrong_credentials");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_their_fields() {
    let site = TestSite::start(Options::default()).await;
    let document = Document::of(&site).await;
    let mut client = site.client();
    let refused = post(&mut client, "*/*", "/signup", &json!({ "username": "a b", "password": "short" })).await;
    document.check("/signup", &refused);
    assert_problem(&refused, 422, "invalid_fields");
    let errors = refused.json()["errors"].clone();
    assert_eq!(errors["username"], "A user name cannot contain spaces. Use only letters, digits and . _ - @ +");
    assert_eq!(errors["password"], "Choose a password of at least 8 characters. A long phrase works well.");
    assert_eq!(client.cookie(ACCESS), None);

    sign_up(&mut client, "alice").await;
    let taken = post(&mut site.client(), "*/*", "/signup", &json!({ "username": "ALICE", "password": PASSWORD })).await;
    assert_problem(&taken, 422, "invalid_fields");
    assert_eq!(
        taken.json()["errors"],
        json!({ "username": "That user name is taken. Choose another name, or log in if you have just signed up." })
    );

    let settings = json!({ "display_name": "x".repeat(81), "email": "nobody" });
    let refused = post(&mut client, "*/*", "/account/change_settings", &settings).await;
    document.check("/account/change_settings", &refused);
    assert_problem(&refused, 422, "invalid_fields");
    let fields: Vec<String> = refused.json()["errors"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["display_name", "email"]);

    for (current, new, status, field) in
        [("wrong", NEW_PASSWORD, 403, "current_password"), (PASSWORD, "short", 422, "new_password")]
    {
        let body = json!({ "current_password": current, "new_password": new });
        let refused = post(&mut client, "*/*", "/account/password", &body).await;
        document.check("/account/password", &refused);
        assert_problem(&refused, status, "invalid_fields");
        assert!(refused.json()["errors"][field].is_string(), "{}", refused.text());
    }
    for (body, code) in [
        (json!({ "password": "wrong" }), "wrong_password"),
        (json!({ "password": PASSWORD, "username": "bob" }), "other_user"),
    ] {
        let refused = post(&mut client, "*/*", "/reauthenticate", &body).await;
        document.check("/reauthenticate", &refused);
        assert_problem(&refused, 401, code);
    }
    // None of these requests has ended the session.
    assert_eq!(whoami(&mut client).await.as_deref(), Ok("alice"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_is_left_out_is_kept() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.person("alice").await;
    let settings = json!({ "display_name": "Alice", "email": "a@b.example", "current_password": PASSWORD });
    post(&mut client, "*/*", "/account/change_settings", &settings).await;
    let settings = json!({ "email": "", "current_password": PASSWORD });
    let changed = post(&mut client, "*/*", "/account/change_settings", &settings).await.json();
    assert_eq!((&changed["display_name"], &changed["email"]), (&json!("Alice"), &json!("")));
    let changed = post(&mut client, "*/*", "/account/change_settings", &json!({})).await.json();
    assert_eq!((&changed["display_name"], &changed["email"]), (&json!("Alice"), &json!("")));
}

/// A misspelt member is refused by name, and the response lists the members that the route accepts. A member of the
/// wrong type and a member that appears twice are also refused. Nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn a13_wrong_members_are_refused_by_name() {
    let site = TestSite::start(Options::default()).await;
    let document = Document::of(&site).await;
    let mut client = site.person("alice").await;
    let refused = post(&mut client, "*/*", "/account/change_settings", &json!({ "displayname": "x" })).await;
    document.check("/account/change_settings", &refused);
    assert_problem(&refused, 422, "malformed");
    let accepted = "This request has no such member. It accepts: display_name, email, current_password.";
    assert_eq!(refused.json()["errors"], json!({ "displayname": accepted }));
    assert_eq!(refused.json()["detail"], format!("`displayname`: {accepted}"));

    for (body, field, text) in [
        (r#"{"display_name": 1}"#, "display_name", "Send a string, not a number."),
        (r#"{"display_name": "x", "email": false}"#, "email", "Send a string, not a boolean."),
        (r#"{"email": [null]}"#, "email", "Send a string, not an array."),
        (r#"{"display_name": "x", "display_name": "y"}"#, "display_name", "Send this member only once."),
    ] {
        let request = client.post("/account/change_settings").accept_json().csrf();
        let refused = request.header("content-type", "application/json").body(body).send().await;
        document.check("/account/change_settings", &refused);
        assert_problem(&refused, 422, "malformed");
        assert_eq!(refused.json()["errors"], json!({ field: text }), "{body}");
    }
    let refused = post(&mut client, "*/*", "/account/sessions/revoke-others", &json!({ "except": ["1"] })).await;
    document.check("/account/sessions/revoke-others", &refused);
    assert_eq!(refused.json()["errors"]["except"], "This request has no such member. It accepts no members.");
    let unchanged = client.get("/account").accept_json().send().await.json();
    assert_eq!((&unchanged["display_name"], &unchanged["email"]), (&json!(""), &json!("")));
    // The response does not repeat the value, because the value may be a password.
    let refused = post(&mut site.client(), "*/*", "/login", &json!({ "username": "alice", "password": 424_242 })).await;
    document.check("/login", &refused);
    assert!(!refused.text().contains("424242"), "{}", refused.text());
}

/// An API client takes the CSRF token from the readable cookie. Other values are refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_csrf_value_is_in_a_readable_cookie() {
    let site = TestSite::start(Options::default()).await;
    let document = Document::of(&site).await;
    let mut client = site.person("alice").await;
    let readable = client.cookie("csrf_access_token").unwrap().clone();
    assert!(!readable.http_only, "{}", readable.raw);
    assert_eq!(readable.value, claims(&cookie(&client, ACCESS))["csrf"]);

    let body = json!({ "display_name": "Changed" });
    for (header, code) in [(None, "csrf_missing"), (Some(""), "csrf_mismatch"), (Some("AAAA"), "csrf_mismatch")] {
        let request = client.post("/account/change_settings").accept_json().json(&body);
        let request = if let Some(value) = header { request.header("x-csrf-token", value) } else { request };
        let refused = request.send().await;
        document.check("/account/change_settings", &refused);
        assert_problem(&refused, 403, code);
        assert!(refused.json()["detail"].as_str().unwrap().contains("CSRF"), "{}", refused.text());
        assert_eq!(refused.set_cookies(), [], "a forged request must not log the user out");
    }
    assert_eq!(client.get("/account").accept_json().send().await.json()["display_name"], "");
    let request = client.post("/account/change_settings").accept_json().json(&body);
    assert_eq!(request.header("x-csrf-token", &readable.value).send().await.json()["display_name"], "Changed");
}

/// A form without the token of its page is refused for that, not for a wrong password.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_by_form_needs_the_forms_token() {
    let site = TestSite::start(Options::default()).await;
    site.person("alice").await;
    let mut client = site.client();
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let refused = client.post("/login").accept_json().form(&fields).send().await;
    assert_problem(&refused, 403, "csrf_missing");
    assert_eq!(client.cookie(ACCESS), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_refreshed_in_place() {
    let site = TestSite::start(Options::default()).await;
    let document = Document::of(&site).await;
    let mut client = site.person("alice").await;
    let before = cookie(&client, ACCESS);
    site.expire_access();
    let response = client.get("/service").accept_json().send().await;
    document.check("/service", &response);
    assert_eq!(response.json()["username"], "alice");
    assert_ne!(cookie(&client, ACCESS), before);

    // The new token is not fresh, and the response says what an API client has to do.
    let response = client.get("/account").accept_json().send().await;
    document.check("/account", &response);
    assert_problem(&response, 401, "insufficient_user_authentication");
    let challenge = response.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""), "{challenge}");
    let response = post(&mut client, "*/*", "/reauthenticate", &json!({ "password": PASSWORD })).await;
    assert_eq!(response.status(), 200, "{}", response.text());
    assert_eq!(client.get("/account").accept_json().send().await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_refresh_in_place_an_api_client_gets_the_refresh_url() {
    for refresh in [RefreshMode::Redirect, RefreshMode::Off] {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let document = Document::of(&site).await;
        let mut client = site.person("alice").await;
        site.expire_access();
        let response = client.get("/service").accept_json().send().await;
        document.check("/service", &response);
        assert_eq!(response.status(), 401, "{}", response.text());
        assert_eq!(response.json()["refresh_url"], "/token/refresh", "{}", response.text());

        let csrf = cookie(&client, "csrf_refresh_token");
        let response = client.post("/token/refresh").accept_json().send().await;
        document.check("/token/refresh", &response);
        assert_problem(&response, 403, "csrf_missing");
        let response = client.post("/token/refresh").accept_json().header("x-csrf-token", &csrf).send().await;
        document.check("/token/refresh", &response);
        assert_eq!(response.json(), json!({ "refreshed": true }));
        assert_eq!(whoami(&mut client).await.as_deref(), Ok("alice"), "{refresh:?}");
        assert_eq!(claims(&cookie(&client, ACCESS))["fresh"], false);
    }
}

/// With `next`, the request is redirected with its body.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_with_next_keeps_the_body() {
    let site = TestSite::start(Options { refresh: RefreshMode::Redirect, ..Options::default() }).await;
    let document = Document::of(&site).await;
    let mut client = site.person("alice").await;
    let csrf = cookie(&client, "csrf_refresh_token");
    let request = client.post("/token/refresh?next=%2Faccount%2Fsessions%2Frevoke-others").accept_json();
    let response = request.header("x-csrf-token", &csrf).send().await;
    document.check("/token/refresh", &response);
    assert_eq!((response.status().as_u16(), response.location()), (307, Some("/account/sessions/revoke-others")));
}
