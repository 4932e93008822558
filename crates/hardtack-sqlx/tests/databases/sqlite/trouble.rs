//! Errors on which SQLite ends a transaction by itself: a full disk, a limit on the size of files, a full database.

use std::path::Path;
use std::process::Command;

use hardtack::SessionId;
use hardtack::session::{RevokeTarget, SessionStore};
use hardtack_sqlx::SqliteSessions;
use hardtack_test_support::small_disk::SmallDisk;
use tokio::task::JoinSet;

use super::{NOW, open, session};

/// How many calls are made at once: more than the pool has connections.
const CALLS: usize = 12;

/// Opens a store with sessions of as many users as calls are made at once.
async fn open_with_sessions(path: &Path) -> (SqliteSessions, Vec<SessionId>) {
    let sessions = open(path).await;
    let mut ids = Vec::new();
    for user in 0..CALLS {
        let row = session(&format!("user {user}"));
        sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
        ids.push(row.id);
    }
    // Otherwise, the write-ahead log has room for some more commits.
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(sessions.pool()).await.unwrap();
    (sessions, ids)
}

/// Logs all of them out at once, and returns how many of these calls have failed.
async fn log_out(sessions: &SqliteSessions, ids: &[SessionId]) -> usize {
    let mut calls = JoinSet::new();
    for id in ids {
        let (sessions, id) = (sessions.clone(), *id);
        calls.spawn(async move { sessions.revoke(RevokeTarget::Sessions(&[id]), NOW).await.is_err() });
    }
    calls.join_all().await.into_iter().filter(|failed| *failed).count()
}

/// Checks that everything works as if nothing had happened.
async fn assert_recovered(sessions: &SqliteSessions, ids: &[SessionId]) {
    for _ in 0..3 {
        assert_eq!(log_out(sessions, ids).await, 0);
    }
    for id in ids {
        assert!(sessions.find(*id).await.unwrap().unwrap().revoked_at.is_some());
    }
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let sessions = sessions.clone();
        calls.spawn(async move {
            let row = session("alice");
            sessions.create_within(&row, RevokeTarget::AllOf("bob"), 100).await.unwrap();
            let mut tx = sessions.pool().begin_with("BEGIN IMMEDIATE").await.unwrap();
            let _ended = sessions.end_all_in(&mut tx, "alice").await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    calls.join_all().await;
    assert_eq!(sessions.list("alice", NOW).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn e05_after_a_full_disk_was_freed_log_outs_work_without_a_restart() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (sessions, ids) = open_with_sessions(&disk.path().join("app.db")).await;
    for _ in 0..2 {
        disk.fill();
        for _ in 0..3 {
            assert_eq!(log_out(&sessions, &ids).await, CALLS);
        }
        // The sessions are live, and can be read.
        assert!(sessions.find(ids[0]).await.unwrap().unwrap().revoked_at.is_none());
        disk.free();
    }
    assert_recovered(&sessions, &ids).await;
}

/// SQLite reports a full database in the middle of a transaction, not at the commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn e05_after_an_error_within_a_transaction_log_outs_work() {
    let directory = tempfile::tempdir().unwrap();
    let (sessions, ids) = open_with_sessions(&directory.path().join("app.db")).await;
    // Each connection has its own limit. Long texts need new pages.
    let mut connections = Vec::new();
    for _ in 0..sessions.pool().options().get_max_connections() {
        connections.push(sessions.pool().acquire().await.unwrap());
    }
    for connection in &mut connections {
        sqlx::query("PRAGMA max_page_count = 1").execute(&mut **connection).await.unwrap();
    }
    drop(connections);
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let sessions = sessions.clone();
        calls.spawn(async move {
            let mut long = session("carol");
            long.user_agent = Some("x".repeat(100_000));
            sessions.create(&long, RevokeTarget::AllOf("bob")).await.is_err()
        });
    }
    let failed = calls.join_all().await.into_iter().filter(|failed| *failed).count();
    // A connection that has failed is replaced by one without the limit.
    assert!((1..=CALLS).contains(&failed), "{failed}");
    assert_recovered(&sessions, &ids).await;
}

/// The variable that tells the child process of the next test from its parent.
const LIMITED: &str = "HARDTACK_TEST_FILE_SIZE_LIMIT";

/// The test runs itself again in a process whose files may have 512 KiB, which raises the limit later.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn e05_after_a_file_size_limit_was_raised_log_outs_work() {
    if std::env::var_os(LIMITED).is_none() {
        let this = std::thread::current().name().unwrap().to_owned();
        let limited = "trap '' XFSZ; ulimit -S -f 1024; exec \"$0\" \"$@\"";
        let mut child = Command::new("sh");
        child.args(["-c", limited]).arg(std::env::current_exe().unwrap());
        let output = child.args(["--exact", &this, "--nocapture"]).env(LIMITED, "1").output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (sessions, ids) = open_with_sessions(&directory.path().join("app.db")).await;
    // Fill the file up to the limit: with large rows, then with small ones.
    for size in [10_000, 1] {
        let mut failures = 0;
        for number in 0..10_000 {
            let mut row = session("dave");
            row.user_agent = Some("x".repeat(size));
            let ends = if number % 2 == 0 { RevokeTarget::AllOf("bob") } else { RevokeTarget::Sessions(&[]) };
            failures += usize::from(sessions.create(&row, ends).await.is_err());
            if failures > 20 {
                break;
            }
        }
        assert!(failures > 20, "the limit had no effect on {size} bytes");
    }
    let failed = log_out(&sessions, &ids).await;
    assert!(failed > 0, "{failed}");
    let id = std::process::id().to_string();
    assert!(Command::new("prlimit").args(["--fsize=unlimited", "--pid", &id]).status().unwrap().success());
    assert_recovered(&sessions, &ids).await;
}
