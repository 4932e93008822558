//! The store's operations. Most of the SQL is the same for SQLite and PostgreSQL.

use hardtack::BackendError;
use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationKind, RevocationPage, RevokeTarget, Rotation};
use hardtack::session::{Session, SessionCursor, SessionStore, StoreAbility};
use hardtack_db::Statement;

use super::locking::locking_statement;
use super::{Sessions, revoke};
use crate::database::Database;
use crate::schema::{self, LogRow, SessionRow, session_columns};

/// The maximum number of rows that [`SessionStore::prune`] deletes in one transaction. The limit is low so that log-ins
/// do not have to wait long.
const PRUNE_BATCH: u64 = 500;

/// The maximum number of sessions that [`end_all_sessions`](Sessions::end_all_sessions) ends in one transaction.
const END_BATCH: i64 = 500;

/// The store was used before [`Sessions::migrate`] was called.
#[derive(Debug, thiserror::Error)]
#[error(
    "the session tables are missing or outdated; call `sessions.migrate().await?` once at startup, or open the store \
     with SqliteSessions::open or PostgresSessions::open, which bring the tables up to date"
)]
struct NotMigrated;

impl<P: Clone + Into<Database> + Send + Sync + 'static> SessionStore for Sessions<P> {
    async fn create(&self, session: &Session, target: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        if target.is_empty() {
            let insert = SessionRow::encode(session).map_err(BackendError::new)?.insert();
            return match self.pool.execute(insert).await {
                Ok(_) => Ok(Vec::new()),
                Err(error) => Err(self.explain(error).await),
            };
        }
        self.insert(session, target, None).await
    }

    fn can(&self, ability: StoreAbility) -> bool {
        matches!(ability, StoreAbility::LimitSessions | StoreAbility::ListPages | StoreAbility::BindSessions)
    }

    async fn create_within(
        &self,
        session: &Session,
        target: RevokeTarget<'_>,
        limit: u32,
    ) -> Result<Vec<SessionId>, BackendError> {
        self.insert(session, target, Some(limit)).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        let sql = concat!("SELECT ", session_columns!(), " FROM sessions WHERE id = $1");
        self.one(Statement::new(sql).bind(id.to_string())).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        // If the generation is too large for the column, no row can contain it.
        let Ok(column) = i64::try_from(generation) else { return Ok(None) };
        let sql = concat!(
            "UPDATE sessions SET generation = generation + 1, rotated_at = $3, confirmed = FALSE,
                expires_at = CASE WHEN $4 < absolute_expires_at THEN $4 ELSE absolute_expires_at END,
                auth_time = COALESCE($5, auth_time),
                outdated_generation = CASE WHEN $5 IS NULL THEN outdated_generation ELSE generation END
             WHERE id = $1 AND generation = $2 AND revoked_at IS NULL AND expires_at > $3
                AND (bound_key IS NULL OR $6)
             RETURNING ",
            session_columns!()
        );
        let statement = bind_rotation(sql, id, column, rotation).bind(rotation.proven);
        if rotation.auth_time.is_none() {
            return self.one(statement).await;
        }
        match self.rotate_and_outdate(id, generation, statement, rotation.now).await {
            Ok(rotated) => Ok(rotated),
            Err(error) => Err(self.explain(error).await),
        }
    }

    async fn bind(
        &self,
        id: SessionId,
        generation: u64,
        key: &str,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        let Ok(generation) = i64::try_from(generation) else { return Ok(None) };
        let sql = concat!(
            "UPDATE sessions SET generation = generation + 1, rotated_at = $3, confirmed = FALSE,
                expires_at = CASE WHEN $4 < absolute_expires_at THEN $4 ELSE absolute_expires_at END,
                auth_time = COALESCE($5, auth_time), bound_key = $6, bound_at = $3
             WHERE id = $1 AND generation = $2 AND revoked_at IS NULL AND expires_at > $3 AND bound_key IS NULL
             RETURNING ",
            session_columns!()
        );
        self.one(bind_rotation(sql, id, generation, rotation).bind(key)).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        let Ok(generation) = i64::try_from(generation) else { return Ok(()) };
        let sql = "UPDATE sessions SET confirmed = TRUE WHERE id = $1 AND generation = $2 AND confirmed = FALSE";
        let statement = Statement::new(sql).bind(id.to_string()).bind(generation);
        self.pool.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    async fn revoke(&self, target: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        let mut transaction = self.pool.begin().await.map_err(BackendError::new)?;
        let mut connection = transaction.connection();
        let ended = revoke::end_sessions(&mut connection, target, now).await.map_err(BackendError::new)?;
        revoke::log_ends(&mut connection, &ended, target, now).await.map_err(BackendError::new)?;
        transaction.commit().await.map_err(BackendError::new)?;
        Ok(ended)
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        let mut transaction = self.pool.begin().await.map_err(BackendError::new)?;
        let mut connection = transaction.connection();
        let outdated = revoke::mark_outdated(&mut connection, subject, claims).await.map_err(BackendError::new)?;
        let entries = outdated.iter().map(|(id, generation)| (*id, RevocationKind::Outdated(*generation)));
        revoke::append_to_log(&mut connection, entries, now).await.map_err(BackendError::new)?;
        transaction.commit().await.map_err(BackendError::new)?;
        Ok(outdated)
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        if !schema::is_storable(subject) {
            return Ok(Vec::new());
        }
        let sql = concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions WHERE subject = $1 AND revoked_at IS NULL AND expires_at > $2
             ORDER BY created_at DESC, id"
        );
        self.all(Statement::new(sql).bind(subject).bind(now.unix_seconds())).await
    }

    async fn list_page(
        &self,
        subject: &str,
        now: Timestamp,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, BackendError> {
        if !schema::is_storable(subject) {
            return Ok(Vec::new());
        }
        // The last condition on created_at lets the database use the index to find where the page begins.
        let sql = concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions WHERE subject = $1 AND revoked_at IS NULL AND expires_at > $2
                AND (created_at < $3 OR (created_at = $3 AND id > $4)) AND created_at <= $3
             ORDER BY created_at DESC, id LIMIT $5"
        );
        let created_at = after.map_or(i64::MAX, |after| after.created_at().unix_seconds());
        let id = after.map(|after| after.id().to_string()).unwrap_or_default();
        let statement = Statement::new(sql).bind(subject).bind(now.unix_seconds()).bind(created_at).bind(id);
        self.all(statement.bind(i64::from(limit))).await
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        // A single statement reads the head and the entries from the same snapshot. If the head were read later,
        // entries that were written between the two reads would appear to be lost.
        let sql = "SELECT head.sequence, entry.sequence, session, at, replaced, outdated_generation
             FROM revocation_head AS head
             LEFT JOIN (
                SELECT sequence, session, at, replaced, outdated_generation
                FROM revocations WHERE sequence > $1 ORDER BY sequence LIMIT $2
             ) AS entry ON TRUE
             ORDER BY entry.sequence";
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let statement = Statement::new(sql).bind(after).bind(i64::from(limit));
        let rows: Vec<LogRow> = match self.pool.fetch(statement).await {
            Ok(rows) => rows,
            Err(error) => return Err(self.explain(error).await),
        };
        schema::decode_page(rows).map_err(BackendError::new)
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        // If another transaction has locked a row, `SKIP LOCKED` leaves this row for the next call.
        let sessions = locking_statement!(
            "WITH dead AS MATERIALIZED (
                SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1 LIMIT $2",
            " FOR UPDATE SKIP LOCKED",
            ") DELETE FROM sessions WHERE id IN (SELECT id FROM dead)"
        );
        let log = locking_statement!(
            "WITH old AS MATERIALIZED (
                SELECT sequence FROM revocations WHERE at < $1 ORDER BY sequence LIMIT $2",
            " FOR UPDATE SKIP LOCKED",
            ") DELETE FROM revocations WHERE sequence IN (SELECT sequence FROM old)"
        );
        let deleted = self.delete_in_batches(sessions, before, u64::from(limit)).await?;
        Ok(deleted + self.delete_in_batches(log, before, u64::from(limit).saturating_sub(deleted)).await?)
    }

    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        let seconds = self.pool.unix_time().await.map_err(BackendError::new)?;
        Ok(Some(Timestamp::from_unix_seconds(seconds)))
    }

    async fn revoked_elsewhere(&self) -> Result<(), BackendError> {
        #[cfg(feature = "postgres")]
        if let Some(pool) = self.pool.as_postgres() {
            return self.listener.wait(pool).await.map_err(BackendError::new);
        }
        std::future::pending().await
    }
}

