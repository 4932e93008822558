//! The servers return to a session store that they had left. Users might have ended sessions in the meantime without
//! the store knowing about it.

use std::time::SystemTime;

use hardtack_test_support::Client;
use hardtack_test_support::process::{Process, Program};
use hardtack_test_support::services::redis::RedisServer;
use hardtack_test_support::services::{PostgresServer, postgres};
use hardtack_test_support::wait;
use serde_json::json;

use crate::settings_table::Settings;
use crate::stores::{ServerOnRedis, at};
use crate::support::{
    PASSWORD, TestDir, is_logged, is_refused_soon, log_in, log_out, refresh, sign_up, signal, start,
    with_copied_access_cookie,
};

const NEW_PASSWORD: &str = "canary-password-9a7c";

/// Asserts that a session cannot be continued, and that its access token is refused soon. `copy` has all its cookies.
async fn is_over(server: &Process, copy: &Client, when: &str) {
    let mut copy = at(server, copy);
    is_refused_soon(&with_copied_access_cookie(&copy, server), when).await;
    copy.jar().remove("access_token_cookie");
    assert_eq!(refresh(&mut copy).await, 401, "{when}");
}

/// Waits until a server has logged this event this many times.
async fn is_logged_times(server: &Process, event: &str, times: usize) {
    let found = async || (server.stderr().matches(event).count() >= times).then_some(());
    wait::until_some(|| format!("{event} is in the log {times} times: {}", server.stderr()), found).await;
}

/// Redis is replaced by an empty Redis, and later comes back. Both servers notice both changes.
#[tokio::test]
async fn k07_s71_sessions_end_when_a_redis_comes_back_to_running_servers() {
    let ServerOnRedis { redis, dir, program, server, mut ada } = ServerOnRedis::start().await;
    let servers = [server, start(&program).await];
    let copy = ada.clone();
    redis.exchange();
    for server in &servers {
        is_logged(server, "sessions_lost").await;
    }
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    log_out(&mut ada).await;
    redis.exchange();
    let logs = || servers.iter().map(Process::stderr).collect::<String>();
    wait::until("the sessions are ended", async || logs().contains("sessions_went_back")).await;
    is_over(&servers[0], &copy, "after the return").await;
    // The servers end the sessions once, and do not end sessions that begin later.
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    for server in &servers {
        is_logged_times(server, "sessions_lost", 2).await;
    }
    let settings = Settings::of(&dir).await;
    let agreed = async || {
        let places = settings.rows("session_place_of_server:").await;
        let id = settings.redis_id().await;
        places.len() == 2 && places.iter().all(|(_, place)| place.contains(&id))
    };
    wait::until("the servers agree", agreed).await;
    assert_eq!(refresh(&mut at(&servers[1], &ada)).await, 200);
    assert_eq!(logs().matches("sessions_went_back").count(), 1, "{}", logs());
    assert!(!logs().contains("session_places_differ"), "{}", logs());
}

/// Only one of two servers notices that Redis was replaced, and it crashes before Redis comes back.
#[tokio::test]
async fn k07_s71_sessions_end_when_a_redis_comes_back_to_a_server_that_did_not_notice() {
    let redis = RedisServer::start();
    let (dir, url) = (TestDir::new(), postgres::shared().database());
    let program = dir.serve(["--redis-url", &redis.url()]).env("HARDTACK_DATABASE_URL", &url);
    let (one, other) = (start(&program).await, start(&program).await);
    let settings = Settings::open(&url).await;
    let mut ada = one.client();
    sign_up(&mut ada, "ada").await;
    signal(&other, "STOP");
    redis.exchange();
    let is_marked = async || settings.marks().await.iter().any(|(_, mark)| mark.starts_with("moved "));
    wait::until("the mark is set", is_marked).await;
    one.kill();
    redis.exchange();
    signal(&other, "CONT");
    is_logged(&other, "sessions_went_back").await;
    is_over(&other, &ada, "after the return").await;
    assert!(!other.stderr().contains("sessions_lost"), "{}", other.stderr());
    wait::until("the mark is deleted", async || !is_marked().await).await;
}

