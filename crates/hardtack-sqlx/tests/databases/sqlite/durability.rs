//! Restarts, durability and damaged rows.

use hardtack::session::SessionStore;
use hardtack::session::{RevokeTarget, Rotation};
use hardtack_sqlx::SqliteSessions;

use super::{NOW, open, session};
use crate::test_database::with_causes;

#[tokio::test]
async fn a_restart_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let before = open(&path).await;
    let [kept, ended] = [session("alice"), session("alice")];
    before.create(&kept, RevokeTarget::Sessions(&[])).await.unwrap();
    before.create(&ended, RevokeTarget::Sessions(&[])).await.unwrap();
    let rotation = Rotation::new(NOW, kept.expires_at);
    let rotated = before.rotate(kept.id, 1, rotation).await.unwrap();
    before.revoke(RevokeTarget::Sessions(&[ended.id]), NOW).await.unwrap();
    let log = before.revocations(0, 1000).await.unwrap().entries;

    // The first pool is still open, as after a crash: everything that was confirmed is in the file.
    let after = open(&path).await;
    assert_eq!(after.find(kept.id).await.unwrap(), rotated);
    before.pool().close().await;
    after.pool().close().await;

    let after = open(&path).await;
    assert_eq!(after.find(kept.id).await.unwrap(), rotated);
    let mut expected = ended.clone();
    expected.revoked_at = Some(NOW);
    assert_eq!(after.find(ended.id).await.unwrap(), Some(expected));
    assert_eq!(after.revocations(0, 1000).await.unwrap().entries, log);
    assert_eq!(after.migrate().await.unwrap(), 0);
}

#[tokio::test]
async fn confirmed_writes_are_durable() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("app.db")).await;
    // Check every connection of the pool, since each has its own settings.
    let mut connections = Vec::new();
    for _ in 0..sessions.pool().options().get_max_connections() {
        connections.push(sessions.pool().acquire().await.unwrap());
    }
    for connection in &mut connections {
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut **connection).await.unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut **connection).await.unwrap();
        let foreign_keys: bool = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut **connection).await.unwrap();
        let busy_timeout: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&mut **connection).await.unwrap();
        assert_eq!((mode.as_str(), synchronous, foreign_keys, busy_timeout), ("wal", 2, true, 5000));
    }
}

#[tokio::test]
async fn a_damaged_row_is_an_error() {
    let sessions = SqliteSessions::open_in_memory().await.unwrap();
    let damage = [
        ("UPDATE sessions SET salt = x'00'", "the salt has 1 bytes; expected 16"),
        ("UPDATE sessions SET generation = -5", "generation is -5; expected at least 0"),
    ];
    for (sql, text) in damage {
        let row = session("alice");
        sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
        sqlx::query(sql).execute(sessions.pool()).await.unwrap();
        let error = sessions.find(row.id).await.unwrap_err();
        let error = with_causes(&error);
        assert!(error.ends_with(&format!("session {}: {text}", row.id)), "{error}");
        assert_eq!(with_causes(&sessions.list("alice", NOW).await.unwrap_err()), error);
        sqlx::query("DELETE FROM sessions").execute(sessions.pool()).await.unwrap();
    }
    let row = session("alice");
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    sqlx::query("UPDATE sessions SET id = 'X'").execute(sessions.pool()).await.unwrap();
    assert!(sessions.revoke(RevokeTarget::AllOf("alice"), NOW).await.is_err());
    assert!(sessions.revocations(0, 1000).await.unwrap().entries.is_empty(), "the failed transaction was rolled back");
}

#[tokio::test]
async fn a_generation_stops_at_the_largest_number() {
    let sessions = SqliteSessions::open_in_memory().await.unwrap();
    let largest = u64::try_from(i64::MAX).unwrap();
    let mut row = session("alice");
    row.generation = largest;
    sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
    let rotation = Rotation::new(NOW, row.expires_at);
    assert!(sessions.rotate(row.id, largest, rotation).await.is_err());
    assert_eq!(sessions.find(row.id).await.unwrap(), Some(row));
    let mut beyond = session("alice");
    beyond.generation = largest + 1;
    assert!(sessions.create(&beyond, RevokeTarget::Sessions(&[])).await.is_err());
}

#[tokio::test]
async fn pruning_works_in_batches() {
    let sessions = SqliteSessions::open_in_memory().await.unwrap();
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
        INSERT INTO sessions (id, subject, generation, created_at, rotated_at, confirmed, expires_at, absolute_expires_at,
            auth_time, salt)
        SELECT printf('%032x', i), 's', 1, 0, 0, 0, 10, 10, 0, zeroblob(16) FROM n";
    sqlx::query(rows).execute(sessions.pool()).await.unwrap();
    assert_eq!(sessions.revoke(RevokeTarget::AllOf("s"), NOW).await.unwrap().len(), 1200);
    let later = NOW + std::time::Duration::from_secs(1);
    assert_eq!(sessions.prune(later, 700).await.unwrap(), 700);
    assert_eq!(sessions.prune(later, 1000).await.unwrap(), 1000);
    assert_eq!(sessions.prune(later, u32::MAX).await.unwrap(), 700);
    assert_eq!(sessions.prune(later, u32::MAX).await.unwrap(), 0);
}