impl<P: Clone + Into<Database> + Send + Sync + 'static> Sessions<P> {
    /// Ends the sessions of all users and returns how many it ended. If the application used a different store for a
    /// while and now switches back to this one, call this method first. Otherwise, sessions in this store would still
    /// be live even if their users logged out or changed their passwords in the meantime.
    ///
    /// # Errors
    /// Returns an error if the database fails. Some of the sessions might have ended by then.
    pub async fn end_all_sessions(&self, now: Timestamp) -> Result<u64, BackendError> {
        let mut ended = 0;
        let mut last = String::new();
        loop {
            let sql = "SELECT id FROM sessions WHERE revoked_at IS NULL AND id > $1 ORDER BY id LIMIT $2";
            let statement = Statement::new(sql).bind(last.clone()).bind(END_BATCH);
            let rows: Vec<(String,)> = self.pool.fetch(statement).await.map_err(BackendError::new)?;
            let Some((newest,)) = rows.last() else { return Ok(ended) };
            last.clone_from(newest);
            let ids: Result<Vec<SessionId>, _> = rows.iter().map(|(id,)| schema::decode_id(id)).collect();
            ended += self.revoke(RevokeTarget::Sessions(&ids.map_err(BackendError::new)?), now).await?.len() as u64;
        }
    }
}

