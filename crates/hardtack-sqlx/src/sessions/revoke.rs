//! Ends sessions, or marks their access tokens as outdated, inside a transaction.
//!
//! To avoid deadlocks, every transaction takes its locks in the same order: first the lock on a subject's log-ins, then
//! the rows of `sessions` in the order of their ids, and finally `revocation_head`. After a transaction has locked
//! `revocation_head`, it only writes to the log and commits.

use std::fmt::Write as _;

use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationKind, RevokeTarget};
use hardtack_db::{Connection, Statement};
use sqlx::AssertSqlSafe;

use super::locking::locking_statement;
use crate::schema;

/// The maximum number of log entries that one statement inserts.
const LOG_BATCH: usize = 500;

/// The maximum number of sessions that one statement ends by id.
const ID_BATCH: usize = 500;

/// The maximum number of excess sessions that one log-in ends. A subject can have that many only if the sessions began
/// before the limit was set or lowered.
const MOST_EXCESS: i64 = 10_000;

/// Ends sessions, and returns those that this call ended. In the same transaction, the caller must [log](log_ends) that
/// these sessions ended.
pub(super) async fn end_sessions(
    connection: &mut Connection<'_>,
    target: RevokeTarget<'_>,
    now: Timestamp,
) -> Result<Vec<SessionId>, sqlx::Error> {
    match target {
        RevokeTarget::Sessions(ids) | RevokeTarget::Replaced(ids) => end_by_id(connection, ids, target, now).await,
        RevokeTarget::AllOf(subject) => end_by_subject(connection, subject, None, None, now).await,
        RevokeTarget::AllExcept(subject, kept) => end_by_subject(connection, subject, Some(kept), None, now).await,
        RevokeTarget::Renewed(subject, renewed) => end_by_subject(connection, subject, None, Some(renewed), now).await,
        _ => Err(sqlx::Error::Encode("ending sessions that are selected in this way is not supported".into())),
    }
}

/// Ends the sessions that `target` selects, before a new session begins. If the subject would then have more than
/// `limit` sessions, also ends the least recently used ones.
///
/// Returns the sessions that this call ended, and the time at which they ended. This time is normally `now`. However,
/// if another server's clock is ahead, the last rotation of an excess session may be dated later than `now`. In that
/// case, the sessions end at the time of that rotation. In the same transaction, the caller must [log](log_ends) that
/// the sessions ended.
pub(super) async fn end_sessions_and_excess(
    connection: &mut Connection<'_>,
    target: RevokeTarget<'_>,
    subject: &str,
    limit: u32,
    now: Timestamp,
) -> Result<(Vec<SessionId>, Timestamp), sqlx::Error> {
    let ids = match target {
        RevokeTarget::Sessions(ids) | RevokeTarget::Replaced(ids) => ids,
        // With any other target, the subject keeps at most one older session, so there are no excess sessions.
        _ => return Ok((end_sessions(connection, target, now).await?, now)),
    };
    let excess = find_excess(connection, ids, subject, limit, now).await?;
    let at = excess.iter().fold(now, |at, (_, rotated_at)| at.max(*rotated_at));
    let mut all: Vec<SessionId> = excess.into_iter().map(|(id, _)| id).collect();
    all.extend_from_slice(ids);
    Ok((end_by_id(connection, &all, target, at).await?, at))
}

/// Returns the end time to write to the log after this transaction has ended the subject's sessions at `now`. The end
/// time is normally `now`. However, if another server's clock is ahead, the last rotation of one of these sessions may
/// be dated later than `now`. In that case, the end time is the time of that rotation.
pub(super) async fn end_of(
    connection: &mut Connection<'_>,
    subject: &str,
    now: Timestamp,
) -> Result<Timestamp, sqlx::Error> {
    let sql = "SELECT MAX(rotated_at) FROM sessions WHERE subject = $1 AND revoked_at = $2";
    let statement = Statement::new(sql).bind(subject).bind(now.unix_seconds());
    let rows: Vec<(Option<i64>,)> = connection.fetch(statement).await?;
    let rotated_at = rows.first().and_then(|(rotated_at,)| *rotated_at);
    Ok(rotated_at.map_or(now, |rotated_at| now.max(Timestamp::from_unix_seconds(rotated_at))))
}

