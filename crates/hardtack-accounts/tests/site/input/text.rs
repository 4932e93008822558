//! Names and settings in any script.

use serde_json::json;

use super::{FORM, JSON, assert_says, send};
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn names_in_any_script_and_of_any_length() {
    let site = TestSite::start(Options::default()).await;
    let longest = "ü".repeat(64);
    for (name, other) in [("Jörg", "JÖRG"), ("名前", "名前"), (longest.as_str(), longest.as_str())] {
        let mut client = site.client();
        let user = sign_up(&mut client, name).await;
        assert_eq!(user["username"], name);
        assert_eq!(whoami(&mut client).await.as_deref(), Ok(name));
        assert_eq!(log_in(&mut site.client(), other, PASSWORD).await.status(), 200, "{other}");
        let page = open(&mut client, "/service").await;
        assert!(page.text().contains(name), "{}", page.text());
    }
    let mut client = site.client();
    for (name, words) in [
        ("ü".repeat(65), "at most 64 characters"),
        ("a".repeat(10_000), "at most 64 characters"),
        ("a\0b".to_owned(), "only letters, digits and . _ - @ +"),
        ("\0".to_owned(), "only letters, digits and . _ - @ +"),
        ("a b".to_owned(), "only letters, digits and . _ - @ +"),
        ("a\r\nb".to_owned(), "only letters, digits and . _ - @ +"),
        ("<script>".to_owned(), "only letters, digits and . _ - @ +"),
        ("\u{202e}ecila".to_owned(), "only letters, digits and . _ - @ +"),
        ("a\u{200b}".to_owned(), "only letters, digits and . _ - @ +"),
        ("\u{feff}a".to_owned(), "only letters, digits and . _ - @ +"),
        ("🦀".to_owned(), "only letters, digits and . _ - @ +"),
        ("\u{fffd}".to_owned(), "only letters, digits and . _ - @ +"),
    ] {
        let body = json!({ "username": name, "password": PASSWORD }).to_string();
        let response = send(&mut client, "/signup", false, Some(JSON), body).await;
        assert_says(&response, false, 422, words);
        assert!(response.json()["errors"]["username"].is_string(), "{}", response.text());
        // The input is shown again, escaped.
        let body = format!("username={}", form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>());
        let response = send(&mut client, "/signup", true, Some(FORM), body).await;
        assert_says(&response, true, 422, words);
        assert!(!response.text().contains("<script"), "{}", response.text());
    }
    for name in ["a\0b".to_owned(), "a".repeat(10_000), "' OR 1=1 --".to_owned(), "\u{202e}".to_owned()] {
        let response = log_in(&mut client, &name, PASSWORD).await;
        assert_says(&response, false, 401, "do not match");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_in_any_script_and_no_control_characters() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.person("alice").await;
    for (name, email) in [("Ælfrēd 王 🦀", "jörg@bücher.example"), ("<b>\"'&</b>", "a+b@c.example")] {
        let body = json!({ "display_name": name, "email": email, "current_password": PASSWORD }).to_string();
        let response = send(&mut client, "/account/change_settings", false, Some(JSON), body).await;
        assert_eq!(response.status(), 200, "{}", response.text());
        assert_eq!(response.json()["display_name"], name);
        let page = open(&mut client, "/account").await;
        assert_eq!(field(&page, "/account/change_settings", "display_name"), name);
        assert_eq!(field(&page, "/account/change_settings", "email"), email);
        assert!(!page.text().contains("<b>"), "{}", page.text());
    }
    for (field, value) in [
        ("display_name", "a\0b".to_owned()),
        ("display_name", "a\nb".to_owned()),
        ("display_name", "x".repeat(81)),
        ("email", "a@b\0.example".to_owned()),
        ("email", "a@b.example\r\nBcc: c@d.example".to_owned()),
        ("email", format!("{}@b.example", "a".repeat(300))),
        ("email", "alice".to_owned()),
    ] {
        let response =
            send(&mut client, "/account/change_settings", false, Some(JSON), json!({ field: value }).to_string()).await;
        assert_says(&response, false, 422, "");
        assert!(response.json()["errors"][field].is_string(), "{}", response.text());
    }
}

/// A request that changes only the address keeps the name that another request stores during the password check.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_changes_only_the_members_that_it_sends() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.person("alice").await;
    for round in 0..4 {
        let (name, email) = (format!("Name {round}"), format!("a{round}@b.example"));
        let with_name = json!({ "display_name": name }).to_string();
        let with_email = json!({ "email": email, "current_password": PASSWORD }).to_string();
        let mut other = client.clone();
        let (first, second) = tokio::join!(
            send(&mut other, "/account/change_settings", false, Some(JSON), with_email),
            send(&mut client, "/account/change_settings", false, Some(JSON), with_name),
        );
        assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200), "{}", first.text());
        let page = open(&mut client, "/account").await;
        assert_eq!(field(&page, "/account/change_settings", "display_name"), name);
        assert_eq!(field(&page, "/account/change_settings", "email"), email);
    }
}