/// A server cannot reach its database while Redis is replaced.
#[tokio::test]
async fn k07_s71_sessions_end_when_a_redis_comes_back_before_the_database() {
    let (redis, database) = (RedisServer::start(), PostgresServer::start_new());
    let (dir, url) = (TestDir::new(), database.database());
    let program = dir.serve(["--redis-url", &redis.url()]).env("HARDTACK_DATABASE_URL", &url);
    let server = start(&program).await;
    let mut ada = server.client();
    sign_up(&mut ada, "ada").await;
    database.stop();
    redis.exchange();
    is_logged(&server, "sessions_lost").await;
    redis.exchange();
    is_logged_times(&server, "sessions_lost", 2).await;
    database.start();
    is_logged(&server, "sessions_went_back").await;
    is_over(&server, &ada, "after the return").await;
}

/// The servers are started with another session store, and later with the first store again. In between, each server is
/// either stopped or killed.
#[tokio::test]
async fn k07_s35_s71_sessions_end_when_servers_are_started_with_an_earlier_store() {
    let (redis, other) = (RedisServer::start(), RedisServer::start());
    for kills in [false, true] {
        for (home, away) in [(Some(&redis), Some(&other)), (Some(&redis), None), (None, Some(&redis))] {
            let dir = TestDir::new();
            let with = |redis: Option<&RedisServer>| -> Program {
                redis.iter().fold(dir.serve([]), |program, redis| program.env("HARDTACK_REDIS_URL", redis.url()))
            };
            let end = async |server: Process| match kills {
                true => drop(server.kill()),
                false => drop(server.stop().await),
            };
            let when = format!("kills: {kills}, from {:?} to {:?}", home.map(|_| "Redis"), away.map(|_| "Redis"));
            // Other runs have used the same Redis with other databases.
            redis.command("FLUSHALL");
            other.command("FLUSHALL");

            let server = start(&with(home)).await;
            let mut ada = server.client();
            sign_up(&mut ada, "ada").await;
            let copy = ada.clone();
            end(server).await;

            let server = start(&with(away)).await;
            let mut ada = server.client();
            assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
            let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
            let response = ada.post("/account/password").accept_json().csrf().json(&body).send().await;
            assert_eq!(response.status(), 200, "{}", response.text());
            end(server).await;

            let server = start(&with(home)).await;
            is_over(&server, &copy, &when).await;
            assert!(server.stderr().contains("sessions_went_back"), "{when}: {}", server.stderr());
            let mut ada = server.client();
            assert_eq!(log_in(&mut ada, "ada", NEW_PASSWORD).await, 200);
            end(server).await;

            // The next start ends no sessions.
            let server = start(&with(home)).await;
            assert_eq!(refresh(&mut at(&server, &ada)).await, 200, "{when}");
            assert!(!server.stderr().contains("sessions_went_back"), "{when}: {}", server.stderr());
        }
    }
}

/// Servers use two stores at the same time. The server of the first store is killed, and the server of the other store
/// ends soon afterwards.
#[tokio::test]
async fn k07_s35_s71_sessions_end_when_servers_return_to_a_store_whose_server_was_killed() {
    let (redis, new) = (RedisServer::start(), RedisServer::start());
    for kills in [false, true] {
        let dir = TestDir::new();
        redis.command("FLUSHALL");
        new.command("FLUSHALL");
        let [before, after] = [&redis, &new].map(|redis| dir.serve(["--redis-url", &redis.url()]));
        let killed = start(&before).await;
        let settings = Settings::of(&dir).await;
        let id = settings.redis_id().await;
        let mut ada = killed.client();
        sign_up(&mut ada, "ada").await;
        let copy = ada.clone();
        let server = start(&after).await;
        // The server of the first store shows that it is still running.
        let row = async || settings.rows("session_place_of_server:").await.into_iter().find(|row| row.1.contains(&id));
        let known = row().await;
        wait::until("the row is renewed", async || row().await != known).await;
        killed.kill();
        let mut ada = server.client();
        assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
        let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        let response = ada.post("/account/password").accept_json().csrf().json(&body).send().await;
        assert_eq!(response.status(), 200, "{}", response.text());
        match kills {
            true => drop(server.kill()),
            false => drop(server.stop().await),
        }
        let server = start(&before).await;
        is_over(&server, &copy, &format!("kills: {kills}")).await;
    }
}