/// Makes a subject's log-ins wait until the transaction ends. On SQLite, this function does nothing, because every
/// write already waits for the transaction.
///
/// The application's own transactions also take this lock before they end the subject's sessions or change these
/// sessions' claims. Without the lock, a log-in could read the old password or the old role before the commit, and
/// begin a session that the transaction does not see.
pub(super) async fn lock_log_ins(connection: &mut Connection<'_>, subject: &str) -> Result<(), sqlx::Error> {
    if connection.is_postgres() && schema::is_storable(subject) {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7521983766109545324))";
        connection.execute(Statement::new(sql).bind(subject)).await?;
    }
    Ok(())
}

/// Locks a subject's live sessions until the transaction ends, and returns them.
pub(super) async fn lock_live(connection: &mut Connection<'_>, subject: &str) -> Result<Vec<SessionId>, sqlx::Error> {
    if !schema::is_storable(subject) {
        return Ok(Vec::new());
    }
    let statement = locking_statement!(
        "SELECT id FROM sessions WHERE subject = $1 AND revoked_at IS NULL ORDER BY id",
        " FOR UPDATE",
        ""
    );
    let live: Vec<(String,)> = connection.fetch(statement.bind(subject)).await?;
    live.iter().map(|(id,)| Ok(schema::decode_id(id)?)).collect()
}

/// Returns whether a session that is not live was replaced by a new one. Returns `None` if the session is not known to
/// have ended: the database has lost its row, and the log does not say that it ended.
pub(super) async fn known_end(connection: &mut Connection<'_>, id: SessionId) -> Result<Option<bool>, sqlx::Error> {
    let sql = "SELECT replaced FROM sessions WHERE id = $1
         UNION ALL SELECT replaced FROM revocations WHERE session = $1 AND outdated_generation IS NULL";
    let rows: Vec<(bool,)> = connection.fetch(Statement::new(sql).bind(id.to_string())).await?;
    Ok(rows.first().map(|(replaced,)| *replaced))
}

/// Returns whether the database contains the row of a session.
pub(super) async fn has_row(connection: &mut Connection<'_>, id: SessionId) -> Result<bool, sqlx::Error> {
    let statement = Statement::new("SELECT id FROM sessions WHERE id = $1").bind(id.to_string());
    let rows: Vec<(String,)> = connection.fetch(statement).await?;
    Ok(!rows.is_empty())
}

/// Returns the sessions that must end so that the subject can begin a new session without exceeding `limit`. Also
/// returns the time at which each of them was last rotated. Does not count the sessions in `ending`.
async fn find_excess(
    connection: &mut Connection<'_>,
    ending: &[SessionId],
    subject: &str,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<(SessionId, Timestamp)>, sqlx::Error> {
    // Without this lock, each of two concurrent log-ins would miss the other one's session.
    lock_log_ins(connection, subject).await?;
    let mut others = String::new();
    for position in 0..ending.len() {
        let _ = write!(others, " AND id <> ${}", position + 3);
    }
    let live = format!("FROM sessions WHERE subject = $1 AND revoked_at IS NULL AND expires_at > $2{others}");
    let bound = |sql: String| {
        let statement = Statement::new(AssertSqlSafe(sql)).bind(subject).bind(now.unix_seconds());
        ending.iter().fold(statement, |statement, id| statement.bind(id.to_string()))
    };
    let count: Vec<(i64,)> = connection.fetch(bound(format!("SELECT COUNT(*) {live}"))).await?;
    let excess = count.first().map_or(0, |(count,)| *count) + 1 - i64::from(limit);
    if excess <= 0 {
        return Ok(Vec::new());
    }
    let excess = excess.min(MOST_EXCESS);
    let least_used = format!("SELECT id, rotated_at {live} ORDER BY rotated_at, created_at, id LIMIT {excess}");
    let rows: Vec<(String, i64)> = connection.fetch(bound(least_used)).await?;
    rows.iter().map(|(id, at)| Ok((schema::decode_id(id)?, Timestamp::from_unix_seconds(*at)))).collect()
}

/// Ends sessions by id, in the order of their ids. `target` determines which of these sessions are marked as replaced.
async fn end_by_id(
    connection: &mut Connection<'_>,
    ids: &[SessionId],
    target: RevokeTarget<'_>,
    now: Timestamp,
) -> Result<Vec<SessionId>, sqlx::Error> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut ended = Vec::new();
    // Each statement sets `replaced` to one value for all of its sessions, so divide the ids into runs that get the
    // same value.
    for batch in ids.chunk_by(|one, next| target.replaces(*one) == target.replaces(*next)) {
        for batch in batch.chunks(ID_BATCH) {
            let replaced = batch.first().is_some_and(|id| target.replaces(*id));
            ended.extend(end_batch(connection, batch, replaced, now).await?);
        }
    }
    Ok(ended)
}

