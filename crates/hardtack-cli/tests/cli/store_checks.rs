//! Periods in which servers check each request against the session store, because access tokens of sessions that are not
//! in the store might be valid.

use hardtack_test_support::process::Process;
use hardtack_test_support::services::redis::RedisServer;
use hardtack_test_support::wait;

use crate::settings_table::Settings;
use crate::stores::{ServerOnRedis, at};
use crate::support::{
    PASSWORD, TestDir, is_logged, is_logged_in, is_refused_eventually, log_in, sign_up, start,
    with_copied_access_cookie,
};

/// The prefix of the rows that say how many seconds of a period remain.
const CHECKS: &str = "session_store_checks_left:";

/// The length of a period with the default lifetimes, in seconds.
const PERIOD: u64 = 16 * 60;

/// How many seconds remain, according to the servers' rows.
async fn left(settings: &Settings) -> Vec<u64> {
    settings.rows(CHECKS).await.iter().map(|(_, left)| left.parse().unwrap()).collect()
}

/// Waits until each of the running servers has renewed its rows twice.
async fn servers_renew(settings: &Settings) {
    for _ in 0..2 {
        let known = settings.rows("session_place_of_server:").await;
        let renewed = async || {
            let rows = settings.rows("session_place_of_server:").await;
            rows.iter().all(|row| !known.contains(row))
        };
        wait::until("the rows are renewed", renewed).await;
    }
}

/// The servers of two stores run at the same time. One server used to accept the tokens of the other server, although
/// its own store does not contain their sessions, so that a password change did not end them.
#[tokio::test]
async fn k07_s35_s71_tokens_of_a_server_with_another_store_are_refused() {
    let ServerOnRedis { redis: _redis, dir, program, server, .. } = ServerOnRedis::start().await;
    let settings = Settings::of(&dir).await;
    let log_in_at = async |other: &Process| {
        let mut ada = other.client();
        assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
        with_copied_access_cookie(&ada, &server)
    };
    // This server ends before the first one renews its rows.
    let other = start(&dir.serve([])).await;
    let copy = log_in_at(&other).await;
    other.stop().await;
    is_refused_eventually(&copy, "the other server has stopped").await;

    let other = start(&dir.serve([])).await;
    servers_renew(&settings).await;
    // Both servers check each request while they use different stores.
    let left = left(&settings).await;
    assert!(left.len() == 2 && left.iter().all(|left| *left > PERIOD - 5), "{left:?}");
    let copies = [log_in_at(&other).await, log_in_at(&other).await];
    assert!(!is_logged_in(&mut copies[0].clone()).await);
    other.kill();
    server.stop().await;
    let server = start(&program).await;
    assert!(!is_logged_in(&mut at(&server, &copies[1])).await);
    let mut ada = server.client();
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    assert!(is_logged_in(&mut ada).await);
}

/// The database does not contain the sessions that were in Redis, and its revocation log does not mention them.
#[tokio::test]
async fn s35_s71_tokens_of_sessions_in_the_previous_store_are_refused() {
    let ServerOnRedis { redis: _redis, dir, server, ada, .. } = ServerOnRedis::start().await;
    server.stop().await;
    let program = dir.serve([]);
    // The second start shows that the database records the move.
    for _ in 0..2 {
        let server = start(&program).await;
        assert!(!is_logged_in(&mut at(&server, &ada)).await);
        let mut again = server.client();
        assert_eq!(log_in(&mut again, "ada", PASSWORD).await, 200);
        assert!(is_logged_in(&mut again).await);
        server.stop().await;
    }
}

/// The database contains how many seconds remain. It used to contain the time of the move, so a wrong clock ended the
/// period early.
#[tokio::test]
async fn k07_s71_the_database_contains_how_much_of_a_period_remains() {
    let ServerOnRedis { redis: _redis, dir, server, ada, .. } = ServerOnRedis::start().await;
    server.stop().await;
    let settings = Settings::of(&dir).await;
    assert!(left(&settings).await.is_empty());
    let program = dir.serve([]);
    for kills in [false, true] {
        let server = start(&program).await;
        assert!(!is_logged_in(&mut at(&server, &ada)).await);
        match kills {
            true => drop(server.kill()),
            false => drop(server.stop().await),
        }
        let left = left(&settings).await;
        assert!(left.len() == 1 && (PERIOD - 60..=PERIOD + 15).contains(&left[0]), "{left:?}");
    }
    // Almost the whole period has passed.
    settings.set(CHECKS, "1").await;
    let server = start(&program).await;
    assert!(!is_logged_in(&mut at(&server, &ada)).await);
    wait::until("the row is deleted", async || left(&settings).await.is_empty()).await;
}

