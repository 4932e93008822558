//! The log, and that it never contains a secret (ASVS 5.0 V16.2.5).

use crate::support::{PASSWORD, TestDir, is_logged_in, log_out, sign_up, start};

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
        // The log was at its most verbose.
        assert!(printed.contains("DEBUG") && printed.contains("sqlx::query"), "{printed}");
        let canaries = [PASSWORD, SECRET, "canary-wrong-password"].into_iter().chain(tokens.iter().map(String::as_str));
        for canary in canaries {
            assert!(!printed.contains(canary), "{canary} in {printed}");
        }
        assert!(dir.keys().is_empty());
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