async fn end_batch(
    connection: &mut Connection<'_>,
    ids: &[SessionId],
    replaced: bool,
    now: Timestamp,
) -> Result<Vec<SessionId>, sqlx::Error> {
    let placeholders: Vec<String> = (0..ids.len()).map(|position| format!("${}", position + 3)).collect();
    let lock = if connection.is_postgres() { " FOR UPDATE" } else { "" };
    let sql = format!(
        "WITH named AS MATERIALIZED (
            SELECT id FROM sessions WHERE id IN ({}) AND revoked_at IS NULL ORDER BY id{lock}
         )
         UPDATE sessions SET revoked_at = $1, replaced = $2
         WHERE id IN (SELECT id FROM named) AND revoked_at IS NULL
         RETURNING id",
        placeholders.join(", ")
    );
    let statement = Statement::new(AssertSqlSafe(sql)).bind(now.unix_seconds()).bind(replaced);
    let statement = ids.iter().fold(statement, |statement, id| statement.bind(id.to_string()));
    let ended: Vec<(String,)> = connection.fetch(statement).await?;
    ended.iter().map(|(id,)| Ok(schema::decode_id(id)?)).collect()
}

/// Ends all of a subject's sessions except `kept`, and marks the session `replaced` as replaced.
async fn end_by_subject(
    connection: &mut Connection<'_>,
    subject: &str,
    kept: Option<SessionId>,
    replaced: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, sqlx::Error> {
    if !schema::is_storable(subject) {
        return Ok(Vec::new());
    }
    // Use a single statement. With two statements, a session that begins between them would be locked in the wrong
    // order.
    let statement = locking_statement!(
        "WITH theirs AS MATERIALIZED (
            SELECT id FROM sessions WHERE subject = $2 AND id <> $3 AND revoked_at IS NULL ORDER BY id",
        " FOR UPDATE",
        ")
         UPDATE sessions SET revoked_at = $1, replaced = (id = $4)
         WHERE id IN (SELECT id FROM theirs) AND revoked_at IS NULL
         RETURNING id"
    );
    // The empty string matches no session id.
    let text = |id: Option<SessionId>| id.map(|id| id.to_string()).unwrap_or_default();
    let statement = statement.bind(now.unix_seconds()).bind(subject).bind(text(kept)).bind(text(replaced));
    let ended: Vec<(String,)> = connection.fetch(statement).await?;
    ended.iter().map(|(id,)| Ok(schema::decode_id(id)?)).collect()
}

/// Marks the current access tokens of a subject's sessions as outdated. If `claims` is given, also stores it in the
/// sessions. Returns the sessions with their generations, which the caller must [append](append_to_log) to the log in
/// the same transaction.
pub(super) async fn mark_outdated(
    connection: &mut Connection<'_>,
    subject: &str,
    claims: Option<&str>,
) -> Result<Vec<(SessionId, u64)>, sqlx::Error> {
    if !schema::is_storable(subject) {
        return Ok(Vec::new());
    }
    // The generation is read after the row is locked. A concurrent rotation therefore happens either before the lock or
    // after the commit.
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
    let outdated: Vec<(String, i64)> = connection.fetch(statement).await?;
    let decode = |(id, generation): (String, i64)| {
        Ok((schema::decode_id(&id)?, schema::to_unsigned(&id, "generation", generation)?))
    };
    outdated.into_iter().map(decode).collect()
}

/// Appends an entry to the log for each session in `ended`. If the target lists a session by id and that session has no
/// row, also appends an entry for this session, because the database might have lost its row. Like [`append_to_log`],
/// this function must be called last in a transaction.
pub(super) async fn log_ends(
    connection: &mut Connection<'_>,
    ended: &[SessionId],
    target: RevokeTarget<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut lost: Vec<SessionId> = target.named().iter().filter(|id| !ended.contains(id)).copied().collect();
    lost.sort_unstable();
    lost.dedup();
    let mut found = Vec::new();
    for batch in lost.chunks(ID_BATCH) {
        let placeholders: Vec<String> = (1..=batch.len()).map(|position| format!("${position}")).collect();
        let sql = format!("SELECT id FROM sessions WHERE id IN ({})", placeholders.join(", "));
        let statement = Statement::new(AssertSqlSafe(sql));
        let statement = batch.iter().fold(statement, |statement, id| statement.bind(id.to_string()));
        let rows: Vec<(String,)> = connection.fetch(statement).await?;
        for (id,) in rows {
            found.push(schema::decode_id(&id)?);
        }
    }
    lost.retain(|id| !found.contains(id));
    let entries: Vec<_> = ended.iter().chain(&lost).map(|id| (*id, target.kind(*id))).collect();
    append_to_log(connection, entries.into_iter(), now).await
}

/// Appends entries to the log. Call this function last in a transaction, because all other transactions that write to
/// the log then wait until this transaction ends.
pub(super) async fn append_to_log(
    connection: &mut Connection<'_>,
    entries: impl ExactSizeIterator<Item = (SessionId, RevocationKind)>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(entries.len()).map_err(sqlx::Error::decode)?;
    let raise = "UPDATE revocation_head SET sequence = sequence + $1 RETURNING sequence";
    let heads: Vec<(i64,)> = connection.fetch(Statement::new(raise).bind(count)).await?;
    let [(head,)] = heads[..] else {
        return Err(sqlx::Error::Protocol(format!("revocation_head has {} rows; expected one", heads.len())));
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
                RevocationKind::Outdated(generation) => Some(i64::try_from(*generation).map_err(sqlx::Error::decode)?),
                RevocationKind::Ended | RevocationKind::Replaced => None,
                _ => return Err(sqlx::Error::Encode("this kind of revocation is not supported".into())),
            };
            let replaced = *kind == RevocationKind::Replaced;
            statement = statement.bind(sequence).bind(id.to_string()).bind(replaced).bind(outdated);
        }
        connection.execute(statement).await?;
    }
    Ok(())
}

