//! What is logged, and what never is (ASVS 5.0 V16.2.5).

use crate::support::{PASSWORD, Place, is_let_in, log_out, sign_up, start};

#[tokio::test]
async fn no_secret_is_ever_logged() {
    const SECRET: &str = "canary-secret-Zk3vQ8xW2bN7mT5rLp9dYh4c";
    for format in ["text", "json"] {
        let place = Place::new();
        let program = place.serve(["--log-format", format]).env("RUST_LOG", "trace").env("JWT_SECRET_KEY", SECRET);
        let server = start(&program).await;
        let mut client = server.client();
        sign_up(&mut client, "someone").await;
        assert!(is_let_in(&mut client).await);
        let tokens: Vec<String> = client.cookies().iter().map(|cookie| cookie.value.clone()).collect();
        let bad = client.post("/login").accept_json().json(&serde_json::json!({
            "username": "someone", "password": "canary-wrong-password"
        }));
        assert_eq!(bad.send().await.status(), 401);
        assert_eq!(client.get(&format!("/service?token={}", tokens[0])).send().await.status(), 200);
        log_out(&mut client).await;

        let finished = server.stop().await;
        let said = finished.stdout + &finished.stderr;
        // The chattiest log was on.
        assert!(said.contains("DEBUG") && said.contains("sqlx::query"), "{said}");
        let canaries = [PASSWORD, SECRET, "canary-wrong-password"].into_iter().chain(tokens.iter().map(String::as_str));
        for canary in canaries {
            assert!(!said.contains(canary), "{canary} in {said}");
        }
        assert!(!place.path("hardtack-data/keys").exists());
    }
}

#[tokio::test]
async fn a_line_of_json_is_json() {
    let place = Place::new();
    let server = start(&place.serve(["--log-format", "json"])).await;
    let finished = server.stop().await;
    for line in finished.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(line["level"].is_string() && line["event"].is_string(), "{line}");
    }
    assert!(finished.stderr.contains("\"event\":\"listening\""), "{}", finished.stderr);
}
