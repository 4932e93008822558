//! The first start, later starts, and starts behind https.

use hardtack_test_support::Client;

use crate::support::{TestDir, is_logged_in, log_out, mode, sign_up, start, with_copied_access_cookie};

#[tokio::test]
async fn a_first_start_creates_private_files() {
    let dir = TestDir::new();
    let server = dir.start().await;
    assert_eq!(server.stdout(), format!("Hardtack is listening on {}\n", server.base_url()));
    assert_ne!(server.base_url(), "http://127.0.0.1:0");
    assert_eq!(mode(dir.path("hardtack-data")), 0o700);
    assert_eq!(mode(dir.path("hardtack-data/hardtack.db")), 0o600);
    assert_eq!(mode(dir.path("hardtack-data/keys")), 0o700);
    assert_eq!(dir.keys(), ["0001.jwk"]);
    assert_eq!(mode(dir.path("hardtack-data/keys/0001.jwk")), 0o600);
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
}

#[tokio::test]
async fn a_restart_keeps_logins_and_logouts() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut stays = server.client();
    sign_up(&mut stays, "stays").await;
    let mut leaves = server.client();
    sign_up(&mut leaves, "leaves").await;
    let copied = leaves.cookie("access_token_cookie").unwrap().raw.clone();
    log_out(&mut leaves).await;
    server.stop().await;

    let server = dir.start().await;
    assert_eq!(dir.keys(), ["0001.jwk"]);
    let mut thief = server.client();
    thief.set_cookie_raw(&copied);
    assert!(!is_logged_in(&mut thief).await);
    let mut stays = with_copied_access_cookie(&stays, &server);
    assert!(is_logged_in(&mut stays).await);
}

#[tokio::test]
async fn servers_that_start_at_the_same_time_share_one_key() {
    let dir = TestDir::new();
    let program = dir.serve([]);
    let servers = tokio::join!(start(&program), start(&program), start(&program));
    assert_eq!(dir.keys(), ["0001.jwk"]);
    let mut client = servers.0.client();
    sign_up(&mut client, "someone").await;
    for server in [&servers.1, &servers.2] {
        assert!(is_logged_in(&mut with_copied_access_cookie(&client, server)).await);
    }
}

#[tokio::test]
async fn behind_https_every_cookie_is_secure_and_bound_to_the_host() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--base-url", "https://site.example"])).await;
    assert!(server.stdout().ends_with(" for https://site.example\n"), "{}", server.stdout());
    let mut client = server.client().at_origin("https://site.example");
    sign_up(&mut client, "someone").await;
    assert!(is_logged_in(&mut client).await);
    let cookies = client.cookies();
    assert!(cookies.iter().any(|cookie| cookie.name == "__Host-access_token_cookie"));
    for cookie in cookies {
        let readable = cookie.name.contains("csrf_access") || cookie.name.contains("csrf_refresh");
        assert!(cookie.name.starts_with("__Host-"), "{cookie:?}");
        assert!(cookie.secure && cookie.domain.is_none() && cookie.path == "/", "{cookie:?}");
        assert_eq!(cookie.http_only, !readable, "{cookie:?}");
        assert_eq!(cookie.same_site.as_deref(), Some("Lax"), "{cookie:?}");
    }
}

#[tokio::test]
async fn cookies_last_as_long_as_configured() {
    async fn expiry_of(args: &[&str]) -> Option<i64> {
        let dir = TestDir::new();
        let server = start(&dir.serve(args.iter().copied())).await;
        let mut client: Client = server.client();
        sign_up(&mut client, "someone").await;
        client.cookie("refresh_token_cookie").unwrap().max_age
    }
    assert_eq!(expiry_of(&[]).await, None);
    let persistent = expiry_of(&["--persistent-cookies", "--refresh-lifetime", "2h"]).await;
    assert!(persistent.is_some_and(|seconds| (7190..=7200).contains(&seconds)), "{persistent:?}");
}
