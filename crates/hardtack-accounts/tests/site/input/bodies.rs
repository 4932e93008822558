//! Bodies of another kind, too long, or with fields that are repeated, empty or not text.

use serde_json::json;

use super::{FORM, JSON, READERS, assert_says, send, visitor_and_user};
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn s49_a_body_of_another_kind_is_not_taken() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    let json = r#"{"username":"alice","password":"hunter2 hunter2"}"#;
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nalice\r\n--x--\r\n";
    for (path, known) in READERS {
        for (kind, body) in [
            (Some("text/plain"), json),
            (Some("text/plain;charset=UTF-8"), json),
            (Some("text/json"), json),
            (Some("application/json-patch+json"), json),
            (Some("application/xml"), "<username>alice</username>"),
            (Some("multipart/form-data; boundary=x"), multipart),
            (Some("application/octet-stream"), json),
            (Some("nonsense"), json),
            (Some(""), json),
            (None, json),
            (None, ""),
        ] {
            for page in [true, false] {
                let client = if known { &mut user } else { &mut visitor };
                let response = send(client, path, page, kind, body).await;
                assert_says(&response, page, 415, "Send application/json or application/x-www-form-urlencoded");
            }
        }
    }
    assert_eq!(visitor.cookie(ACCESS), None);
    // Both media types may have parameters, in upper or lower case.
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=utf-8;x=y"] {
        let response = send(&mut user, "/account/change_settings", false, Some(kind), r#"{"email":""}"#).await;
        assert_eq!(response.status(), 200, "{kind}: {}", response.text());
    }
    for kind in ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-URLencoded"] {
        let response = send(&mut user, "/account/change_settings", false, Some(kind), "email=").await;
        assert_eq!(response.status(), 200, "{kind}: {}", response.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_field_is_refused() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    for (path, known, body) in [
        ("/login", false, "username=alice&username=bob&password=hunter2"),
        ("/login", false, "username=alice&password=hunter2&password=hunter2"),
        ("/signup", false, "username=alice&password=hunter2&user%6eame=bob"),
        ("/account/change_settings", true, "email=a%40b.example&email="),
        ("/account/password", true, "current_password=a&new_password=hunter2&new_password=hunter2"),
        ("/reauthenticate", true, "password=hunter2&password=hunter2"),
    ] {
        for page in [true, false] {
            let client = if known { &mut user } else { &mut visitor };
            let response = send(client, path, page, Some(FORM), body).await;
            assert_says(&response, page, 422, "Send each field once");
        }
    }
    // Two different CSRF tokens are refused.
    let page = open(&mut user, "/account").await;
    let token = field(&page, "/account/change_settings", "csrf_token");
    let fields = [("csrf_token", token.as_str()), ("csrf_token", "x"), ("email", "")];
    let response = user.post("/account/change_settings").accept_json().form(&fields).send().await;
    assert_says(&response, false, 403, "CSRF");
    assert_eq!(user.get("/account").accept_json().send().await.json()["email"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused_with_the_limit() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    let long = "x".repeat(16 * 1024);
    for (path, known) in READERS {
        for page in [true, false] {
            let client = if known { &mut user } else { &mut visitor };
            for (kind, body) in [(JSON, json!({ "username": long }).to_string()), (FORM, format!("username={long}"))] {
                let response = send(client, path, page, Some(kind), body).await;
                assert_says(&response, page, 413, "at most 16 KiB");
            }
        }
    }
    // A form with its token in a field, as a browser sends it.
    let page = open(&mut user, "/account").await;
    let typed = [("display_name", long.as_str())];
    let response = submit(&mut user, &page, "/account/change_settings", &typed).await;
    assert_says(&response, true, 413, "at most 16 KiB");
    // A body within the limit is read.
    let response =
        send(&mut user, "/account/change_settings", false, Some(FORM), format!("email={}", &long[..16_000])).await;
    assert_says(&response, false, 422, "you@site.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_fields_are_refused() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    for body in ["", "username=&password=", "&&&", "=", "username", "%"] {
        for page in [true, false] {
            let response = send(&mut visitor, "/signup", page, Some(FORM), body).await;
            assert_says(&response, page, 422, "Choose a user name.");
            assert!(response.text().contains("Choose a password of at least 8 characters."), "{}", response.text());
        }
    }
    let response = send(&mut visitor, "/signup", false, Some(JSON), "{}").await;
    assert_says(&response, false, 422, "Choose a user name.");
    for page in [true, false] {
        let response = send(&mut visitor, "/login", page, Some(FORM), "").await;
        assert_says(&response, page, 401, "do not match");
    }
    let response = send(&mut user, "/reauthenticate", true, Some(FORM), "").await;
    assert_says(&response, true, 401, "That is not your password.");
    let response = send(&mut user, "/account/password", true, Some(FORM), "").await;
    assert_says(&response, true, 422, "at least 8 characters");
    let response = send(&mut user, "/account/change_settings", false, Some(FORM), "").await;
    assert_eq!(response.status(), 200, "{}", response.text());
    assert_eq!(visitor.cookie(ACCESS), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_text_are_refused() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    for body in
        [&b"username=%ff&password=correct+horse+battery"[..], b"username=\xff\xfe&password=correct+horse+battery"]
    {
        let response = send(&mut visitor, "/signup", false, Some(FORM), body).await;
        assert_says(&response, false, 422, "only letters, digits and . _ - @ +");
    }
    let response = send(&mut visitor, "/login", false, Some(FORM), &b"username=alice&password=%ff%fe"[..]).await;
    assert_says(&response, false, 401, "do not match");
    // Unusual bytes in the path.
    for path in ["/%ff", "/%00", "/service%00", "/%2e%2e/%2e%2e/etc/passwd", "//service", "/service/", "/\u{e9}"] {
        for page in [true, false] {
            let path = path.replace('\u{e9}', "%C3%A9");
            let request = user.get(&path);
            let response = if page { request.accept_html() } else { request.accept_json() }.send().await;
            assert_says(&response, page, 404, "There is no page at this address.");
        }
    }
    for id in ["%ff", "%00", "..%2f..", "0", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", &"0".repeat(32), &"0".repeat(5000)] {
        let path = format!("/account/sessions/{id}/revoke");
        for page in [true, false] {
            let response = send(&mut user, &path, page, Some(FORM), "").await;
            let words = if page { "That device was already logged out." } else { "You have no session with this id." };
            assert_says(&response, page, 404, words);
        }
    }
    for query in ["next=%ff", "next=%00", "next", "next=&next=", "%", "%zz=%zz", &"a".repeat(5000), "next=%2f%2f"] {
        for path in ["/", "/login", "/signup", "/reauthenticate", "/account", "/account/sessions"] {
            let response = user.get(&format!("{path}?{query}")).accept_html().send().await;
            let status = if ["/login", "/signup"].contains(&path) { 303 } else { 200 };
            assert_eq!(response.status(), status, "{path}?{query}");
        }
    }
    // Unusual bytes in other header fields.
    for (name, value) in [
        ("user-agent", &b"\xff\xfe\x80"[..]),
        ("user-agent", &[b'x'; 20_000]),
        ("accept", b"\xff"),
        ("accept", b";;;,,,q=;"),
        ("accept-language", b"\xff"),
        ("x-forwarded-for", b"\xff"),
        ("referer", b"\xff"),
    ] {
        let body = json!({ "username": "alice", "password": PASSWORD });
        let response = site.client().post("/login").header(name, value).json(&body).send().await;
        assert_eq!(response.status(), 200, "{name}: {}", response.text());
    }
    let list = user.get("/account/sessions").accept_json().send().await;
    assert_eq!(list.json()["sessions"].as_array().unwrap().len(), 8);
    assert_eq!(open(&mut user, "/account/sessions").await.status(), 200);
}
