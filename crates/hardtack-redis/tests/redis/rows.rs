//! Damaged rows, large numbers, and servers in unusual states.

use std::error::Error;

use hardtack::session::{RevocationKind, RevokeTarget, SessionCursor, SessionStore};
use hardtack_redis::RedisSessions;
use hardtack_test_support::services::redis::RedisServer;

use crate::{NO_SESSIONS, NOW, at, next, open, session};

#[tokio::test]
async fn an_invalid_row_is_an_error_and_is_pruned() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let [broken, whole] = [session("alice"), session("alice")];
    for row in [&broken, &whole] {
        store.create(row, NO_SESSIONS).await.unwrap();
    }
    assert_eq!(server.command(&format!("SET {{hardtack}}:session:{} 2-and-else", broken.id)), "+OK");

    let error = store.find(broken.id).await.unwrap_err().source().unwrap().to_string();
    let text = "the row is not in format version 1; a newer version of the program may have written it";
    assert!(error.ends_with(&format!("session {}: {text}", broken.id)), "{error}");
    assert!(store.list("alice", NOW).await.is_err());
    assert!(store.rotate(broken.id, 1, next(1)).await.is_err());
    assert!(store.confirm(broken.id, 1).await.is_err());
    for target in [RevokeTarget::AllOf("alice"), RevokeTarget::Sessions(&[whole.id, broken.id])] {
        let error = store.revoke(target, NOW).await.unwrap_err().source().unwrap().to_string();
        assert!(error.contains(&broken.id.to_string()), "{error}");
        assert!(store.create(&session("alice"), target).await.is_err());
    }
    assert!(store.outdate("alice", Some("{}"), NOW).await.is_err());
    assert_eq!(store.find(whole.id).await.unwrap(), Some(whole.clone()), "a failed script changes nothing");
    assert!(store.revocations(0, 10).await.unwrap().entries.is_empty());

    assert_eq!(store.prune(whole.expires_at, 10).await.unwrap(), 0);
    assert_eq!(store.prune(whole.expires_at + std::time::Duration::from_secs(1), 10).await.unwrap(), 2);
    assert_eq!(store.find(broken.id).await.unwrap(), None);
    assert!(store.list("alice", NOW).await.unwrap().is_empty());
}

#[tokio::test]
async fn pruning_leaves_no_keys() {
    let server = RedisServer::start();
    let store = open(&server).await;
    for _ in 0..450 {
        store.create(&session("alice"), NO_SESSIONS).await.unwrap();
    }
    assert_eq!(store.revoke(RevokeTarget::AllOf("alice"), NOW).await.unwrap().len(), 450);
    assert_eq!(store.prune(at(1), 300).await.unwrap(), 300);
    assert_eq!(store.prune(at(1), u32::MAX).await.unwrap(), 600);
    assert_eq!(store.prune(at(1), u32::MAX).await.unwrap(), 0);
    // The two keys are the head of the log and the empty log.
    assert_eq!(server.command("DBSIZE"), ":2");
}

#[tokio::test]
async fn generations_are_whole_numbers_of_64_bits() {
    let store = crate::open_fresh().await;
    let mut row = session("alice");
    row.generation = u64::MAX - 1;
    store.create(&row, NO_SESSIONS).await.unwrap();
    assert_eq!(store.rotate(row.id, u64::MAX - 1, next(1)).await.unwrap().unwrap().generation, u64::MAX);
    let rotation = next(2).with_auth_time(at(2));
    assert_eq!(store.rotate(row.id, u64::MAX, rotation).await.unwrap(), None);
    assert_eq!(store.find(row.id).await.unwrap().unwrap().generation, u64::MAX);
    assert_eq!(store.outdate("alice", None, at(3)).await.unwrap(), [(row.id, u64::MAX)]);
    assert_eq!(store.find(row.id).await.unwrap().unwrap().outdated_generation, u64::MAX);
    let log = store.revocations(0, 10).await.unwrap().entries;
    assert_eq!(log.iter().map(|entry| entry.kind).collect::<Vec<_>>(), [RevocationKind::Outdated(u64::MAX)]);
}

#[tokio::test]
async fn a_full_server_refuses_log_ins_and_accepts_log_outs() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let rows = [session("alice"), session("alice")];
    for row in &rows {
        store.create(row, NO_SESSIONS).await.unwrap();
    }
    assert_eq!(server.command("CONFIG SET maxmemory 1"), "+OK");
    let refused = session("bob");
    assert!(store.create(&refused, NO_SESSIONS).await.is_err());
    assert_eq!(store.find(refused.id).await.unwrap(), None);
    assert!(store.list("bob", NOW).await.unwrap().is_empty());
    assert_eq!(store.revoke(RevokeTarget::AllOf("alice"), at(1)).await.unwrap().len(), 2);
    assert_eq!(store.revocations(0, 10).await.unwrap().entries.len(), 2);
    assert_eq!(server.command("CONFIG SET maxmemory 0"), "+OK");
    store.create(&refused, NO_SESSIONS).await.unwrap();
}

#[tokio::test]
async fn scripts_that_the_server_lost_are_sent_again() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let row = session("alice");
    store.create(&row, NO_SESSIONS).await.unwrap();
    assert_eq!(server.command("SCRIPT FLUSH"), "+OK");
    assert_eq!(store.rotate(row.id, 1, next(1)).await.unwrap().unwrap().generation, 2);
    assert_eq!(store.revoke(RevokeTarget::Sessions(&[row.id]), at(2)).await.unwrap(), [row.id]);
}

#[tokio::test]
async fn e19_s82_twenty_thousand_sessions_are_listed_in_pages_and_ended_at_the_next_log_in() {
    // Ending thousands of sessions takes Redis longer than other tests wait for it.
    let server = RedisServer::start();
    let sessions = RedisSessions::open(server.url()).await.unwrap();
    let rows: Vec<_> = (0..20_000).map(|_| session("alice")).collect();
    for batch in rows.chunks(1000) {
        let mut calls = tokio::task::JoinSet::new();
        for row in batch {
            let (sessions, row) = (sessions.clone(), row.clone());
            calls.spawn(async move { sessions.create(&row, NO_SESSIONS).await.unwrap() });
        }
        calls.join_all().await;
    }
    let since = std::time::Instant::now();
    let page = sessions.list_page("alice", at(0), None, 50).await.unwrap();
    let next = sessions.list_page("alice", at(0), page.last().map(SessionCursor::after), 50).await.unwrap();
    assert_eq!((page.len(), next.len()), (50, 50));
    assert!(since.elapsed() < std::time::Duration::from_secs(30), "{:?}", since.elapsed());
    let mut live = rows.len();
    while live > 100 {
        let ended = sessions.create_within(&session("alice"), NO_SESSIONS, 100).await.unwrap();
        assert!(!ended.is_empty());
        live = live + 1 - ended.len();
    }
    assert_eq!(sessions.list("alice", at(0)).await.unwrap().len(), 100);
}
