//! Word of ended sessions.

use std::time::Duration;

use hardtack::BackendError;
use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_sqlx::PostgresSessions;
use hardtack_test_support::services::PostgresServer;
use hardtack_test_support::services::postgres::shared;
use tokio::time::timeout;

use crate::{NOW, session};

/// Whether there is word within a time, as a reader asks that polls as well.
async fn heard(sessions: &PostgresSessions, within: Duration) -> Option<Result<(), BackendError>> {
    timeout(within, sessions.revoked_elsewhere()).await.ok()
}

const SOON: Duration = Duration::from_secs(5);
const A_MOMENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn the_others_are_told_when_sessions_end() {
    let url = shared().database();
    let [one, other] = [PostgresSessions::open(&url).await.unwrap(), PostgresSessions::open(&url).await.unwrap()];
    let rows = [session("alice"), session("alice"), session("alice")];
    for row in &rows {
        one.create(row, RevokeTarget::Sessions(&[])).await.unwrap();
    }
    assert!(heard(&other, SOON).await.unwrap().is_ok(), "it listens from now on: the reader reads once");
    assert!(heard(&other, A_MOMENT).await.is_none(), "nothing has ended");

    // Told while it waits.
    let waiting = tokio::spawn({
        let other = other.clone();
        async move { heard(&other, SOON).await }
    });
    tokio::time::sleep(A_MOMENT).await;
    one.revoke(RevokeTarget::Sessions(&[rows[0].id]), NOW).await.unwrap();
    assert!(waiting.await.unwrap().unwrap().is_ok());

    // Told while it does not, as when the reader's timer came first.
    one.create(&session("alice"), RevokeTarget::Sessions(&[rows[1].id])).await.unwrap();
    assert!(heard(&other, SOON).await.unwrap().is_ok());
    assert!(heard(&other, A_MOMENT).await.is_none(), "once is enough");

    // Other claims are news as well.
    assert_eq!(one.outdate("alice", None, NOW).await.unwrap().len(), 2);
    assert!(heard(&other, SOON).await.unwrap().is_ok());

    // What was not committed, and what ends nothing, is no news.
    assert!(one.create(&rows[2], RevokeTarget::AllOf("alice")).await.is_err());
    one.revoke(RevokeTarget::AllOf("nobody"), NOW).await.unwrap();
    one.outdate("nobody", None, NOW).await.unwrap();
    one.create(&session("bob"), RevokeTarget::Sessions(&[])).await.unwrap();
    assert!(heard(&other, A_MOMENT).await.is_none());
}

#[tokio::test]
async fn a_lost_connection_is_told_and_made_again() {
    let server = PostgresServer::start_new();
    let sessions = PostgresSessions::open(&server.database()).await.unwrap();
    let row = session("alice");
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    assert!(heard(&sessions, SOON).await.unwrap().is_ok());
    server.stop();
    assert!(heard(&sessions, SOON).await.unwrap().is_err(), "something may have been missed");
    assert!(heard(&sessions, SOON).await.unwrap().is_err(), "and still may");
    server.start();
    assert!(heard(&sessions, SOON).await.unwrap().is_ok(), "it listens again");
    sessions.revoke(RevokeTarget::Sessions(&[row.id]), NOW).await.unwrap();
    assert!(heard(&sessions, SOON).await.unwrap().is_ok());
}