/// While the server of the site runs, another server is tried out with another store.
#[tokio::test]
async fn k07_a_trial_with_another_store_ends_no_sessions() {
    let trial = RedisServer::start();
    let ServerOnRedis { redis: _redis, dir, program, server, ada } = ServerOnRedis::start().await;
    let settings = Settings::of(&dir).await;
    let mark = format!("session_store_left:{}", settings.redis_id().await);
    let is_marked = async || settings.marks().await.iter().any(|(name, _)| *name == mark);
    for (tried, kills) in [(dir.serve(["--redis-url", &trial.url()]), true), (dir.serve([]), false)] {
        let tried = start(&tried).await;
        assert!(is_marked().await);
        // Another server of the site can start meanwhile.
        let second = start(&program).await;
        assert_eq!(refresh(&mut at(&second, &ada)).await, 200, "{}", second.stderr());
        assert!(!second.stderr().contains("sessions_went_back"), "{}", second.stderr());
        second.stop().await;
        match kills {
            true => drop(tried.kill()),
            false => drop(tried.stop().await),
        }
        wait::until("the mark is deleted", async || !is_marked().await).await;
    }
    // The server can be restarted as soon as the trial has ended.
    let tried = start(&dir.serve([])).await;
    assert!(is_marked().await);
    tried.stop().await;
    server.stop().await;
    let server = start(&program).await;
    assert_eq!(refresh(&mut at(&server, &ada)).await, 200, "{}", server.stderr());
    assert!(!server.stderr().contains("sessions_went_back"), "{}", server.stderr());
}

/// The servers move to another Redis one after the other, and no server is without a Redis in the meantime.
#[tokio::test]
async fn k07_servers_that_move_one_after_the_other_end_no_sessions_in_the_new_store() {
    let new = RedisServer::start();
    let ServerOnRedis { redis: _redis, dir, program: before, server: one, ada } = ServerOnRedis::start().await;
    let after = dir.serve(["--redis-url", &new.url()]);
    let other = start(&before).await;
    one.stop().await;
    // The servers compare whole seconds.
    let second = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let started = second();
    wait::until("a second has passed", async || second() > started).await;
    let one = start(&after).await;
    let mut ada = at(&one, &ada);
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    other.stop().await;
    let other = start(&after).await;
    assert_eq!(refresh(&mut at(&other, &ada)).await, 200, "{}", other.stderr());
}

/// A server crashes and is restarted all the time. Then an older snapshot of Redis is restored.
#[tokio::test]
async fn k07_s71_crashes_of_a_server_do_not_hide_an_older_redis() {
    let ServerOnRedis { redis, dir, program, server, ada } = ServerOnRedis::start().await;
    let count = "{hardtack}:count";
    assert_eq!(redis.command(&format!("COPY {count} older")), ":1");
    server.kill();
    for _ in 0..5 {
        start(&program).await.kill();
    }
    Settings::of(&dir).await.let_a_minute_pass().await;
    start(&program).await.kill();
    assert_eq!(redis.command(&format!("COPY older {count} REPLACE")), ":1");
    let server = start(&program).await;
    is_logged(&server, "sessions_went_back").await;
    is_over(&server, &ada, "after the restoration").await;
    // The same snapshot is restored again at once.
    let mut ada = server.client();
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    server.kill();
    assert_eq!(redis.command(&format!("COPY older {count} REPLACE")), ":1");
    let server = start(&program).await;
    is_logged(&server, "sessions_went_back").await;
    is_over(&server, &ada, "after the second restoration").await;
}
