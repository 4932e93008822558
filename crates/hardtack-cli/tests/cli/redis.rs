//! Redis: what it is used for, which URLs are refused, and that its password is never shown.

use hardtack_test_support::services::redis::RedisServer;

use crate::support::{TestDir, is_logged, is_logged_in, log_out, output, refusal, set_mode, sign_up, start};

#[tokio::test]
async fn redis_stores_sessions_or_only_announces_their_ends() {
    for (purpose, on_redis) in [(None, true), (Some("sessions"), true), (Some("notice"), false)] {
        let server = RedisServer::start();
        let size = server.command("DBSIZE");
        let dir = TestDir::new();
        let program = dir.serve(purpose.into_iter().flat_map(|purpose| ["--redis-for", purpose]));
        let process = start(&program.env("HARDTACK_REDIS_URL", server.url())).await;
        let mut client = process.client();
        sign_up(&mut client, "someone").await;
        assert!(is_logged_in(&mut client).await);
        // A notice is sent only when a session ends.
        assert_eq!(server.command("DBSIZE") != size, on_redis, "{purpose:?}");
        process.stop().await;
        // The accounts are in the database in both cases; with notice, so are the sessions.
        let process = start(&dir.serve([])).await;
        let mut moved = process.client();
        *moved.jar() = client.jar().clone();
        moved.jar().remove("access_token_cookie");
        assert_eq!(is_logged_in(&mut moved).await, !on_redis, "{purpose:?}");
        assert_eq!(crate::support::log_in(&mut moved, "someone", crate::support::PASSWORD).await, 200);
    }
}

#[tokio::test]
async fn a_bad_redis_is_reported_without_its_password() {
    let dir = TestDir::new();
    for (url, expected) in [
        ("http://me:canary@host", "expected redis://user:password@host:port/database"),
        ("canary", "expected redis://"),
        ("redis://:canary@host:port", "expected redis://"),
        ("redis://:canary@host/database", "Invalid database number"),
        ("rediss://:canary@host", "TLS to Redis is not supported; use a private network or a tunnel"),
    ] {
        for command in ["serve", "check-config"] {
            let error = refusal(&dir.hardtack([command]).env("HARDTACK_REDIS_URL", url), 2).await;
            assert!(error.starts_with("hardtack: HARDTACK_REDIS_URL: the Redis address cannot be used ("), "{error}");
            assert!(error.contains(expected) && !error.contains("canary"), "{error}");
        }
    }
    let error = refusal(&dir.hardtack(["check-config", "--redis-for", "notice"]), 2).await;
    assert!(
        error.contains("--redis-for is \"notice\", but no Redis server is set; set --redis-url or HARDTACK_REDIS_URL"),
        "{error}"
    );
    let with_url = |purpose| dir.hardtack(["check-config", "--redis-url", "redis://host", "--redis-for", purpose]);
    let error = refusal(&with_url("everything"), 2).await;
    assert!(error.ends_with("--redis-for is \"everything\"; expected sessions or notice"), "{error}");
    assert!(!dir.path("hardtack-data").exists());

    // A port without a server, and a server with another password.
    let server = RedisServer::start();
    for (port, expected) in [(1, "refused"), (server.port(), "authentication failed")] {
        let url = format!("redis://:canary@127.0.0.1:{port}");
        let error = refusal(&dir.serve([]).env("HARDTACK_REDIS_URL", url), 1).await;
        assert!(error.contains(&format!("cannot use the Redis server at 127.0.0.1:{port}; ")), "{error}");
        assert!(error.contains("check that the server is running and reachable"), "{error}");
        assert!(error.to_lowercase().contains(&expected.to_lowercase()) && !error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn the_password_is_never_shown() {
    let server = RedisServer::start();
    let url = server.url();
    let password = url.trim_start_matches("redis://:").split('@').next().unwrap();
    let shown_url = format!("redis://127.0.0.1:{}/0", server.port());
    let dir = TestDir::new();
    dir.write("hardtack.toml", &format!("redis_url = '{url}'"));
    set_mode(dir.path("hardtack.toml"), 0o644);
    let error = refusal(&dir.hardtack(["check-config"]), 2).await;
    assert!(error.ends_with("change the mode with: chmod 600 hardtack.toml"), "{error}");
    set_mode(dir.path("hardtack.toml"), 0o600);
    let shown = output(&dir.hardtack(["check-config"]));
    assert!(shown.contains(&format!("# redis_url is set, without its password: {shown_url} ")), "{shown}");
    assert!(shown.contains("redis_for = \"sessions\" "), "{shown}");

    let process = start(&dir.serve([]).env("RUST_LOG", "trace")).await;
    let mut client = process.client();
    sign_up(&mut client, "someone").await;
    server.stop();
    assert_eq!(crate::support::refresh(&mut client).await, 503);
    let finished = process.stop().await;
    let printed = format!("{shown}{}{}", finished.stdout, finished.stderr);
    assert!(printed.contains(&shown_url), "{printed}");
    assert!(!printed.contains(password), "{printed}");
}

/// The line about an outage had no event, so an operator who looked for `news_failed` did not find it.
#[tokio::test]
async fn an_outage_of_notifications_is_logged_once() {
    let redis = RedisServer::start();
    let dir = TestDir::new();
    let server = start(&dir.serve(["--redis-url", &redis.url(), "--redis-for", "notice"])).await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    redis.stop();
    is_logged(&server, "event=\"news_failed\"").await;
    // The session ends, and the notification cannot be sent.
    log_out(&mut client).await;
    is_logged(&server, "event=\"notice_failed\"").await;
    redis.start_again();
    is_logged(&server, "event=\"news_recovered\"").await;
    is_logged(&server, "event=\"notice_recovered\"").await;
    let log = server.stop().await.stderr;
    for event in ["news_failed", "news_recovered", "notice_failed", "notice_recovered"] {
        assert_eq!(log.matches(&format!("event=\"{event}\"")).count(), 1, "{event}: {log}");
    }
}
