//! The store is stopped or killed, and started again, while its servers keep running.

use std::time::{Duration, Instant};

use hardtack_db::Pool;
use hardtack_sqlx::Database;
use hardtack_test_support::services::redis::RedisServer;
use hardtack_test_support::services::{PostgresServer, postgres};
use hardtack_test_support::wait;

use crate::load::Users;
use crate::stores::{TwoServers, at, on_redis};
use crate::support::{
    PASSWORD, STALENESS, is_logged, is_logged_in, is_refused_soon, log_in, log_out, refresh, sign_up,
};

/// How often the store is stopped or killed under load, alternately.
const OUTAGES: usize = 4;
const USERS: usize = 6;

/// A Redis that has written to disk what it has confirmed.
fn durable_redis() -> RedisServer {
    RedisServer::start_with(&["--appendfsync", "always"])
}

#[tokio::test]
async fn s41_without_postgres_both_answer_503_and_go_on_when_it_is_back() {
    let database = PostgresServer::start_new();
    let env = [("HARDTACK_DATABASE_URL", database.database())];
    without_postgres(&database, &env).await;
}

/// The Redis for notice stays up, but stores nothing.
#[tokio::test]
async fn s41_without_postgres_but_with_notice_both_answer_503_and_go_on_when_it_is_back() {
    let (database, redis) = (PostgresServer::start_new(), RedisServer::start());
    let env = [
        ("HARDTACK_DATABASE_URL", database.database()),
        ("HARDTACK_REDIS_URL", redis.url()),
        ("HARDTACK_REDIS_FOR", "notice".to_owned()),
    ];
    without_postgres(&database, &env).await;
}

async fn without_postgres(database: &PostgresServer, env: &[(&str, String)]) {
    let two = TwoServers::over(env, &[]).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut ended = two.other.client();
    assert_eq!(log_in(&mut ended, "someone", PASSWORD).await, 200);
    let copy = ended.clone();
    log_out(&mut ended).await;

    for abrupt in [false, true] {
        if abrupt {
            database.kill()
        } else {
            database.stop()
        }
        for server in two.both() {
            let mut moved = at(server, &client);
            assert_eq!(moved.get("/account").accept_json().send().await.status(), 503);
            assert_eq!(refresh(&mut moved).await, 503);
            assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
            assert_eq!(server.client().get("/healthz").send().await.status(), 503);
            assert!(moved.cookie("refresh_token_cookie").is_some(), "no user is logged out");
        }
        database.start();
        for server in two.both() {
            let mut moved = at(server, &client);
            assert!(is_logged_in(&mut moved).await, "without a restart");
            assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 200);
            // The session ended just before the outage: the other server has yet to read the log.
            is_refused_soon(&at(server, &copy), "a session that was ended").await;
            is_logged(server, "event=\"news_recovered\"").await;
        }
    }
}

#[tokio::test]
async fn s41_without_redis_both_answer_503_and_go_on_when_it_is_back() {
    let redis = durable_redis();
    let two = TwoServers::over(&on_redis(postgres::shared().database(), redis.url()), &[]).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let mut ended = two.other.client();
    assert_eq!(log_in(&mut ended, "someone", PASSWORD).await, 200);
    let copy = ended.clone();
    log_out(&mut ended).await;
    is_refused_soon(&at(&two.one, &copy), "known to both").await;

    for end in [RedisServer::stop, RedisServer::kill] {
        end(&redis);
        let since = Instant::now();
        let mut stale = [false; 2];
        while stale != [true; 2] {
            let begun = since.elapsed();
            for (server, stale) in two.both().into_iter().zip(&mut stale) {
                // A server refuses every request, whether it knows that the session has ended (401) or not (503).
                let response = at(server, &copy).get("/service").accept_json().send().await;
                assert!([401, 503].contains(&response.status().as_u16()), "{} {}", response.status(), response.text());
                // It may accept a live session for as long as its revocation list may be stale.
                let mut moved = at(server, &client);
                let response = moved.get("/service").accept_json().send().await;
                assert!([200, 503].contains(&response.status().as_u16()), "{} {}", response.status(), response.text());
                *stale |= response.status() == 503;
                assert_eq!(refresh(&mut moved).await, 503);
                assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
                let response = moved.post("/logout").accept_json().csrf().send().await;
                assert_eq!(response.status(), 503, "{}", response.text());
                assert!(moved.cookie("refresh_token_cookie").is_some(), "no user is logged out");
            }
            assert!(begun < STALENESS || stale == [true; 2], "a stale server still lets requests in");
        }
        redis.start_again();
        for server in two.both() {
            assert!(is_logged_in(&mut at(server, &client)).await, "without a restart");
            assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 200);
            assert!(!is_logged_in(&mut at(server, &copy)).await, "no ended session comes back");
        }
    }
}