/// Appends entries to the log in the application's own transaction, which might commit long after this call.
///
/// On PostgreSQL, a deferred trigger numbers the entries at the commit, so other writers do not wait for the application
/// (see `migrations/postgres/0006_unnumbered.sql`). On SQLite, the entries are numbered immediately, because other
/// writers wait for the transaction anyway.
pub(super) async fn append_at_commit(
    connection: &mut Connection<'_>,
    entries: impl ExactSizeIterator<Item = (SessionId, RevocationKind)>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if !connection.is_postgres() {
        return append_to_log(connection, entries, now).await;
    }
    if entries.len() == 0 {
        return Ok(());
    }
    let mut json = String::new();
    for (id, kind) in entries {
        let replaced = kind == RevocationKind::Replaced;
        let outdated = match kind {
            RevocationKind::Outdated(generation) => generation.to_string(),
            _ => "null".to_owned(),
        };
        let separator = if json.is_empty() { '[' } else { ',' };
        let members = format!(r#"{{"session":"{id}","replaced":{replaced},"outdated_generation":{outdated}}}"#);
        let _ = write!(json, "{separator}{members}");
    }
    json.push(']');
    let sql = "INSERT INTO unnumbered_revocations (entries, at) VALUES ($1, $2)";
    connection.execute(Statement::new(sql).bind(json).bind(now.unix_seconds())).await.map(drop)
}
