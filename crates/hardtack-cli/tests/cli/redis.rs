//! Which Redis, and what for: chosen, refused, and never shown with its password.

use hardtack_conformance::services::redis::RedisServer;

use crate::support::{Place, is_let_in, output, refusal, set_mode, sign_up, start};

#[tokio::test]
async fn sessions_are_on_redis_or_only_notice_is() {
    for (purpose, on_redis) in [(None, true), (Some("sessions"), true), (Some("notice"), false)] {
        let server = RedisServer::start();
        let place = Place::new();
        let program = place.serve(purpose.into_iter().flat_map(|purpose| ["--redis-for", purpose]));
        let process = start(&program.env("HARDTACK_REDIS_URL", server.url())).await;
        let mut client = process.client();
        sign_up(&mut client, "someone").await;
        assert!(is_let_in(&mut client).await);
        // The notice is sent behind the answer, and only of what has ended.
        assert_eq!(server.command("DBSIZE") != ":0", on_redis, "{purpose:?}");
        process.stop().await;
        // The accounts are in the database either way, and with notice so are the sessions.
        let process = start(&place.serve([])).await;
        let mut moved = process.client();
        *moved.jar() = client.jar().clone();
        moved.jar().remove("access_token_cookie");
        assert_eq!(is_let_in(&mut moved).await, !on_redis, "{purpose:?}");
        assert_eq!(crate::support::log_in(&mut moved, "someone", crate::support::PASSWORD).await, 200);
    }
}

#[tokio::test]
async fn a_redis_that_will_not_do_is_named_without_its_password() {
    let place = Place::new();
    for (url, expected) in [
        ("http://me:canary@host", "expected redis://user:password@host:port/database"),
        ("canary", "expected redis://"),
        ("redis://:canary@host:port", "expected redis://"),
        ("redis://:canary@host/database", "Invalid database number"),
        ("rediss://:canary@host", "can't connect with TLS"),
    ] {
        for command in ["serve", "check-config"] {
            let said = refusal(&place.hardtack([command]).env("HARDTACK_REDIS_URL", url), 2).await;
            assert!(said.starts_with("hardtack: HARDTACK_REDIS_URL: this is not a Redis address ("), "{said}");
            assert!(said.contains(expected) && !said.contains("canary"), "{said}");
        }
    }
    let said = refusal(&place.hardtack(["check-config", "--redis-for", "notice"]), 2).await;
    assert!(
        said.contains("--redis-for is \"notice\" without a Redis; set --redis-url or HARDTACK_REDIS_URL"),
        "{said}"
    );
    let with_url = |purpose| place.hardtack(["check-config", "--redis-url", "redis://host", "--redis-for", purpose]);
    let said = refusal(&with_url("everything"), 2).await;
    assert!(said.ends_with("--redis-for is \"everything\"; expected sessions or notice"), "{said}");
    assert!(!place.path("hardtack-data").exists());

    // Nobody there, and somebody who knows another password.
    let server = RedisServer::start();
    for (port, expected) in [(1, "refused"), (server.port(), "authentication failed")] {
        let url = format!("redis://:canary@127.0.0.1:{port}");
        let said = refusal(&place.serve([]).env("HARDTACK_REDIS_URL", url), 1).await;
        assert!(said.contains(&format!("cannot use the Redis at 127.0.0.1:{port}; ")), "{said}");
        assert!(said.contains("it must be running and reachable"), "{said}");
        assert!(said.to_lowercase().contains(&expected.to_lowercase()) && !said.contains("canary"), "{said}");
    }
}

#[tokio::test]
async fn the_password_is_never_shown() {
    let server = RedisServer::start();
    let url = server.url();
    let password = url.trim_start_matches("redis://:").split('@').next().unwrap();
    let shown_url = format!("redis://127.0.0.1:{}/0", server.port());
    let place = Place::new();
    place.write("hardtack.toml", &format!("redis_url = '{url}'"));
    set_mode(place.path("hardtack.toml"), 0o644);
    let said = refusal(&place.hardtack(["check-config"]), 2).await;
    assert!(said.ends_with("set it with: chmod 600 hardtack.toml"), "{said}");
    set_mode(place.path("hardtack.toml"), 0o600);
    let shown = output(&place.hardtack(["check-config"]));
    assert!(shown.contains(&format!("# redis_url is set, not shown: {shown_url} ")), "{shown}");
    assert!(shown.contains("redis_for = \"sessions\" "), "{shown}");

    let process = start(&place.serve([]).env("RUST_LOG", "trace")).await;
    let mut client = process.client();
    sign_up(&mut client, "someone").await;
    server.stop();
    assert_eq!(client.get("/token/refresh").accept_json().send().await.status(), 503);
    let finished = process.stop().await;
    let said = format!("{shown}{}{}", finished.stdout, finished.stderr);
    assert!(said.contains(&shown_url), "{said}");
    assert!(!said.contains(password), "{said}");
}