/// Another process holds the write lock of the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s41_without_its_file_both_answer_503_and_go_on_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("shared.db").display());
    let two = &TwoServers::over(&[("HARDTACK_DATABASE_URL", url.clone())], &[]).await;
    let mut client = two.one.client();
    sign_up(&mut client, "someone").await;
    let database = Pool::from(Database::open(&url).await.unwrap());
    let busy = database.begin().await.unwrap();

    let requests = two.both().map(|server| {
        let client = at(server, &client);
        let (mut refreshes, mut leaves, mut comes) = (client.clone(), client.clone(), server.client());
        async move {
            let (refreshed, left, came) = tokio::join!(
                refresh(&mut refreshes),
                leaves.post("/logout").accept_json().csrf().send(),
                log_in(&mut comes, "someone", PASSWORD),
            );
            assert_eq!((refreshed, left.status().as_u16(), came), (503, 503, 503));
            for client in [refreshes, leaves] {
                assert!(client.cookie("refresh_token_cookie").is_some(), "no user is logged out");
            }
        }
    });
    let [one, other] = requests;
    tokio::join!(one, other);

    drop(busy);
    for server in two.both() {
        let mut moved = at(server, &client);
        assert!(is_logged_in(&mut moved).await, "a refused log-out was carried out");
        assert_eq!(refresh(&mut moved).await, 200);
        assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 200);
    }
}

#[tokio::test]
async fn a_redis_for_notice_may_be_down() {
    let redis = RedisServer::start();
    let env = [
        ("HARDTACK_DATABASE_URL", postgres::shared().database()),
        ("HARDTACK_REDIS_URL", redis.url()),
        ("HARDTACK_REDIS_FOR", "notice".to_owned()),
    ];
    redis.stop();
    let two = TwoServers::over(&env, &[]).await;
    for round in ["gone from the start", "back", "gone again"] {
        let mut client = two.one.client();
        sign_up(&mut client, &round.replace(' ', "-")).await;
        let copy = at(&two.other, &client);
        assert!(is_logged_in(&mut copy.clone()).await, "{round}");
        assert_eq!(refresh(&mut copy.clone()).await, 200, "{round}");
        log_out(&mut client).await;
        // By PostgreSQL's NOTIFY, or at the next poll.
        is_refused_soon(&copy, round).await;
        match round {
            "back" => redis.kill(),
            _ => redis.start_again(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s41_nothing_answered_is_lost_when_postgres_ends_under_load() {
    let database = PostgresServer::start_new();
    let two = TwoServers::over(&[("HARDTACK_DATABASE_URL", database.database())], &[]).await;
    let end = |abrupt| if abrupt { database.kill() } else { database.stop() };
    outages_under_load(&two, end, || database.start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s41_nothing_answered_is_lost_when_redis_ends_under_load() {
    let redis = durable_redis();
    let two = TwoServers::over(&on_redis(postgres::shared().database(), redis.url()), &[]).await;
    let end = |abrupt| if abrupt { redis.kill() } else { redis.stop() };
    outages_under_load(&two, end, || redis.start_again()).await;
}

/// While the store is down, users of both servers get a 503 and nothing else. When it is back, their sessions
/// still work, and the sessions that they ended are ended at both servers.
async fn outages_under_load(two: &TwoServers, end: impl Fn(bool), begin: impl Fn()) {
    let clients = (0..USERS).map(|number| two.both()[number % 2].client());
    let users = Users::start(clients, true).await;
    for outage in 0..OUTAGES {
        tokio::time::sleep(Duration::from_millis(rand::random_range(200..600))).await;
        let before = users.unavailable();
        end(outage % 2 == 1);
        wait::until("a user gets a 503", async || users.unavailable() > before).await;
        users.assert_no_failure();
        begin();
        // Requests in flight may still get a 503.
        for server in two.both() {
            let recovered = async || log_in(&mut server.client(), "someone0", PASSWORD).await == 200;
            wait::until("the server recovers without a restart", recovered).await;
        }
        users.assert_no_failure();
    }
    let (users, _) = users.stop().await;
    for (number, user) in users.iter().enumerate() {
        let (own, other) = (two.both()[number % 2], two.both()[(number + 1) % 2]);
        for ended in &user.logged_out {
            assert!(!is_logged_in(&mut at(own, ended)).await, "logged in where the session was ended");
            is_refused_soon(&at(other, ended), "a session that was ended elsewhere").await;
        }
        for server in two.both() {
            assert!(is_logged_in(&mut at(server, &user.client)).await, "a session was lost");
            for ended in &user.logged_out {
                assert_eq!(refresh(&mut at(server, ended)).await, 401, "an ended session came back");
            }
        }
    }
}