/// Creates a statement and binds the parameters `$1` to `$5`, which are the same in every statement that rotates a
/// session.
fn bind_rotation<'a>(sql: &'static str, id: SessionId, generation: i64, rotation: Rotation) -> Statement<'a> {
    Statement::new(sql)
        .bind(id.to_string())
        .bind(generation)
        .bind(rotation.now.unix_seconds())
        .bind(rotation.expires_at.unix_seconds())
        .bind(rotation.auth_time.map(Timestamp::unix_seconds))
}

impl<P> Sessions<P> {
    /// Runs a statement that rotates a session after a re-authentication. In the same transaction, records in the
    /// revocation log that the tokens of `generation` are outdated.
    async fn rotate_and_outdate(
        &self,
        id: SessionId,
        generation: u64,
        statement: Statement<'_>,
        now: Timestamp,
    ) -> Result<Option<Session>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let mut connection = transaction.connection();
        let rows: Vec<SessionRow> = connection.fetch(statement).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let rotated = row.decode().map_err(sqlx::Error::decode)?;
        let entry = (id, RevocationKind::Outdated(generation));
        revoke::append_to_log(&mut connection, [entry].into_iter(), now).await?;
        transaction.commit().await?;
        Ok(Some(rotated))
    }

    /// Adds a session and, in the same transaction, ends the sessions that `target` selects. If the subject would then
    /// have more than `limit` sessions, the transaction also ends the least recently used ones.
    async fn insert(
        &self,
        session: &Session,
        target: RevokeTarget<'_>,
        limit: Option<u32>,
    ) -> Result<Vec<SessionId>, BackendError> {
        match self.try_insert(session, target, limit).await {
            Ok(ended) => Ok(ended),
            Err(error) => Err(self.explain(error).await),
        }
    }

    async fn try_insert(
        &self,
        session: &Session,
        target: RevokeTarget<'_>,
        limit: Option<u32>,
    ) -> Result<Vec<SessionId>, sqlx::Error> {
        let insert = SessionRow::encode(session)?.insert();
        let now = session.created_at.max(session.rotated_at);
        let mut transaction = self.pool.begin().await?;
        let mut connection = transaction.connection();
        let ended = match limit {
            None => revoke::end_sessions(&mut connection, target, now).await.map(|ended| (ended, now)),
            Some(limit) => revoke::end_sessions_and_excess(&mut connection, target, &session.subject, limit, now).await,
        };
        let (ended, at) = ended?;
        if let RevokeTarget::Renewed(_, id) = target
            && !ended.contains(&id)
            && revoke::has_row(&mut connection, id).await?
        {
            return Ok(Vec::new());
        }
        connection.execute(insert).await?;
        revoke::log_ends(&mut connection, &ended, target, at).await?;
        transaction.commit().await?;
        Ok(ended)
    }

    /// Converts an error from the database. If the tables are missing or outdated, returns [`NotMigrated`] instead,
    /// which says what to do.
    async fn explain(&self, error: sqlx::Error) -> BackendError {
        let is_refused = matches!(error, sqlx::Error::Database(_));
        if is_refused && matches!(self.pool.is_migrated(schema::SESSIONS).await, Ok(false)) {
            return BackendError::new(NotMigrated);
        }
        BackendError::new(error)
    }

    async fn all(&self, statement: Statement<'_>) -> Result<Vec<Session>, BackendError> {
        let rows: Vec<SessionRow> = match self.pool.fetch(statement).await {
            Ok(rows) => rows,
            Err(error) => return Err(self.explain(error).await),
        };
        rows.into_iter().map(SessionRow::decode).collect::<Result<_, _>>().map_err(BackendError::new)
    }

    async fn one(&self, statement: Statement<'_>) -> Result<Option<Session>, BackendError> {
        Ok(self.all(statement).await?.into_iter().next())
    }

    /// Runs a statement that deletes a batch of rows older than `before`. Repeats the statement until no such rows are
    /// left or `limit` rows have been deleted. Returns how many rows were deleted.
    async fn delete_in_batches(
        &self,
        statement: Statement<'static>,
        before: Timestamp,
        limit: u64,
    ) -> Result<u64, BackendError> {
        let mut deleted = 0;
        while deleted < limit {
            let batch = PRUNE_BATCH.min(limit - deleted);
            let count = i64::try_from(batch).map_err(BackendError::new)?;
            let statement = statement.clone().bind(before.unix_seconds()).bind(count);
            let rows = self.pool.execute(statement).await.map_err(BackendError::new)?;
            deleted += rows;
            if rows < batch {
                break;
            }
        }
        Ok(deleted)
    }
}
