//! Notifications of ended sessions.

use std::time::Duration;

use hardtack::BackendError;
use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_sqlx::PostgresSessions;
use hardtack_test_support::services::PostgresServer;
use hardtack_test_support::services::postgres::shared;
use hardtack_test_support::wait::LONGEST_WAIT;
use tokio::time::timeout;

use crate::{NOW, session};

/// Waits for a notification for a limited time, as a log reader does that polls as well. Returns `None` if none came.
async fn notification(sessions: &PostgresSessions, within: Duration) -> Option<Result<(), BackendError>> {
    timeout(within, sessions.revoked_elsewhere()).await.ok()
}

const SOON: Duration = LONGEST_WAIT;
const A_MOMENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn other_processes_are_notified_when_sessions_end() {
    let url = shared().database();
    let [one, other] = [PostgresSessions::open(&url).await.unwrap(), PostgresSessions::open(&url).await.unwrap()];
    let rows = [session("alice"), session("alice"), session("alice")];
    for row in &rows {
        one.create(row, RevokeTarget::Sessions(&[])).await.unwrap();
    }
    assert!(notification(&other, SOON).await.unwrap().is_ok(), "the connection is new: the reader reads once");
    assert!(notification(&other, A_MOMENT).await.is_none(), "nothing has ended");

    // Notified while waiting.
    let waiting = tokio::spawn({
        let other = other.clone();
        async move { notification(&other, SOON).await }
    });
    tokio::time::sleep(A_MOMENT).await;
    one.revoke(RevokeTarget::Sessions(&[rows[0].id]), NOW).await.unwrap();
    assert!(waiting.await.unwrap().unwrap().is_ok());

    // Notified while not waiting, as when the reader polls first.
    one.create(&session("alice"), RevokeTarget::Sessions(&[rows[1].id])).await.unwrap();
    assert!(notification(&other, SOON).await.unwrap().is_ok());
    assert!(notification(&other, A_MOMENT).await.is_none(), "notified once");

    // Changed claims notify as well.
    assert_eq!(one.outdate("alice", None, NOW).await.unwrap().len(), 2);
    assert!(notification(&other, SOON).await.unwrap().is_ok());

    // A transaction that is rolled back and calls that end nothing do not notify.
    assert!(one.create(&rows[2], RevokeTarget::AllOf("alice")).await.is_err());
    one.revoke(RevokeTarget::AllOf("unknown"), NOW).await.unwrap();
    one.outdate("unknown", None, NOW).await.unwrap();
    one.create(&session("bob"), RevokeTarget::Sessions(&[])).await.unwrap();
    assert!(notification(&other, A_MOMENT).await.is_none());
}

#[tokio::test]
async fn a_lost_connection_is_reported_and_made_again() {
    let server = PostgresServer::start_new();
    let sessions = PostgresSessions::open(&server.database()).await.unwrap();
    let row = session("alice");
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    assert!(notification(&sessions, SOON).await.unwrap().is_ok());
    server.stop();
    assert!(notification(&sessions, SOON).await.unwrap().is_err(), "notifications may have been missed");
    assert!(notification(&sessions, SOON).await.unwrap().is_err(), "and still may be");
    server.start();
    assert!(notification(&sessions, SOON).await.unwrap().is_ok(), "it listens again");
    sessions.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    assert!(notification(&sessions, SOON).await.unwrap().is_ok());
}
