//! The site on PostgreSQL, where it differs from SQLite. The other files test both.

use hardtack_db::Statement;
use hardtack_test_support::services::PostgresServer;
use serde_json::json;

use crate::support::{BOTH_DATABASES, Options, PASSWORD, TestSite, log_in, sign_up, whoami};

#[tokio::test]
async fn a_nul_in_the_input_is_refused_without_an_error() {
    for on_postgres in BOTH_DATABASES {
        let site = TestSite::start(Options { on_postgres, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        for (username, password) in [("ada\0", PASSWORD), ("\0", PASSWORD), ("ada", "\0")] {
            assert_eq!(log_in(&mut site.client(), username, password).await.status(), 401, "{username:?}");
        }
        let mut client = site.client();
        let response = client.post("/signup").accept_json().json(&json!({ "username": "ada\0", "password": PASSWORD }));
        assert_eq!(response.send().await.status(), 422);
        let body = json!({ "display_name": "A\0da", "email": "" });
        let response = ada.post("/account/change_settings").accept_json().csrf().json(&body).send().await;
        assert_eq!(response.status(), 422, "{}", response.text());
        // RFC 8265 allows no control character in a new password.
        let body = json!({ "current_password": PASSWORD, "new_password": "an odd\0 one" });
        let response = ada.post("/account/password").accept_json().csrf().json(&body).send().await;
        assert_eq!(response.status(), 422, "{}", response.text());
        assert_eq!(log_in(&mut site.client(), "ada", "an odd\0 one").await.status(), 401);
    }
}

#[tokio::test]
async fn of_many_concurrent_sign_ups_with_one_name_one_succeeds() {
    let site = TestSite::start(Options { on_postgres: true, ..Options::default() }).await;
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let mut client = site.client();
            tokio::spawn(async move {
                let body = json!({ "username": "ada", "password": PASSWORD });
                client.post("/signup").accept_json().json(&body).send().await.status().as_u16()
            })
        })
        .collect();
    let mut responses = Vec::new();
    for one in asked {
        responses.push(one.await.unwrap());
    }
    responses.sort_unstable();
    assert_eq!(responses[0], 200, "{responses:?}");
    // The other requests are refused, because the name is taken, or because there were too many requests at once.
    assert!(responses[1..].iter().all(|status| [422, 429, 503].contains(status)), "{responses:?}");
}

#[tokio::test]
async fn s41_a_server_that_is_gone_is_a_503_and_its_return_needs_no_restart() {
    let server = PostgresServer::start_new();
    let site = TestSite::at(&server.database(), Options::default()).await;
    let mut ada = site.client();
    sign_up(&mut ada, "ada").await;
    server.stop();
    for path in ["/service", "/account", "/healthz"] {
        let response = ada.get(path).accept_json().send().await;
        assert_eq!(response.status(), 503, "{path}: {}", response.text());
        assert!(response.set_cookies().is_empty(), "{path}");
        assert!(!response.text().contains(server.password()), "{path}");
    }
    server.start();
    // A connection attempt that began while the server was down can still fail.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while whoami(&mut ada).await == Err(503) && std::time::Instant::now() < until {}
    assert_eq!(whoami(&mut ada).await.as_deref(), Ok("ada"));
    assert_eq!(log_in(&mut site.client(), "ada", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn one_pool_serves_accounts_and_sessions() {
    let site = TestSite::start(Options { on_postgres: true, ..Options::default() }).await;
    let database = site.database().clone();
    let components: Vec<(String,)> = database
        .fetch(Statement::new("SELECT DISTINCT component FROM hardtack_migrations ORDER BY component"))
        .await
        .unwrap();
    assert_eq!(
        components,
        ["accounts", "pending_ends", "sessions", "throttle"].map(|component| (component.to_owned(),))
    );
}
