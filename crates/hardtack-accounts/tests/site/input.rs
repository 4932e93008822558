//! Input that is malformed, too long or unusual: the response has a 4xx status and a helpful sentence.

use std::convert::Infallible;
use std::future::poll_fn;

use axum::Router;
use axum::body::{Body, to_bytes};
use hardtack_test_support::client::{Client, Response};
use hardtack_test_support::html::HtmlForms;
use http::{HeaderValue, Method, Request, StatusCode};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower_service::Service;

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
async fn the_position_of_a_json_error_is_reported() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    let deep = format!("{{\"username\":{}", "[".repeat(8000));
    for (path, known) in READERS {
        let client = if known { &mut user } else { &mut visitor };
        for body in [
            "",
            " ",
            "{",
            r#"{"NAME":"hunter2""#,
            r#"{"NAME":"hunter2",}"#,
            "{'NAME':'hunter2'}",
            "NAME=hunter2",
            r#"{"NAME":"hunter2"} {}"#,
            "{\"NAME\":\"\0\"}",
            "{\"NAME\":\"\x7f\"}",
            r#"{"NAME":"\ud800"}"#,
            "\u{feff}{}",
            "\x7f\x7f{\0}\0",
            "nan",
        ] {
            let body = body.replace("NAME", name_read_by(path)).into_bytes();
            // Insert a byte that is not valid UTF-8.
            let body: Vec<u8> = body.into_iter().map(|byte| if byte == 0x7f { 0xff } else { byte }).collect();
            let response = send(client, path, false, Some(JSON), body).await;
            assert_says(&response, false, 400, "The body is not valid JSON. The error is at line 1, column ");
        }
        let response = send(client, path, true, Some(JSON), "{").await;
        assert_says(&response, true, 400, "The body is not valid JSON");
        let response = send(client, path, false, Some(JSON), deep.as_str()).await;
        assert_says(&response, false, 400, "The body is not valid JSON");
    }
}

