//! Rows and servers that are not as they should be.

use hardtack::session::SessionStore;
use hardtack::session::{RevocationKind, RevokeTarget};
use hardtack_test_support::services::redis::RedisServer;

use crate::{NOBODY, NOW, at, next, open, session};

#[tokio::test]
async fn a_row_that_nobody_wrote_is_an_error_and_is_pruned() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let [broken, whole] = [session("alice"), session("alice")];
    for row in [&broken, &whole] {
        store.create(row, NOBODY).await.unwrap();
    }
    assert_eq!(server.command(&format!("SET {{hardtack}}:session:{} 2-and-else", broken.id)), "+OK");

    let error = store.find(broken.id).await.unwrap_err().to_string();
    let text = "the row is not of version 1; a newer program may have written it";
    assert!(error.ends_with(&format!("session {}: {text}", broken.id)), "{error}");
    assert!(store.list("alice", NOW).await.is_err());
    assert!(store.rotate(broken.id, 1, next(1)).await.is_err());
    assert!(store.confirm(broken.id, 1).await.is_err());
    for ends in [RevokeTarget::AllOf("alice"), RevokeTarget::Sessions(&[whole.id, broken.id])] {
        let error = store.revoke(ends, NOW).await.unwrap_err().to_string();
        assert!(error.contains(&broken.id.to_string()), "{error}");
        assert!(store.create(&session("alice"), ends).await.is_err());
    }
    assert!(store.outdate("alice", Some("{}"), NOW).await.is_err());
    assert_eq!(store.find(whole.id).await.unwrap(), Some(whole.clone()), "what failed changed nothing");
    assert!(store.revocations(0, 10).await.unwrap().entries.is_empty());

    assert_eq!(store.prune(whole.expires_at, 10).await.unwrap(), 0);
    assert_eq!(store.prune(whole.expires_at + std::time::Duration::from_secs(1), 10).await.unwrap(), 2);
    assert_eq!(store.find(broken.id).await.unwrap(), None);
    assert!(store.list("alice", NOW).await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_left_of_what_was_pruned() {
    let server = RedisServer::start();
    let store = open(&server).await;
    for _ in 0..450 {
        store.create(&session("alice"), NOBODY).await.unwrap();
    }
    assert_eq!(store.revoke(RevokeTarget::AllOf("alice"), NOW).await.unwrap().len(), 450);
    assert_eq!(store.prune(at(1), 300).await.unwrap(), 300);
    assert_eq!(store.prune(at(1), u32::MAX).await.unwrap(), 600);
    assert_eq!(store.prune(at(1), u32::MAX).await.unwrap(), 0);
    // The head of the log, and the log without entries.
    assert_eq!(server.command("DBSIZE"), ":2");
}

#[tokio::test]
async fn generations_are_whole_numbers_of_64_bits() {
    let store = crate::open_fresh().await;
    let mut row = session("alice");
    row.generation = u64::MAX - 1;
    store.create(&row, NOBODY).await.unwrap();
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
async fn a_full_server_refuses_log_ins_and_takes_log_outs() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let rows = [session("alice"), session("alice")];
    for row in &rows {
        store.create(row, NOBODY).await.unwrap();
    }
    assert_eq!(server.command("CONFIG SET maxmemory 1"), "+OK");
    let refused = session("bob");
    assert!(store.create(&refused, NOBODY).await.is_err());
    assert_eq!(store.find(refused.id).await.unwrap(), None);
    assert!(store.list("bob", NOW).await.unwrap().is_empty());
    assert_eq!(store.revoke(RevokeTarget::AllOf("alice"), at(1)).await.unwrap().len(), 2);
    assert_eq!(store.revocations(0, 10).await.unwrap().entries.len(), 2);
    assert_eq!(server.command("CONFIG SET maxmemory 0"), "+OK");
    store.create(&refused, NOBODY).await.unwrap();
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_given_them_again() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let row = session("alice");
    store.create(&row, NOBODY).await.unwrap();
    assert_eq!(server.command("SCRIPT FLUSH"), "+OK");
    assert_eq!(store.rotate(row.id, 1, next(1)).await.unwrap().unwrap().generation, 2);
    assert_eq!(store.revoke(RevokeTarget::Sessions(&[row.id]), at(2)).await.unwrap(), [row.id]);
}
