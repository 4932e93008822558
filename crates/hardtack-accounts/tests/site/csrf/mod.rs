//! Requests that other sites can make a browser send.

mod log_out;
mod methods;
mod other_sites;
mod tokens;

use hardtack_test_support::client::{Client, Response};
use hardtack_test_support::random_values::without_random_values;
use serde_json::{Value, json};

use crate::support::{PASSWORD, whoami};

/// The routes that change something for a user who is logged in.
const CHANGING: [&str; 6] = [
    "/account/change_settings",
    "/account/password",
    "/account/sessions/revoke-others",
    "/account/sessions/00000000000000000000000000000000/revoke",
    "/reauthenticate",
    "/logout",
];

/// A body that all of these routes accept.
fn body() -> Value {
    json!({ "display_name": "Eve", "email": "eve@evil.example", "password": PASSWORD,
            "current_password": PASSWORD, "new_password": "evil evil evil" })
}

fn form(csrf: Option<&str>) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = csrf.map(|value| ("csrf_token".into(), value.into())).into_iter().collect();
    for (name, value) in body().as_object().unwrap() {
        fields.push((name.clone(), value.as_str().unwrap().to_owned()));
    }
    fields
}

fn assert_csrf(response: &Response, code: &str, what: &str) {
    assert_eq!(response.status(), 403, "{what}: {}", response.text());
    // A log-in or sign-up form is shown again. If its cookie was missing, the response sets a new one.
    let cookies = response.set_cookies();
    assert!(cookies.iter().all(|cookie| cookie.name == "csrf_pre_session"), "{what}: {cookies:?}");
    if response.header("content-type") == Some("application/problem+json") {
        assert!(response.text().contains("CSRF"), "{what}: does not say CSRF: {}", response.text());
        assert_eq!(response.json()["code"], code, "{what}");
    } else {
        assert!(response.text().contains("othing was changed"), "{what}: {}", response.text());
        assert!(!without_random_values(response.text()).contains("CSRF"), "{what}: {}", response.text());
    }
}

/// Asserts that nothing in [`body`] was applied, and the browser is still logged in.
async fn assert_untouched(client: &mut Client, others: &mut Client) {
    let account = client.get("/account").accept_json().send().await;
    assert_eq!(account.status(), 200, "{}", account.text());
    assert_eq!((&account.json()["display_name"], &account.json()["email"]), (&json!(""), &json!("")));
    assert!(whoami(others).await.is_ok(), "another session was ended");
}
