//! A server that goes away and comes back.

use std::time::{Duration, Instant};

use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_sqlx::PostgresSessions;
use hardtack_test_support::services::PostgresServer;
use tokio::task::JoinSet;

use crate::{NOW, session};

/// All of the pool's connections are in use, and then idle.
async fn use_all(sessions: &PostgresSessions) -> Vec<bool> {
    let mut users = JoinSet::new();
    for _ in 0..30 {
        let sessions = sessions.clone();
        users.spawn(async move { sessions.list("alice", NOW).await.is_ok() });
    }
    users.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_fails_in_seconds_and_is_found_again() {
    let server = PostgresServer::start_new();
    let sessions = PostgresSessions::open(&server.database()).await.unwrap();
    let [kept, ended] = [session("alice"), session("alice")];
    for row in [&kept, &ended] {
        sessions.create(row, RevokeTarget::Sessions(&[])).await.unwrap();
    }
    assert!(use_all(&sessions).await.into_iter().all(|fine| fine));

    for abrupt in [false, true] {
        if abrupt {
            server.kill()
        } else {
            server.stop()
        }
        let since = Instant::now();
        assert!(use_all(&sessions).await.into_iter().all(|fine| !fine));
        assert!(sessions.revoke(RevokeTarget::Sessions(&[ended.id]), NOW).await.is_err());
        assert!(since.elapsed() < Duration::from_secs(12), "{:?}", since.elapsed());
        server.start();
        assert!(use_all(&sessions).await.into_iter().all(|fine| fine), "after it was back");
        assert_eq!(sessions.find(kept.id).await.unwrap().as_ref(), Some(&kept));
        assert_eq!(sessions.find(ended.id).await.unwrap().as_ref(), Some(&ended), "what failed was not done");
    }
    assert_eq!(sessions.revoke(RevokeTarget::Sessions(&[ended.id]), NOW).await.unwrap(), [ended.id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_died_unused_are_replaced_unseen() {
    let server = PostgresServer::start_new();
    let sessions = PostgresSessions::open(&server.database()).await.unwrap();
    assert!(use_all(&sessions).await.into_iter().all(|fine| fine));
    server.stop();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    server.start();
    assert!(use_all(&sessions).await.into_iter().all(|fine| fine));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_fails_in_seconds_and_is_found_again() {
    let server = PostgresServer::start_new();
    let sessions = PostgresSessions::open(&server.database()).await.unwrap();
    let row = session("alice");
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    assert!(use_all(&sessions).await.into_iter().all(|fine| fine));
    server.halt(true);
    let since = Instant::now();
    let revoked = sessions.revoke(RevokeTarget::AllOf("alice"), NOW);
    let (answers, revoked) = tokio::join!(use_all(&sessions), revoked);
    let took = since.elapsed();
    server.halt(false);
    assert!(answers.into_iter().all(|fine| !fine) && revoked.is_err());
    assert!(took < Duration::from_secs(10), "{took:?}");
    // The connections of before are given up within seconds, too.
    let since = Instant::now();
    while sessions.find(row.id).await.is_err() {
        assert!(since.elapsed() < Duration::from_secs(10));
    }
    assert!(use_all(&sessions).await.into_iter().all(|fine| fine));
}
