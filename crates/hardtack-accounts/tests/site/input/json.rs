//! JSON that cannot be parsed, or has the wrong members: the response names what is wrong.

use serde_json::json;

use super::{JSON, READERS, assert_says, name_read_by, send, visitor_and_user};
use crate::support::*;

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
