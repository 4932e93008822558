//! A Redis with sessions belongs to one site.

use hardtack_test_support::process::StartError;
use hardtack_test_support::services::redis::RedisServer;
use tokio::task::JoinSet;

use crate::stores::at;
use crate::support::{PASSWORD, TestDir, is_logged, log_in, output, refresh, refusal, sign_up, start};

/// The servers of one site used to end the sessions of the other site when they returned to Redis.
#[tokio::test]
async fn k07_a_redis_with_the_sessions_of_another_site_is_refused() {
    let redis = RedisServer::start();
    let (url, shown) = (redis.url(), format!("redis://127.0.0.1:{}/0", redis.port()));
    let (site, other) = (TestDir::new(), TestDir::new());
    let server = start(&site.serve(["--redis-url", &url])).await;
    let mut ada = server.client();
    sign_up(&mut ada, "ada").await;
    start(&other.serve([])).await.stop().await;
    output(&other.hardtack(["user", "add", "ada", "--base-url", "https://other.example"]));

    let size = redis.command("DBSIZE");
    let error = refusal(&other.serve(["--redis-url", &url]), 2).await;
    assert!(
        error.contains(&format!(
            "another site, which has another database, stores its sessions in the Redis at {shown}"
        )),
        "{error}"
    );
    assert!(error.ends_with(&format!("redis-cli -u {shown} DEL \"{{hardtack}}:site\"")), "{error}");
    assert_eq!(redis.command("DBSIZE"), size);
    assert_eq!(refresh(&mut ada).await, 200);

    // A Redis that only carries notices can be shared.
    let notice = start(&other.serve(["--redis-url", &url, "--redis-for", "notice"])).await;
    sign_up(&mut notice.client(), "bob").await;
    notice.stop().await;
    // Another database number is another store, also for the same server.
    let next = url.replace("/0", "/1");
    start(&other.serve(["--redis-url", &next])).await.stop().await;
    let error = refusal(&other.hardtack(["user", "log-out", "ada", "--redis-url", &url]), 2).await;
    assert!(error.contains("another site, which has another database"), "{error}");
    output(&other.hardtack(["user", "log-out", "ada", "--redis-url", &next]));
    assert_eq!(refresh(&mut ada).await, 200);

    // The first site no longer exists.
    server.stop().await;
    assert_eq!(redis.command("DEL {hardtack}:site"), ":1");
    start(&other.serve(["--redis-url", &url])).await.stop().await;
    let error = refusal(&site.serve(["--redis-url", &url]), 2).await;
    assert!(error.contains("another site"), "{error}");
}

/// The servers of two sites are started at the same time, with the same empty Redis.
#[tokio::test]
async fn k07_only_one_of_two_sites_gets_a_redis_that_both_claim_at_the_same_time() {
    let redis = RedisServer::start();
    let url = redis.url();
    let sites = [TestDir::new(), TestDir::new()];
    for site in &sites {
        output(&site.hardtack(["migrate"]));
    }
    let mut starts = JoinSet::new();
    for index in [0, 1, 0, 1, 0, 1] {
        let program = sites[index].serve(["--redis-url", &url]);
        starts.spawn(async move { (index, program.start().await) });
    }
    let (mut servers, mut refused) = ([vec![], vec![]], [vec![], vec![]]);
    for (index, started) in starts.join_all().await {
        match started {
            Ok(server) => servers[index].push(server),
            Err(StartError::Exited { status, stderr, .. }) => refused[index].push((status.code(), stderr)),
            Err(error) => panic!("{error}"),
        }
    }
    let owner = usize::from(servers[0].is_empty());
    assert_eq!((servers[owner].len(), refused[1 - owner].len()), (3, 3), "{refused:?}");
    for (code, stderr) in &refused[1 - owner] {
        assert_eq!(*code, Some(2), "{stderr}");
        assert!(stderr.contains("another site, which has another database"), "{stderr}");
    }
    // The servers of the site share the sessions.
    let mut ada = servers[owner][0].client();
    sign_up(&mut ada, "ada").await;
    assert_eq!(refresh(&mut at(&servers[owner][1], &ada)).await, 200);
}

/// The address of Redis leads to the Redis of another site while the server runs.
#[tokio::test]
async fn k07_a_running_server_leaves_the_sessions_of_another_site_alone() {
    let redis = RedisServer::start();
    let (url, site, other) = (redis.url(), TestDir::new(), TestDir::new());
    redis.exchange();
    let server = start(&other.serve(["--redis-url", &url])).await;
    let mut bob = server.client();
    sign_up(&mut bob, "bob").await;
    server.stop().await;
    redis.exchange();

    let server = start(&site.serve(["--redis-url", &url])).await;
    let mut ada = server.client();
    sign_up(&mut ada, "ada").await;
    redis.exchange();
    let event = "sessions_of_another_site";
    let log = server.ended().await.stderr;
    assert_eq!(log.matches(event).count(), 1, "{log}");
    assert!(log.contains("another site, which has another database"), "{log}");
    assert!(!log.contains("sessions_lost") && !log.contains("sessions_went_back"), "{log}");
    // The operator can still act, and the change says that it has not ended the sessions yet.
    let disabled = site.hardtack(["user", "disable", "ada", "--redis-url", &url]).run().unwrap();
    assert!(disabled.status.success(), "{}", disabled.stderr);
    assert!(disabled.stderr.contains("another site"), "{}", disabled.stderr);
    output(&site.hardtack(["user", "enable", "ada", "--redis-url", &url]));
    let server = start(&other.serve(["--redis-url", &url])).await;
    assert_eq!(refresh(&mut at(&server, &bob)).await, 200);
    server.stop().await;

    // Log-outs did not reach the site's own Redis in the meantime.
    redis.exchange();
    let server = start(&site.serve(["--redis-url", &url])).await;
    is_logged(&server, "sessions_went_back").await;
    assert_eq!(refresh(&mut at(&server, &ada)).await, 401);
    let mut ada = server.client();
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);

    // Redis is emptied, so it belongs to the site again.
    redis.command("FLUSHALL");
    is_logged(&server, "sessions_lost").await;
    let error = refusal(&other.serve(["--redis-url", &url]), 2).await;
    assert!(error.contains("another site"), "{error}");
}
