//! The log, and that it never contains a secret (ASVS 5.0 V16.2.5).

use crate::connections::exchange;
use crate::stores::Store;
use crate::support::{PASSWORD, TestDir, is_logged_in, log_in, log_out, sign_up, start};

#[tokio::test]
async fn no_secret_is_ever_logged() {
    const SECRET: &str = "canary-secret-Zk3vQ8xW2bN7mT5rLp9dYh4c";
    for format in ["text", "json"] {
        let dir = TestDir::new();
        let program = dir.serve(["--log-format", format]).env("RUST_LOG", "trace").env("JWT_SECRET_KEY", SECRET);
        let server = start(&program).await;
        let mut client = server.client();
        sign_up(&mut client, "someone").await;
        assert!(is_logged_in(&mut client).await);
        let tokens: Vec<String> = client.cookies().iter().map(|cookie| cookie.value.clone()).collect();
        let bad = client.post("/login").accept_json().json(&serde_json::json!({
            "username": "someone", "password": "canary-wrong-password"
        }));
        assert_eq!(bad.send().await.status(), 401);
        assert_eq!(client.get(&format!("/service?token={}", tokens[0])).send().await.status(), 200);
        log_out(&mut client).await;

        let finished = server.stop().await;
        let printed = finished.stdout + &finished.stderr;
        // The log must contain debug messages; otherwise, the test proves nothing.
        assert!(printed.contains("DEBUG") && printed.contains("sqlx::query"), "{printed}");
        let canaries = [PASSWORD, SECRET, "canary-wrong-password"].into_iter().chain(tokens.iter().map(String::as_str));
        for canary in canaries {
            assert!(!printed.contains(canary), "{canary} in {printed}");
        }
        assert!(dir.keys().is_empty());
    }
}

/// For each query, sqlx asks whether its own level is enabled. After that, a filter for another crate must not lose
/// events.
#[tokio::test]
async fn a_filter_for_one_crate_loses_no_events() {
    for store in [Store::Sqlite, Store::Postgres] {
        let dir = TestDir::new();
        let program = dir.serve([]).env("RUST_LOG", "info,hardtack=debug");
        let program = store.fresh().into_iter().fold(program, |program, (name, value)| program.env(name, value));
        let server = start(&program).await;
        let mut client = server.client();
        sign_up(&mut client, "someone").await;
        for _ in 0..3 {
            log_out(&mut client).await;
            assert_eq!(log_in(&mut client, "someone", PASSWORD).await, 200);
        }
        let log = server.stop().await.stderr;
        let count = |event: &str| log.matches(&format!("event=\"{event}\"")).count();
        assert_eq!((count("login"), count("logout"), count("listening")), (4, 3, 1), "{store:?}: {log}");
    }
}

#[tokio::test]
async fn every_line_of_the_json_log_is_json() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--log-format", "json"])).await;
    let finished = server.stop().await;
    for line in finished.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(line["level"].is_string() && line["event"].is_string(), "{line}");
    }
    assert!(finished.stderr.contains("\"event\":\"listening\""), "{}", finished.stderr);
}

/// Any client can make the crates that speak HTTP log warnings, here with replies to pings that were never sent.
#[tokio::test]
async fn clients_that_break_http_2_do_not_fill_the_log() {
    const PING_ACK: &[u8] = b"\0\0\x08\x06\x01\0\0\0\0madeup!!";
    for (filter, is_logged) in [(None, false), (Some("info"), true)] {
        let dir = TestDir::new();
        let mut program = dir.serve([]);
        if let Some(filter) = filter {
            program = program.env("RUST_LOG", filter);
        }
        let server = start(&program).await;
        // The connection preface, an empty SETTINGS frame, and the acknowledgment of the server's SETTINGS frame.
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0".to_vec();
        bytes.extend(PING_ACK.repeat(50));
        exchange(&server, &bytes);
        assert_eq!(server.client().get("/healthz").send().await.status(), 200);
        let finished = server.stop().await;
        assert_eq!(finished.stderr.contains("never sent"), is_logged, "{}", finished.stderr);
    }
}
