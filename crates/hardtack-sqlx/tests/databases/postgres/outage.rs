//! A server that stops and comes back.

use std::time::{Duration, Instant};

use hardtack::error::WithCauses;
use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_sqlx::PostgresSessions;
use hardtack_test_support::services::PostgresServer;
use hardtack_test_support::wait;
use tokio::task::JoinSet;

use crate::{NOW, session};

/// Uses all connections of the pool at once. Returns which queries succeeded.
async fn use_all(sessions: &PostgresSessions) -> Vec<bool> {
    let mut tasks = JoinSet::new();
    for _ in 0..30 {
        let sessions = sessions.clone();
        tasks.spawn(async move { sessions.list("alice", NOW).await.is_ok() });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_fails_within_seconds_and_is_used_again() {
    let server = PostgresServer::start_new();
    let sessions = PostgresSessions::open(&server.database()).await.unwrap();
    let [kept, ended] = [session("alice"), session("alice")];
    for row in [&kept, &ended] {
        sessions.create(row, RevokeTarget::Sessions(&[])).await.unwrap();
    }
    assert!(use_all(&sessions).await.into_iter().all(|succeeded| succeeded));

    for abrupt in [false, true] {
        if abrupt {
            server.kill()
        } else {
            server.stop()
        }
        let since = Instant::now();
        assert!(use_all(&sessions).await.into_iter().all(|succeeded| !succeeded));
        assert!(sessions.revoke(RevokeTarget::Sessions(&[ended.id]), NOW).await.is_err());
        assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
        server.start();
        assert!(use_all(&sessions).await.into_iter().all(|succeeded| succeeded), "after the restart");
        assert_eq!(sessions.find(kept.id).await.unwrap().as_ref(), Some(&kept));
        assert_eq!(sessions.find(ended.id).await.unwrap().as_ref(), Some(&ended), "the failed call changed nothing");
    }
    assert_eq!(sessions.revoke(RevokeTarget::Sessions(&[ended.id]), NOW).await.unwrap(), [ended.id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_broke_are_replaced_without_an_error() {
    let server = PostgresServer::start_new();
    let sessions = PostgresSessions::open(&server.database()).await.unwrap();
    assert!(use_all(&sessions).await.into_iter().all(|succeeded| succeeded));
    server.stop();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    server.start();
    assert!(use_all(&sessions).await.into_iter().all(|succeeded| succeeded));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_were_just_terminated_are_replaced_without_an_error() {
    let server = PostgresServer::start_new();
    let sessions = PostgresSessions::open(&server.database()).await.unwrap();
    let terminate = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                     WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    for _ in 0..3 {
        assert!(use_all(&sessions).await.into_iter().all(|succeeded| succeeded));
        let terminated: u32 = server.psql("postgres", terminate).trim().parse().unwrap();
        assert!(terminated > 1, "{terminated}");
        // A write in a transaction and the reads after it begin again on new connections.
        sessions.create_within(&session("alice"), RevokeTarget::Sessions(&[]), 100).await.unwrap();
        assert!(use_all(&sessions).await.into_iter().all(|succeeded| succeeded));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_free_connection_is_named_in_the_error() {
    let server = PostgresServer::start_new();
    let url = server.database();
    let [sessions, other] = [PostgresSessions::open(&url).await.unwrap(), PostgresSessions::open(&url).await.unwrap()];
    server.configure(&[("max_connections", "4"), ("superuser_reserved_connections", "0")]);
    // The other pool keeps all connections that the server allows.
    use_all(&other).await;
    let error = sessions.list("alice", NOW).await.unwrap_err();
    let text = WithCauses(&error).to_string();
    assert!(text.contains("max_connections allows 10 connections"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unresponsive_server_fails_within_seconds_and_is_used_again() {
    let server = PostgresServer::start_new();
    let sessions = PostgresSessions::open(&server.database()).await.unwrap();
    let row = session("alice");
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    assert!(use_all(&sessions).await.into_iter().all(|succeeded| succeeded));
    server.halt(true);
    let since = Instant::now();
    let revoked = sessions.revoke(RevokeTarget::AllOf("alice"), NOW);
    let (listed, revoked) = tokio::join!(use_all(&sessions), revoked);
    let took = since.elapsed();
    server.halt(false);
    assert!(listed.into_iter().all(|succeeded| !succeeded) && revoked.is_err());
    assert!(took < Duration::from_secs(30), "{took:?}");
    // The connections from before the outage are closed within seconds, too.
    wait::until("the server is used again", async || sessions.find(row.id).await.is_ok()).await;
    assert!(use_all(&sessions).await.into_iter().all(|succeeded| succeeded));
}
