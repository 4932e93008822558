//! A test that visits a shop at `/` and its back office at `/staff`. The shop and the back office each have a realm of
//! their own, and a log-in whose password is `right`.

use std::net::SocketAddr;

use serde_json::json;

use crate::Client;

async fn get_text(browser: &mut Client, path: &str) -> String {
    let response = browser.get(path).accept_html().send().await;
    response.location().unwrap_or_else(|| response.text()).to_owned()
}

/// Logs one browser in to both realms and out of one. Also checks that a token is valid only in its own realm. The
/// server at `address` has the base URL `origin`.
pub async fn visit(address: SocketAddr, origin: &str) {
    let mut browser = Client::new(address).at_origin(origin);
    assert_eq!(get_text(&mut browser, "/").await, "/login?next=%2F");
    assert_eq!(get_text(&mut browser, "/staff").await, "/staff/login?next=%2Fstaff");
    for (path, name) in [("/login", "alice"), ("/staff/login", "bob")] {
        let typed = json!({ "username": name, "password": "right" });
        assert_eq!(browser.post(path).json(&typed).send().await.status(), 200);
    }
    assert_eq!(get_text(&mut browser, "/").await, "customer alice");
    assert_eq!(get_text(&mut browser, "/staff").await, "staff bob");

    // A log-out ends only the session in its own realm.
    let csrf = browser.cookie("__Host-staff_csrf_access_token").unwrap().value.clone();
    assert_eq!(browser.post("/staff/logout").header("x-csrf-token", csrf).send().await.status(), 200);
    assert_eq!(get_text(&mut browser, "/staff").await, "/staff/login?next=%2Fstaff");
    assert_eq!(get_text(&mut browser, "/").await, "customer alice");

    // A token is refused under the cookie name of the other realm, although the key is the same.
    let token = browser.cookie("__Host-access_token_cookie").unwrap().value.clone();
    let cookie = format!("__Host-staff_access_token_cookie={token}");
    let response = browser.get("/staff").raw_cookie_header(cookie).accept_json().send().await;
    assert_eq!(response.status(), 401, "{}", response.text());
}
