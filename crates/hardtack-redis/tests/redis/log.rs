//! The revocation log after the server has lost data or was restarted.

use std::time::Duration;

use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_redis::RedisSessions;
use hardtack_test_support::services::redis::RedisServer;

use crate::{NO_SESSIONS, NOW, at, open, session};

/// Ends a session and returns the head of the log.
async fn log_out(store: &RedisSessions) -> u64 {
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await.unwrap();
    store.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    let page = store.revocations(0, u32::MAX).await.unwrap();
    assert_eq!(page.entries.last().map(|entry| (entry.sequence, entry.session)), Some((page.head, row.id)));
    page.head
}

#[tokio::test]
async fn an_emptied_server_shows_a_gap() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let known = log_out(&store).await;
    for flush in ["FLUSHALL", "FLUSHDB", "DEL {hardtack}:log:head"] {
        let before = store.revocations(0, 1).await.unwrap().head;
        server.command(flush);
        let page = store.revocations(before, 10).await.unwrap();
        assert!(page.head > before && page.entries.is_empty(), "{flush}: a reader sees that it has missed entries");
        assert_eq!(store.revocations(before, 10).await.unwrap(), page, "the head stays");
        assert_eq!(log_out(&store).await, page.head + 1);
        server.command(flush);
        assert!(log_out(&store).await > page.head + 2, "{flush}: a writer comes first");
    }
    assert!(known > 1_700_000_000_000_000, "microseconds since 1970");
}

#[tokio::test]
async fn a_restarted_server_shows_a_gap_and_its_entries() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let known = log_out(&store).await;
    server.kill();
    server.start_again();
    let page = store.revocations(known, 10).await.unwrap();
    assert!(page.head > known && page.entries.is_empty());
    assert_eq!(store.revocations(0, 10).await.unwrap().entries.len(), 1, "nothing was lost");
    assert_eq!(log_out(&store).await, page.head + 1);
}

#[tokio::test]
async fn s71_a_page_says_how_long_ago_the_server_might_have_lost_data() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let complete_for = async || store.revocations(0, 10).await.unwrap().complete_for;
    let is_new = |span: Option<Duration>| span.is_some_and(|span| span < Duration::from_secs(600));
    for command in ["FLUSHALL", "restart"] {
        server.age("hardtack");
        assert!(complete_for().await > Some(Duration::from_secs(1_000_000_000)), "{command}");
        match command {
            "restart" => {
                server.kill();
                server.start_again();
            }
            command => assert_eq!(server.command(command), "+OK"),
        }
        assert!(is_new(complete_for().await), "{command}");
    }
    // The clock of the server was set back.
    server.command("HSET {hardtack}:log:head since 9000000000");
    assert_eq!(complete_for().await, Some(Duration::ZERO));
    // A version before this number was recorded has written the entry.
    server.command("HDEL {hardtack}:log:head since");
    assert_eq!(complete_for().await, None);
}

#[tokio::test]
async fn a_server_restored_from_a_backup_uses_no_number_twice() {
    let server = RedisServer::start_with(&["--appendonly", "no"]);
    let store = open(&server).await;
    let saved = log_out(&store).await;
    assert_eq!(server.command("SAVE"), "+OK");
    let lost = log_out(&store).await;
    assert_eq!(lost, saved + 1);
    server.kill();
    server.start_again();
    let entries = store.revocations(0, 10).await.unwrap().entries;
    assert_eq!(entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [saved]);
    assert!(log_out(&store).await > lost + 1);
}

#[tokio::test]
async fn the_log_is_pruned_from_its_beginning_only() {
    let store = crate::open_fresh().await;
    let rows = [5, 100, 5].map(|seconds| (session("alice"), at(seconds)));
    for (row, end) in &rows {
        store.create(row, NO_SESSIONS).await.unwrap();
        store.revoke(RevokeTarget::Sessions(&[row.id]), *end).await.unwrap();
    }
    assert_eq!(store.prune(at(50), 100).await.unwrap(), 2 + 1, "two rows, one entry");
    let entries = store.revocations(0, 10).await.unwrap().entries;
    assert_eq!(entries.iter().map(|entry| entry.session).collect::<Vec<_>>(), [rows[1].0.id, rows[2].0.id]);
    assert_eq!(entries[0].sequence + 1, entries[1].sequence);
    assert_eq!(store.prune(at(101), 100).await.unwrap(), 1 + 2);
}

#[tokio::test]
async fn e04_the_servers_own_clock_decides_what_is_old() {
    use hardtack::clock::{Clock, SystemClock};
    use hardtack::testing::TestClock;
    use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};

    let (store, now, day) = (crate::open_fresh().await, SystemClock.now(), Duration::from_secs(24 * 60 * 60));
    let theirs = store.time().await.unwrap().unwrap();
    assert!(theirs.distance(now) <= Duration::from_secs(30), "{theirs} {now}");
    let row = hardtack::testing::session("alice", now - 3 * day);
    store.create(&row, NO_SESSIONS).await.unwrap();
    store.revoke(RevokeTarget::Sessions(&[row.id]), now - 3 * day).await.unwrap();
    let clock = TestClock::start_now();
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let auth = Authenticator::builder(keys).sessions(store).clock(clock.clone()).build().unwrap();
    clock.set_forward(30 * day);
    assert_eq!(auth.prune_sessions(100).await.unwrap(), 0, "ahead");
    clock.set_back(60 * day);
    assert_eq!(auth.prune_sessions(100).await.unwrap(), 0, "behind");
    clock.set_forward(30 * day);
    assert_eq!(auth.prune_sessions(100).await.unwrap(), 2, "the session and its log entry");
}
