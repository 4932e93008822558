//! A user with very many sessions, from before there was a limit.

use std::time::{Duration, Instant};

use hardtack::session::{RevokeTarget, SessionCursor, SessionStore};
use hardtack_db::{Pool, Statement};
use sqlx::AssertSqlSafe;

use crate::test_database::TestDatabase;
use crate::{NOW, session};

const MANY: usize = 20_000;

/// Adds `count` sessions of "alice", two for each second, and the same number of expired sessions. Each session has a
/// long user agent.
async fn add_many(pool: &Pool, count: usize) {
    let numbers = Statement::per_database(
        "CREATE TABLE numbers AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         SELECT i, printf('%032x', i) AS live, printf('1%031x', i) AS dead FROM n",
        "CREATE TABLE numbers AS SELECT i::BIGINT AS i, lpad(to_hex(i), 32, '0') AS live,
         '1' || lpad(to_hex(i), 31, '0') AS dead FROM generate_series(1, 20000) AS i",
    );
    pool.execute(numbers).await.unwrap();
    let now = NOW.unix_seconds();
    for (id, end) in [("live", now + 1000), ("dead", now - 1)] {
        let sql = format!(
            "INSERT INTO sessions (id, subject, generation, created_at, rotated_at, confirmed, expires_at,
                absolute_expires_at, auth_time, salt, user_agent)
             SELECT {id}, 'alice', 1, {now} - 20000 + i / 2, {now} - 20000 + i, FALSE, {end}, {end}, 0, $1, $2
             FROM numbers WHERE i <= {count}"
        );
        let agent = "Mozilla/5.0 (X11; Linux x86_64) ".repeat(16);
        pool.execute(Statement::new(AssertSqlSafe(sql)).bind(vec![0_u8; 16]).bind(agent)).await.unwrap();
    }
}

#[tokio::test]
async fn e19_s82_twenty_thousand_sessions_are_listed_in_pages_and_ended_at_the_next_log_in() {
    for database in TestDatabase::both() {
        let sessions = database.sessions().await;
        add_many(&Pool::from(sessions.pool().clone()), MANY).await;

        // A page is read at once, wherever it is in the list.
        let (mut after, mut seen, since) = (None, 0, Instant::now());
        for _ in 0..MANY / 50 {
            let page = sessions.list_page("alice", NOW, after, 50).await.unwrap();
            assert_eq!(page.len(), 50);
            seen += page.len();
            after = page.last().map(SessionCursor::after);
        }
        assert_eq!((seen, sessions.list_page("alice", NOW, after, 50).await.unwrap().len()), (MANY, 0));
        assert!(since.elapsed() < Duration::from_secs(60), "{:?} for 400 pages", since.elapsed());

        // A log-in ends ten thousand of them at most, so that it does not take long.
        let mut live = MANY;
        while live > 100 {
            let since = Instant::now();
            let row = session("alice");
            let ended = sessions.create_within(&row, RevokeTarget::Sessions(&[]), 100).await.unwrap();
            assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
            assert!(!ended.contains(&row.id) && !ended.is_empty());
            live = live + 1 - ended.len();
        }
        let left = sessions.list("alice", NOW).await.unwrap();
        assert_eq!(left.len(), 100);
        // The most recently used remain.
        assert!(left.iter().all(|row| row.rotated_at > NOW - Duration::from_secs(100)));
        assert_eq!(sessions.revocations(0, 1).await.unwrap().head as usize, MANY + 2 - 100);
        // Those that have expired end as well.
        let ended = sessions.revoke(RevokeTarget::AllOf("alice"), NOW).await.unwrap();
        assert_eq!(ended.len(), 100 + MANY);
    }
}

#[tokio::test]
async fn s71_all_sessions_of_all_users_end() {
    for database in TestDatabase::both() {
        let sessions = database.sessions().await;
        assert_eq!(sessions.end_all_sessions(NOW).await.unwrap(), 0);
        // There are more sessions than one transaction ends.
        add_many(&Pool::from(sessions.pool().clone()), 600).await;
        let [bob, ended] = [session("bob"), session("bob")];
        for row in [&bob, &ended] {
            sessions.create(row, RevokeTarget::Sessions(&[])).await.unwrap();
        }
        sessions.revoke(RevokeTarget::Sessions(&[ended.id]), NOW).await.unwrap();
        assert_eq!(sessions.end_all_sessions(NOW).await.unwrap(), 1201);
        assert_eq!(sessions.find(bob.id).await.unwrap().unwrap().revoked_at, Some(NOW));
        assert_eq!(sessions.list("alice", NOW).await.unwrap(), []);
        assert_eq!(sessions.revocations(0, 1).await.unwrap().head, 1202);
        assert_eq!(sessions.end_all_sessions(NOW).await.unwrap(), 0);
    }
}
