//! Ending sessions, inside a transaction.
//!
//! Transactions that end sessions must not wait for each other in a circle, so all take their locks in
//! one order: rows of `sessions` by their ids, then `revocation_head`. Whoever holds that one has only to
//! write the log and to commit.

use std::fmt::Write as _;

use hardtack::session::{Ends, StoreError};
use hardtack::{SessionId, Timestamp};
use sqlx::AssertSqlSafe;

use crate::row;
use crate::{Database, Statement, Transaction};

/// Ends sessions of a subject, and locks them first by their ids. One statement, so that no session that
/// begins in between is locked out of order.
macro_rules! end_theirs {
    ($lock:literal) => {
        concat!(
            "WITH theirs AS MATERIALIZED (
                SELECT id FROM sessions WHERE subject = $2 AND id <> $3 AND revoked_at IS NULL ORDER BY id",
            $lock,
            ")
             UPDATE sessions SET revoked_at = $1, replaced = (id = $4)
             WHERE id IN (SELECT id FROM theirs) AND revoked_at IS NULL
             RETURNING id"
        )
    };
}

/// Entries of the log that one statement writes.
const LOG_BATCH: usize = 500;

/// Ends sessions; answers those that ended now, which are to be [logged](log).
pub(super) async fn mark(
    database: &Database,
    transaction: &mut Transaction,
    ends: Ends<'_>,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let now = now.unix_seconds();
    let (subject, kept, renewed) = match ends {
        Ends::These(ids) | Ends::Replacing(ids) => {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids.dedup();
            let mut ended = Vec::new();
            for id in ids {
                let sql = "UPDATE sessions SET revoked_at = $1, replaced = $3 WHERE id = $2 AND revoked_at IS NULL";
                let statement = Statement::new(sql).bind(now).bind(id.to_string()).bind(ends.replaces(id));
                if transaction.execute(statement).await.map_err(StoreError::new)? > 0 {
                    ended.push(id);
                }
            }
            return Ok(ended);
        }
        Ends::AllOf(subject) => (subject, String::new(), String::new()),
        Ends::OthersOf(subject, kept) => (subject, kept.to_string(), String::new()),
        Ends::Renewing(subject, renewed) => (subject, String::new(), renewed.to_string()),
    };
    if !row::is_text(subject) {
        return Ok(Vec::new());
    }
    let sql = database.choose(end_theirs!(""), end_theirs!(" FOR UPDATE"));
    let statement = Statement::new(sql).bind(now).bind(subject).bind(kept).bind(renewed);
    let ended: Vec<(String,)> = transaction.fetch(statement).await.map_err(StoreError::new)?;
    ended.iter().map(|(id,)| row::decode_id(id)).collect::<Result<_, _>>().map_err(StoreError::new)
}

/// Writes sessions to the log. The last of a transaction's statements: from here on every other that ends
/// sessions waits for its commit.
pub(super) async fn log(
    transaction: &mut Transaction,
    ended: &[SessionId],
    ends: Ends<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if ended.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(ended.len()).map_err(StoreError::new)?;
    let raise = "UPDATE revocation_head SET sequence = sequence + $1 RETURNING sequence";
    let heads: Vec<(i64,)> = transaction.fetch(Statement::new(raise).bind(count)).await.map_err(StoreError::new)?;
    let [(head,)] = heads[..] else {
        return Err(StoreError::new(format!("revocation_head has {} rows; expected one", heads.len())));
    };
    let mut sequence = head - count;
    for batch in ended.chunks(LOG_BATCH) {
        let mut sql = "INSERT INTO revocations (sequence, session, replaced, at) VALUES ($2, $3, $4, $1)".to_owned();
        for entry in 1..batch.len() {
            let _ = write!(sql, ", (${}, ${}, ${}, $1)", 3 * entry + 2, 3 * entry + 3, 3 * entry + 4);
        }
        let mut statement = Statement::new(AssertSqlSafe(sql)).bind(now.unix_seconds());
        for id in batch {
            sequence += 1;
            statement = statement.bind(sequence).bind(id.to_string()).bind(ends.replaces(*id));
        }
        transaction.execute(statement).await.map_err(StoreError::new)?;
    }
    Ok(())
}