/// Redis is restarted from an older snapshot while its clock is behind. Then the clock is set right, so that Redis says
/// that it has been complete for a long time.
#[tokio::test]
async fn k07_s35_s71_sessions_that_redis_has_lost_are_refused_although_its_clock_was_set_forward() {
    let ServerOnRedis { redis, dir, program, server, mut ada } = ServerOnRedis::start().await;
    let settings = Settings::of(&dir).await;
    let mut bob = server.client();
    sign_up(&mut bob, "bob").await;
    assert!(left(&settings).await.is_empty());
    redis.kill();
    redis.start_again();
    let script = "return redis.call('DEL', unpack(redis.call('KEYS', '*:session:*')))";
    assert_eq!(redis.command(&format!("EVAL \"{script}\" 0")), ":2");
    let is_noticed = async || redis.command("HGET {hardtack}:log:head since") != "$4";
    wait::until("the server has read the log", is_noticed).await;
    is_refused_eventually(&with_copied_access_cookie(&ada, &server), "Redis says that it was restarted").await;
    redis.command("HSET {hardtack}:log:head since 1000");
    servers_renew(&settings).await;
    assert!(!is_logged_in(&mut bob.clone()).await);
    let other = start(&program).await;
    assert!(!is_logged_in(&mut at(&other, &bob)).await);
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    assert!(is_logged_in(&mut ada).await);
}

/// A server that notices that Redis has gone back to an older state tells the servers that start later.
#[tokio::test]
async fn k07_s71_servers_that_start_later_know_that_redis_went_back() {
    let ServerOnRedis { redis, dir, program, server, ada } = ServerOnRedis::start().await;
    server.stop().await;
    let settings = Settings::of(&dir).await;
    settings.let_a_minute_pass().await;
    start(&program).await.stop().await;
    assert!(left(&settings).await.is_empty());
    // The snapshot does not contain the session.
    let script = "return redis.call('DEL', '{hardtack}:ends', unpack(redis.call('KEYS', '*:session:*')))";
    assert_eq!(redis.command(&format!("EVAL \"{script}\" 0")), ":2");
    redis.command("SET {hardtack}:count 0");
    let server = start(&program).await;
    is_logged(&server, "sessions_went_back").await;
    for server in [server, start(&program).await] {
        assert!(!is_logged_in(&mut at(&server, &ada)).await);
    }
}

#[tokio::test]
async fn k07_a_redis_that_was_emptied_while_no_server_ran_has_lost_the_sessions() {
    let redis = RedisServer::start();
    let dir = TestDir::new();
    let program = dir.serve(["--redis-url", &redis.url()]);
    start(&program).await.stop().await;
    assert_eq!(redis.command("FLUSHALL"), "+OK");
    let log = start(&program).await.stop().await.stderr;
    assert!(log.contains("sessions_lost") && !log.contains("sessions_moved"), "{log}");
    let log = start(&dir.serve([])).await.stop().await.stderr;
    assert!(log.contains("sessions_moved") && !log.contains("sessions_lost"), "{log}");
}

/// While access tokens lived for a minute, the rows of ended sessions were deleted after a minute. Tokens that were
/// issued before are valid again if the lifetime becomes longer again.
#[tokio::test]
async fn s28_s71_servers_check_each_request_after_access_tokens_live_longer_again() {
    let dir = TestDir::new();
    let with_lifetime = async |lifetime: &str| {
        start(&dir.serve(["--access-lifetime", lifetime])).await.stop().await;
        left(&Settings::of(&dir).await).await
    };
    assert_eq!(with_lifetime("1d").await, [0; 0]);
    assert_eq!(with_lifetime("1m").await, [0; 0]);
    let left = with_lifetime("1d").await;
    assert!(left.len() == 1 && left[0] > 24 * 60 * 60, "{left:?}");
}
