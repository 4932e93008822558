//! Tokens whose text differs from the text that the site would issue: extensions, repeated members, other encodings.

use std::convert::Infallible;
use std::future::poll_fn;
use std::time::{Duration, Instant};

use axum::body::Body;
use hardtack::jwt::TokenKind;
use http::StatusCode;
use serde_json::json;
use tower_service::Service;

use super::{Victim, segments};
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn s18_extensions_are_refused() {
    let victim = Victim::new().await;
    for header in [
        r#"{"alg":"HS256","typ":"JWT","crit":["exp"],"exp":1}"#,
        r#"{"alg":"HS256","typ":"JWT","crit":[]}"#,
        r#"{"alg":"HS256","typ":"JWT","zip":"DEF"}"#,
        r#"{"alg":"HS256","typ":"JWT","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"HS256","typ":"JWT","b64":false}"#,
        r#"{"alg":"HS256","typ":"JWT","b64":true}"#,
    ] {
        victim.refuses(header, victim.with_header(header)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s19_members_that_come_twice() {
    let victim = Victim::new().await;
    for header in [
        r#"{"alg":"HS256","alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"none","alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"JWT","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#,
    ] {
        victim.refuses(header, victim.with_header(header)).await;
    }
    let own = victim.claims().to_string();
    for more in [r#""sub":"somebody""#, r#""exp":9999999999"#, r#""type":"access""#, r#""\u0073ub":"x""#] {
        victim.refuses(more, forge(USUAL_HEADER, &format!("{{{more},{}", &own[1..]))).await;
        victim.refuses(more, forge(USUAL_HEADER, &format!("{},{more}}}", &own[..own.len() - 1]))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s20_one_spelling_and_no_other() {
    let victim = Victim::new().await;
    let token = victim.access.as_str();
    let [header, payload, signature] = segments(token);
    // 32 bytes leave two spare bits in the 43rd character.
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.iter().position(|one| *one == signature.as_bytes()[42]).unwrap();
    assert_eq!(last % 4, 0);
    let sloppy = format!("{}{}", &signature[..42], char::from(alphabet[last + 1]));
    for (what, other) in [
        ("two segments", format!("{header}.{payload}")),
        ("four segments", format!("{token}.{signature}")),
        ("four segments, the last empty", format!("{token}.")),
        ("five segments", format!("{header}.{payload}..{signature}.{signature}")),
        ("an empty segment first", format!(".{token}")),
        ("padding", format!("{token}=")),
        ("padded header", format!("{header}=.{payload}.{signature}")),
        ("a space inside", format!("{header}. {payload}.{signature}")),
        ("a space in the signature", format!("{header}.{payload}.{} {}", &signature[..9], &signature[9..])),
        ("a tab", format!("{header}.\t{payload}.{signature}")),
        ("spare bits set", format!("{header}.{payload}.{sloppy}")),
        ("base64 that is not for URLs", format!("{header}.{payload}.+/{}", &signature[2..])),
        ("quotes", format!("\"{token}\"")),
        ("percent encoding", token.replace('.', "%2E")),
        ("a scheme", format!("Bearer {token}")),
        ("JSON", json!({ "payload": payload, "protected": header, "signature": signature }).to_string()),
        (
            "general JSON",
            json!({ "payload": payload, "signatures": [{ "protected": header, "signature": signature }] }).to_string(),
        ),
        ("dots", "..".to_owned()),
        ("a word", "token".to_owned()),
        ("an array for a header", forge("[]", &victim.claims().to_string())),
        ("two objects", forge(USUAL_HEADER, &format!("{}{{}}", victim.claims()))),
        ("an array for claims", forge(USUAL_HEADER, "[]")),
        ("no claims", forge(USUAL_HEADER, "{}")),
        ("nothing for claims", forge(USUAL_HEADER, "")),
        ("text for claims", forge(USUAL_HEADER, "alice")),
    ] {
        victim.refuses(what, other).await;
    }
    victim.refuses("bytes that are no text", b"\xff\xfe\x80.\xc3.\xf0").await;
    // An empty cookie counts as absent: it is not deleted.
    assert_eq!(victim.accepted("").await, Err(401));
}

/// Sends one request directly to the router, without the server's limits.
async fn straight(site: &TestSite, cookie: &str) -> http::Response<Body> {
    let mut router = site.router();
    let request = http::Request::get("/service").header("accept", "application/json").header("cookie", cookie);
    let ready: Result<(), Infallible> = poll_fn(|cx| Service::<http::Request<Body>>::poll_ready(&mut router, cx)).await;
    ready.unwrap();
    router.call(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn s21_a_huge_token_costs_nothing() {
    let victim = Victim::new().await;
    let megabyte = "A".repeat(1 << 20);
    for (what, token) in [
        ("1 MiB", megabyte.clone()),
        ("1 MiB of payload", forge(USUAL_HEADER, &format!("{{\"a\":\"{megabyte}\"}}"))),
        ("a million dots", ".".repeat(1_000_000)),
    ] {
        // Take the fastest run, because the machine may be busy.
        let fastest = (0..20).map(|_| {
            let start = Instant::now();
            assert!(victim.site.auth().decode::<hardtack::jwt::NoExtra>(&token, TokenKind::Access).is_err(), "{what}");
            start.elapsed()
        });
        assert!(fastest.min().unwrap() < Duration::from_millis(5), "{what}");

        let response = straight(&victim.site, &format!("{ACCESS}={token}")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
        assert!(response.headers().get_all("set-cookie").iter().count() >= 4, "{what}");

        // Over a socket, the HTTP server refuses such a long head, and may close the connection before the client has
        // sent all of it.
        let mut client = victim.site.client();
        let request = client.get("/service").accept_json().raw_cookie_header(format!("{ACCESS}={token}"));
        if let Ok(response) = request.try_send().await {
            assert!(matches!(response.status().as_u16(), 401 | 431), "{what}: {}", response.status());
        }
    }
    for length in [4097, 8193, 60_000, 200_000] {
        victim.refuses(&format!("{length} bytes"), "A".repeat(length)).await;
        victim.refuses(&format!("{length} dots"), ".".repeat(length)).await;
    }
    assert_eq!(victim.accepted(&victim.access).await.as_deref(), Ok("alice"));
}