/// The syntax of these bodies is valid, so the response must not say that they are not valid JSON.
#[tokio::test(flavor = "multi_thread")]
async fn json_beyond_the_limits_of_the_parser_is_explained() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for (path, known) in READERS {
        let client = if known { &mut user } else { &mut visitor };
        let name = name_read_by(path);
        for (body, words) in [
            (format!("{{\"{name}\":1e999}}"), format!("The member \"{name}\" contains a number that is out of range.")),
            (format!("{{\"{name}\":{}}}", deep(127)), format!("The member \"{name}\" has more than 127 nested")),
            (deep(128), "Send one JSON object".to_owned()),
            ("-1e999".to_owned(), "The body contains a number that is out of range.".to_owned()),
            (format!("{{\"{name}\":{}}}", deep(126)), format!("`{name}`: Send a string, not an array.")),
        ] {
            let response = send(client, path, false, Some(JSON), body.as_str()).await;
            assert_says(&response, false, 422, &words);
            assert!(!response.text().contains("not valid JSON"), "{path}: {}", response.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_member_is_named() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    for (path, known, body, missing) in [
        ("/login", false, json!({}), &["username", "password"][..]),
        ("/login", false, json!({ "username": "alice" }), &["password"]),
        ("/login", false, json!({ "password": "hunter2" }), &["username"]),
        ("/account/password", true, json!({ "current_password": "hunter2 hunter2" }), &["new_password"]),
        ("/account/password", true, json!({ "new_password": "hunter2 hunter2" }), &["current_password"]),
        ("/account/password", true, json!({}), &["current_password", "new_password"]),
        ("/reauthenticate", true, json!({}), &["password"]),
        ("/password/forgot", false, json!({}), &["email"]),
        ("/password/reset", false, json!({}), &["token", "new_password"]),
        ("/email/confirm", false, json!({}), &["token"]),
        ("/email/undo", false, json!({ "new_password": "hunter2 hunter2" }), &["token"]),
    ] {
        let client = if known { &mut user } else { &mut visitor };
        let response = send(client, path, false, Some(JSON), body.to_string()).await;
        for name in missing {
            assert_says(&response, false, 422, &format!("`{name}`: This member is missing."));
        }
        let errors = response.json()["errors"].clone();
        let named: Vec<&String> = errors.as_object().unwrap().keys().collect();
        let mut expected = missing.to_vec();
        expected.sort_unstable();
        assert_eq!(named, expected, "{path} {body}");
    }
    // Other problems are named in the same response.
    let response = send(&mut user, "/account/password", false, Some(JSON), r#"{"new_password":1}"#).await;
    for words in ["`new_password`: Send a string", "`current_password`: This member is missing."] {
        assert_says(&response, false, 422, words);
    }
    let response = send(&mut visitor, "/login", false, Some(JSON), r#"{"user":"alice","password":1}"#).await;
    for words in
        ["`user`: This request has no such member.", "`password`: Send a string", "`username`: This member is missing."]
    {
        assert_says(&response, false, 422, words);
    }
    assert_eq!(visitor.cookie(ACCESS), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_of_the_wrong_shape_is_refused() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    for (path, known) in READERS {
        let client = if known { &mut user } else { &mut visitor };
        let name = name_read_by(path);
        for body in [
            "[]".to_owned(),
            "[\"alice\",\"hunter2\"]".to_owned(),
            "\"hunter2\"".to_owned(),
            "1".to_owned(),
            "null".to_owned(),
            "true".to_owned(),
            format!(r#"{{"{name}":1}}"#),
            format!(r#"{{"{name}":["hunter2"]}}"#),
            format!(r#"{{"{name}":{{"hunter2":true}}}}"#),
            format!(r#"{{"{name}":"hunter2","{name}":"hunter2"}}"#),
            format!(r#"{{"{name}":1e999}}"#),
        ] {
            let response = send(client, path, false, Some(JSON), body.as_str()).await;
            // Some parsers regard a number that is too large as a syntax error.
            if body.contains("1e999") {
                assert!(matches!(response.status().as_u16(), 400 | 422), "{path} {body}: {}", response.status());
            } else if body.starts_with('{') {
                assert_says(&response, false, 422, &format!("`{name}`: Send "));
                let errors = response.json()["errors"].clone();
                let others = errors.as_object().unwrap().iter().filter(|(named, _)| *named != name);
                assert!(others.clone().all(|(_, text)| text == "This member is missing."), "{errors}");
                assert_eq!(others.count() + 1, errors.as_object().unwrap().len(), "{errors}");
            } else {
                assert_says(&response, false, 422, "Send one JSON object");
            }
        }
        let response = send(client, path, true, Some(JSON), "[]").await;
        assert_says(&response, true, 422, "Send one JSON object");
    }
    // The requests with arrays have neither logged the visitor in nor changed the user.
    assert_eq!(visitor.cookie(ACCESS), None);
    assert_eq!(whoami(&mut user).await.as_deref(), Ok("alice"));
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
            assert_says(&response, page, 404, "You have no session with this id.");
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

#[tokio::test(flavor = "multi_thread")]
async fn s50_another_method_is_told_which_ones_there_are() {
    let site = TestSite::start(Options::default()).await;
    let mut client = site.person("alice").await;
    for (method, path, allowed) in [
        (Method::HEAD, "/account/change_settings", vec!["POST"]),
        (Method::GET, "/account/sessions/revoke-others", vec!["POST"]),
        (Method::GET, "/account/sessions/00000000000000000000000000000000/revoke", vec!["POST"]),
        (Method::POST, "/", vec!["GET", "HEAD"]),
        (Method::POST, "/service", vec!["GET", "HEAD"]),
        (Method::DELETE, "/account", vec!["GET", "HEAD"]),
        (Method::PUT, "/login", vec!["GET", "HEAD", "POST"]),
        (Method::OPTIONS, "/login", vec!["GET", "HEAD", "POST"]),
        (Method::TRACE, "/login", vec!["GET", "HEAD", "POST"]),
        (Method::HEAD, "/token/refresh", vec!["POST"]),
        ("BREW".parse().unwrap(), "/", vec!["GET", "HEAD"]),
    ] {
        for page in [true, false] {
            let request = client.request(method.clone(), path).csrf();
            let response = if page { request.accept_html() } else { request.accept_json() }.send().await;
            assert_eq!(response.status(), 405, "{method} {path}");
            let mut allow: Vec<&str> = response.header("allow").unwrap().split(',').map(str::trim).collect();
            allow.sort_unstable();
            assert_eq!(allow, allowed, "{method} {path}");
            if method != Method::HEAD {
                assert_says(&response, page, 405, "POST requests");
            }
        }
    }
    // A browser that reloads a form with errors is redirected to the form's page. An API client gets 405 with `Allow`.
    for path in ["/account/change_settings", "/account/password"] {
        let response = client.get(path).accept_html().send().await;
        assert_eq!((response.status().as_u16(), response.location()), (303, Some("/account")), "{path}");
        let response = client.get(path).accept_json().send().await;
        assert_eq!((response.status().as_u16(), response.header("allow")), (405, Some("POST")), "{path}");
    }
    // A method-override header has no effect.
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let request = client.get("/account/sessions/revoke-others").accept_json().csrf().header(name, "POST");
        assert_eq!(request.send().await.status(), 405, "{name}");
        let response = client.get("/logout?_method=POST").accept_html().header(name, "POST").send().await;
        assert_eq!(response.status(), 200, "{name}");
    }
    assert_eq!(whoami(&mut client).await.as_deref(), Ok("alice"));
}

/// The header of the 404 page shows the user who is logged in.
#[tokio::test(flavor = "multi_thread")]
async fn the_404_page_links_to_the_home_page() {
    let site = TestSite::start(Options::default()).await;
    let (mut visitor, mut user) = visitor_and_user(&site).await;
    for client in [&mut visitor, &mut user] {
        let page = client.get("/nowhere").accept_html().send().await;
        assert_says(&page, true, 404, "There is no page at this address.");
        assert!(page.text().contains("href=\"/\""), "{}", page.text());
    }
    let page = user.get("/nowhere").accept_html().send().await;
    assert!(!page.form_fields("/logout").is_empty(), "{}", page.text());
    // Damaged cookies do not change a 404.
    let request = visitor.get("/nowhere").accept_html().raw_cookie_header("access_token_cookie=junk");
    assert_says(&request.send().await, true, 404, "There is no page at this address.");
}

/// Requests that are not HTTP, or that two servers could split differently.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_http_is_refused() {
    let site = TestSite::start(Options::default()).await;
    let twice = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}";
    for text in [
        "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nCookie: a=\0\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        twice,
    ] {
        let mut stream = TcpStream::connect(site.url().trim_start_matches("http://")).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut response = [0; 1024];
        let read = tokio::time::timeout(seconds(30), stream.read(&mut response)).await;
        let length = read.unwrap_or_else(|_| panic!("{text:?} is not answered")).unwrap();
        let response = String::from_utf8_lossy(&response[..length]);
        assert!(response.starts_with("HTTP/1.1 4") || response.starts_with("HTTP/1.0 4"), "{text:?} → {response:?}");
    }
}

/// The parts of a request, each valid or mangled.
#[derive(Clone, Debug)]
struct Mangled {
    method: Method,
    path: String,
    cookies: Vec<Vec<u8>>,
    fields: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

/// Bytes that a header field may contain (RFC 9110 §5.5).
fn field_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => 0x20u8..0x7f, 1 => 0x80u8..=0xff, 1 => Just(b'\t')];
    prop::collection::vec(byte, 0..60)
}

fn mangled(access: String, refresh: String, csrf: String) -> impl Strategy<Value = Mangled> {
    let method =
        prop::sample::select(vec!["GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "X"]);
    let known = prop::sample::select(vec![
        "/",
        "/signup",
        "/login",
        "/logout",
        "/token/refresh",
        "/service",
        "/account",
        "/account/change_settings",
        "/account/password",
        "/reauthenticate",
        "/account/sessions",
        "/account/sessions/revoke-others",
        "/account/sessions/00000000000000000000000000000000/revoke",
        "/account/sessions/%ff/revoke",
        "/healthz",
        "/openapi.json",
        "/assets/hardtack.css",
    ]);
    let path = prop_oneof![4 => known.prop_map(str::to_owned), 1 => "/[a-z0-9/.%_~-]{0,30}"];
    let query = prop_oneof![Just(String::new()), "\\?(next=)?[a-zA-Z0-9/%.&=_:@-]{0,30}"];
    let path = (path, query).prop_map(|(path, query)| path + &query);
    let tokens = prop::sample::select(vec![access, refresh, csrf.clone(), String::new(), "a.b.c".to_owned()]);
    let names = prop::sample::select(vec![
        "access_token_cookie",
        "refresh_token_cookie",
        "csrf_access_token",
        "csrf_refresh_token",
        "settings_draft",
        "x",
    ]);
    let cookie = prop_oneof![
        3 => (names, tokens.clone()).prop_map(|(name, value)| format!("{name}={value}").into_bytes()),
        1 => ("[a-z_=; \"]{0,20}", field_bytes()).prop_map(|(start, rest)| [start.into_bytes(), rest].concat()),
        // A valid token with one byte changed.
        1 => (tokens, any::<prop::sample::Index>(), 0x21u8..0x7f).prop_map(|(token, at, byte)| {
            let mut token = token.into_bytes();
            if !token.is_empty() {
                let at = at.index(token.len());
                token[at] = byte;
            }
            [b"access_token_cookie=".to_vec(), token].concat()
        }),
    ];
    let accept = prop::sample::select(vec!["text/html", "application/json", "*/*", "", "text/html;q=2,;,"]);
    let kind = prop::sample::select(vec![
        FORM,
        JSON,
        "text/plain",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json;;",
    ]);
    let field = prop_oneof![
        4 => Just(("x-csrf-token", csrf.into_bytes())),
        2 => accept.prop_map(|value| ("accept", value.as_bytes().to_vec())),
        4 => kind.prop_map(|value| ("content-type", value.as_bytes().to_vec())),
        1 => Just(("hx-request", b"true".to_vec())),
        1 => Just(("sec-fetch-site", b"same-origin".to_vec())),
        1 => Just(("upgrade", b"websocket".to_vec())),
        1 => (prop::sample::select(vec!["origin", "referer", "host", "content-type", "user-agent", "hx-current-url"]), field_bytes()),
    ];
    let body = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        2 => "(&?(username|password|email|display_name|next|csrf_token|new_password)=[a-z%0-9+@.\u{0}é]{0,12}){0,5}".prop_map(String::into_bytes),
        2 => json_text().prop_map(String::into_bytes),
        1 => Just(vec![b'{'; 20_000]),
    ];
    let cookies = prop::collection::vec(cookie, 0..4);
    let fields = prop::collection::vec(field, 0..5);
    (method, path, cookies, fields, body).prop_map(|(method, path, cookies, fields, body)| Mangled {
        method: method.parse().unwrap(),
        path,
        cookies,
        fields,
        body,
    })
}

/// Objects with the site's field names and any values, and other JSON.
fn json_text() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        3 => any::<String>().prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([{}])),
    ];
    let name = prop::sample::select(vec!["username", "email", "display_name", "next", "current_password", "a"]);
    let object = prop::collection::vec((name, value), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()));
    (object, 0usize..400).prop_map(|(object, cut)| {
        let text = object.to_string();
        // Sometimes truncated.
        if cut < 100 { text.chars().take(cut).collect() } else { text }
    })
}

async fn send_mangled(mut router: Router, mangled: Mangled) -> (StatusCode, Vec<u8>) {
    let mut request =
        Request::builder().method(mangled.method).uri(mangled.path).body(Body::from(mangled.body)).unwrap();
    for (name, value) in mangled.fields {
        request.headers_mut().append(name, HeaderValue::from_bytes(&value).unwrap());
    }
    for cookie in mangled.cookies {
        request.headers_mut().append("cookie", HeaderValue::from_bytes(&cookie).unwrap());
    }
    let ready: Result<(), Infallible> = poll_fn(|cx| Service::<Request<Body>>::poll_ready(&mut router, cx)).await;
    ready.unwrap();
    let response = router.call(request).await.unwrap();
    let status = response.status();
    (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
}

#[test]
fn no_request_makes_the_site_fail() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (site, browser) = runtime.block_on(async {
        let site = TestSite::start(Options::default()).await;
        let browser = site.person("alice").await;
        (site, browser)
    });
    let csrf = cookie(&browser, "csrf_access_token");
    let strategy = mangled(cookie(&browser, ACCESS), cookie(&browser, REFRESH), csrf);
    let config = Config { cases: 250, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |request| {
        let path = request.path.clone();
        let task = runtime.spawn(send_mangled(site.router(), request));
        let (status, body) = runtime.block_on(task).map_err(|panic| TestCaseError::fail(panic.to_string()))?;
        prop_assert!(status.as_u16() < 500, "{} → {}: {}", path, status, String::from_utf8_lossy(&body));
        Ok(())
    });
    outcome.unwrap();
}
