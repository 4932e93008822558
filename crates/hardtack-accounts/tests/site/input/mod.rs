//! Input that is malformed, too long or unusual: the response has a 4xx status and a helpful sentence.

mod bodies;
mod json;
mod mangled;
mod requests;
mod text;

use hardtack_test_support::client::{Client, Response};

use crate::support::*;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Routes that read a body, each with whether it needs a log-in.
const READERS: [(&str, bool); 5] = [
    ("/login", false),
    ("/signup", false),
    ("/account/change_settings", true),
    ("/account/password", true),
    ("/reauthenticate", true),
];

fn name_read_by(path: &str) -> &'static str {
    match path {
        "/account/change_settings" => "email",
        "/account/password" => "new_password",
        _ => "password",
    }
}

/// Sends a body in a request that is otherwise valid, so that the site can refuse only the body.
async fn send(client: &mut Client, path: &str, page: bool, kind: Option<&str>, body: impl Into<Vec<u8>>) -> Response {
    // Send the CSRF value in the header, because a malformed body has no CSRF field.
    let token = match client.cookie("csrf_access_token") {
        Some(cookie) => cookie.value.clone(),
        None => field(&client.get("/login").accept_html().send().await, "/login", "csrf_token"),
    };
    let request = client.post(path).header("x-csrf-token", token).body(body.into());
    let request = if let Some(kind) = kind { request.header("content-type", kind) } else { request };
    if page { request.accept_html().send().await } else { request.accept_json().send().await }
}

/// Asserts that the response says what is wrong in the requested format, and does not repeat the input.
fn assert_says(response: &Response, page: bool, status: u16, words: &str) {
    let what = format!("{} {} → {}", response.method(), response.path(), response.text());
    assert_eq!(response.status(), status, "{what}");
    if page {
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"), "{what}");
        // A page avoids protocol terms.
        let texts = [words, "nothing was changed", "There is no page at this address."];
        assert!(texts.iter().any(|text| response.text().contains(text)), "{what}");
    } else {
        assert_eq!(response.header("content-type"), Some("application/problem+json"), "{what}");
        let problem = response.json();
        assert!(problem["detail"].as_str().unwrap().contains(words), "{what}");
        assert_eq!(problem["status"], status, "{what}");
        assert_eq!(problem["msg"], problem["detail"], "{what}");
    }
    assert!(!response.text().contains("hunter2"), "{what}");
}

/// The browsers of a visitor and of a user: some routes are for one, some for the other.
async fn visitor_and_user(site: &TestSite) -> (Client, Client) {
    (site.client(), site.person("alice").await)
}
