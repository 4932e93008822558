//! Ending sessions and making their tokens outdated, inside a transaction.
//!
//! Transactions that do so must not wait for each other in a circle, so all take their locks in
//! one order: rows of `sessions` by their ids, then `revocation_head`. Whoever holds that one has only to
//! write the log and to commit.

use std::fmt::Write as _;

use hardtack::BackendError;
use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationKind, RevokeTarget};
use sqlx::AssertSqlSafe;

use crate::{Database, Statement, Transaction, row};

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

/// Gives a subject's sessions other claims, or leaves them where none are given; locks them like
/// [`end_theirs`]. The generation is the row's once it is locked: a rotation comes before that, or after.
macro_rules! outdate_theirs {
    ($lock:literal) => {
        concat!(
            "WITH theirs AS MATERIALIZED (
                SELECT id FROM sessions WHERE subject = $1 AND revoked_at IS NULL ORDER BY id",
            $lock,
            ")
             UPDATE sessions SET claims = COALESCE($2, claims), outdated_generation = generation
             WHERE id IN (SELECT id FROM theirs) AND revoked_at IS NULL
             RETURNING id, generation"
        )
    };
}

/// Entries of the log that one statement writes.
const LOG_BATCH: usize = 500;

/// Ends sessions; answers those that ended now, which are to be [logged](log).
pub(super) async fn mark(
    database: &Database,
    transaction: &mut Transaction,
    ends: RevokeTarget<'_>,
    now: Timestamp,
) -> Result<Vec<SessionId>, BackendError> {
    let now = now.unix_seconds();
    let (subject, kept, renewed) = match ends {
        RevokeTarget::Sessions(ids) | RevokeTarget::Replaced(ids) => {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids.dedup();
            let mut ended = Vec::new();
            for id in ids {
                let sql = "UPDATE sessions SET revoked_at = $1, replaced = $3 WHERE id = $2 AND revoked_at IS NULL";
                let statement = Statement::new(sql).bind(now).bind(id.to_string()).bind(ends.replaces(id));
                if transaction.execute(statement).await.map_err(BackendError::new)? > 0 {
                    ended.push(id);
                }
            }
            return Ok(ended);
        }
        RevokeTarget::AllOf(subject) => (subject, String::new(), String::new()),
        RevokeTarget::AllExcept(subject, kept) => (subject, kept.to_string(), String::new()),
        RevokeTarget::Renewed(subject, renewed) => (subject, String::new(), renewed.to_string()),
        _ => return Err(BackendError::unsupported("this choice of sessions to end")),
    };
    if !row::is_text(subject) {
        return Ok(Vec::new());
    }
    let sql = database.choose(end_theirs!(""), end_theirs!(" FOR UPDATE"));
    let statement = Statement::new(sql).bind(now).bind(subject).bind(kept).bind(renewed);
    let ended: Vec<(String,)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
    ended.iter().map(|(id,)| row::decode_id(id)).collect::<Result<_, _>>().map_err(BackendError::new)
}

/// Makes the access tokens outdated that a subject's sessions have; answers the sessions with their
/// generations, which are to be [logged](log).
pub(super) async fn outdate(
    database: &Database,
    transaction: &mut Transaction,
    subject: &str,
    claims: Option<&str>,
) -> Result<Vec<(SessionId, u64)>, BackendError> {
    if !row::is_text(subject) {
        return Ok(Vec::new());
    }
    let sql = database.choose(outdate_theirs!(""), outdate_theirs!(" FOR UPDATE"));
    let statement = Statement::new(sql).bind(subject).bind(row::encode_text(claims));
    let outdated: Vec<(String, i64)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
    outdated.into_iter().map(row::decode_generation).collect::<Result<_, _>>().map_err(BackendError::new)
}

/// Writes sessions to the log. The last of a transaction's statements: from here on every other that ends
/// sessions waits for its commit.
pub(super) async fn log(
    transaction: &mut Transaction,
    entries: impl ExactSizeIterator<Item = (SessionId, RevocationKind)>,
    now: Timestamp,
) -> Result<(), BackendError> {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(entries.len()).map_err(BackendError::new)?;
    let raise = "UPDATE revocation_head SET sequence = sequence + $1 RETURNING sequence";
    let heads: Vec<(i64,)> = transaction.fetch(Statement::new(raise).bind(count)).await.map_err(BackendError::new)?;
    let [(head,)] = heads[..] else {
        return Err(BackendError::new(format!("revocation_head has {} rows; expected one", heads.len())));
    };
    let mut sequence = head - count;
    for batch in entries.chunks(LOG_BATCH) {
        let columns = "sequence, session, replaced, outdated_generation, at";
        let mut sql = format!("INSERT INTO revocations ({columns}) VALUES ($2, $3, $4, $5, $1)");
        for entry in 1..batch.len() {
            let first = 4 * entry + 2;
            let _ = write!(sql, ", (${first}, ${}, ${}, ${}, $1)", first + 1, first + 2, first + 3);
        }
        let mut statement = Statement::new(AssertSqlSafe(sql)).bind(now.unix_seconds());
        for &(id, what) in batch {
            sequence += 1;
            let outdated = match what {
                RevocationKind::Outdated(generation) => Some(i64::try_from(generation).map_err(BackendError::new)?),
                RevocationKind::Ended | RevocationKind::Replaced => None,
                _ => return Err(BackendError::unsupported("this kind of revocation")),
            };
            let replaced = what == RevocationKind::Replaced;
            statement = statement.bind(sequence).bind(id.to_string()).bind(replaced).bind(outdated);
        }
        transaction.execute(statement).await.map_err(BackendError::new)?;
    }
    Ok(())
}
