//! Ending sessions and marking their access tokens as outdated, inside a transaction.
//!
//! To avoid deadlocks, every transaction takes its locks in the same order: rows of `sessions` by id, then
//! `revocation_head`. Once a transaction has locked `revocation_head`, it only writes the log and commits.

use std::fmt::Write as _;

use hardtack::BackendError;
use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationKind, RevokeTarget};
use hardtack_db::{Connection, Statement};
use sqlx::AssertSqlSafe;

use super::locking::locking_statement;
use crate::schema;

/// The most log entries that one statement inserts.
const LOG_BATCH: usize = 500;

/// Ends sessions and returns those that were live until now. [Append](append_to_log) them to the log in the same
/// transaction.
pub(super) async fn end_sessions(
    connection: &mut Connection<'_>,
    target: RevokeTarget<'_>,
    now: Timestamp,
) -> Result<Vec<SessionId>, BackendError> {
    match target {
        RevokeTarget::Sessions(ids) | RevokeTarget::Replaced(ids) => end_by_id(connection, ids, target, now).await,
        RevokeTarget::AllOf(subject) => end_by_subject(connection, subject, None, None, now).await,
        RevokeTarget::AllExcept(subject, kept) => end_by_subject(connection, subject, Some(kept), None, now).await,
        RevokeTarget::Renewed(subject, renewed) => end_by_subject(connection, subject, None, Some(renewed), now).await,
        _ => Err(BackendError::unsupported("ending this selection of sessions")),
    }
}

async fn end_by_id(
    connection: &mut Connection<'_>,
    ids: &[SessionId],
    target: RevokeTarget<'_>,
    now: Timestamp,
) -> Result<Vec<SessionId>, BackendError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut ended = Vec::new();
    for id in ids {
        let sql = "UPDATE sessions SET revoked_at = $1, replaced = $3 WHERE id = $2 AND revoked_at IS NULL";
        let statement = Statement::new(sql).bind(now.unix_seconds()).bind(id.to_string()).bind(target.replaces(id));
        if connection.execute(statement).await.map_err(BackendError::new)? > 0 {
            ended.push(id);
        }
    }
    Ok(ended)
}

/// Ends the sessions of a subject except `kept`, and marks `replaced` as replaced.
async fn end_by_subject(
    connection: &mut Connection<'_>,
    subject: &str,
    kept: Option<SessionId>,
    replaced: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, BackendError> {
    if !schema::is_storable(subject) {
        return Ok(Vec::new());
    }
    // One statement, so that a session that begins in between is not locked out of order.
    let statement = locking_statement!(
        "WITH theirs AS MATERIALIZED (
            SELECT id FROM sessions WHERE subject = $2 AND id <> $3 AND revoked_at IS NULL ORDER BY id",
        " FOR UPDATE",
        ")
         UPDATE sessions SET revoked_at = $1, replaced = (id = $4)
         WHERE id IN (SELECT id FROM theirs) AND revoked_at IS NULL
         RETURNING id"
    );
    // An empty text matches no session id.
    let text = |id: Option<SessionId>| id.map(|id| id.to_string()).unwrap_or_default();
    let statement = statement.bind(now.unix_seconds()).bind(subject).bind(text(kept)).bind(text(replaced));
    let ended: Vec<(String,)> = connection.fetch(statement).await.map_err(BackendError::new)?;
    ended.iter().map(|(id,)| schema::decode_id(id)).collect::<Result<_, _>>().map_err(BackendError::new)
}

/// Marks the current access tokens of a subject's sessions as outdated, and sets the sessions' claims if some are
/// given. Returns the sessions with their generations. [Append](append_to_log) them to the log in the same
/// transaction.
pub(super) async fn mark_outdated(
    connection: &mut Connection<'_>,
    subject: &str,
    claims: Option<&str>,
) -> Result<Vec<(SessionId, u64)>, BackendError> {
    if !schema::is_storable(subject) {
        return Ok(Vec::new());
    }
    // The generation is read after the row is locked: a rotation happens either before that or after the commit.
    let statement = locking_statement!(
        "WITH theirs AS MATERIALIZED (
            SELECT id FROM sessions WHERE subject = $1 AND revoked_at IS NULL ORDER BY id",
        " FOR UPDATE",
        ")
         UPDATE sessions SET claims = COALESCE($2, claims), outdated_generation = generation
         WHERE id IN (SELECT id FROM theirs) AND revoked_at IS NULL
         RETURNING id, generation"
    );
    let statement = statement.bind(subject).bind(claims.map(schema::to_storable));
    let outdated: Vec<(String, i64)> = connection.fetch(statement).await.map_err(BackendError::new)?;
    let decode = |(id, generation): (String, i64)| {
        Ok((schema::decode_id(&id)?, schema::to_unsigned(&id, "generation", generation)?))
    };
    outdated.into_iter().map(decode).collect::<Result<_, schema::RowError>>().map_err(BackendError::new)
}

/// Appends entries to the log. This is the last statement of a transaction: from here on, all other transactions
/// that write to the log wait for its commit.
pub(super) async fn append_to_log(
    connection: &mut Connection<'_>,
    entries: impl ExactSizeIterator<Item = (SessionId, RevocationKind)>,
    now: Timestamp,
) -> Result<(), BackendError> {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(entries.len()).map_err(BackendError::new)?;
    let raise = "UPDATE revocation_head SET sequence = sequence + $1 RETURNING sequence";
    let heads: Vec<(i64,)> = connection.fetch(Statement::new(raise).bind(count)).await.map_err(BackendError::new)?;
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
        for (id, kind) in batch {
            sequence += 1;
            let outdated = match kind {
                RevocationKind::Outdated(generation) => Some(i64::try_from(*generation).map_err(BackendError::new)?),
                RevocationKind::Ended | RevocationKind::Replaced => None,
                _ => return Err(BackendError::unsupported("this kind of revocation")),
            };
            let replaced = *kind == RevocationKind::Replaced;
            statement = statement.bind(sequence).bind(id.to_string()).bind(replaced).bind(outdated);
        }
        connection.execute(statement).await.map_err(BackendError::new)?;
    }
    Ok(())
}
