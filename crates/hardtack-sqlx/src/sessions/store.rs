//! The store's operations. The SQL is the common part of SQLite's and PostgreSQL's.

use hardtack::BackendError;
use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationKind, RevocationPage, RevokeTarget, Rotation};
use hardtack::session::{Session, SessionStore};

use super::{Sessions, ends};
use crate::database::Pool;
use crate::row::{self, Columns, LogColumns, columns};
use crate::{Database, Statement};

/// Rows that one transaction of [`SessionStore::prune`] forgets: a log-in never waits for more.
const PRUNE_BATCH: u64 = 500;

/// Rows of which nobody has any more need, but for those that somebody is ending right now.
macro_rules! forget_sessions {
    ($lock:literal) => {
        concat!(
            "WITH dead AS MATERIALIZED (
                SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1 LIMIT $2",
            $lock,
            ") DELETE FROM sessions WHERE id IN (SELECT id FROM dead)"
        )
    };
}

macro_rules! forget_log {
    ($lock:literal) => {
        concat!(
            "WITH old AS MATERIALIZED (
                SELECT sequence FROM revocations WHERE at < $1 ORDER BY sequence LIMIT $2",
            $lock,
            ") DELETE FROM revocations WHERE sequence IN (SELECT sequence FROM old)"
        )
    };
}

impl<P: Clone + Into<Database> + Send + Sync + 'static> SessionStore for Sessions<P> {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        let insert = insert(session)?;
        if ends.is_empty() {
            self.database.execute(insert).await.map_err(BackendError::new)?;
            return Ok(Vec::new());
        }
        let now = session.created_at.max(session.rotated_at);
        let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
        let ended = ends::mark(&self.database, &mut transaction, ends, now).await?;
        transaction.execute(insert).await.map_err(BackendError::new)?;
        ends::log(&mut transaction, ended.iter().map(|id| (*id, ends.kind(*id))), now).await?;
        transaction.commit().await.map_err(BackendError::new)?;
        Ok(ended)
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        let sql = concat!("SELECT ", columns!(), " FROM sessions WHERE id = $1");
        self.one(Statement::new(sql).bind(id.to_string())).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        let Ok(generation) = stored(generation) else { return Ok(None) };
        let sql = concat!(
            "UPDATE sessions SET generation = generation + 1, rotated_at = $3, confirmed = FALSE,
                expires_at = CASE WHEN $4 < absolute_expires_at THEN $4 ELSE absolute_expires_at END,
                auth_time = COALESCE($5, auth_time)
             WHERE id = $1 AND generation = $2 AND revoked_at IS NULL AND expires_at > $3
             RETURNING ",
            columns!()
        );
        let statement = Statement::new(sql)
            .bind(id.to_string())
            .bind(generation)
            .bind(rotation.now.unix_seconds())
            .bind(rotation.expires_at.unix_seconds())
            .bind(rotation.auth_time.map(Timestamp::unix_seconds));
        self.one(statement).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        let Ok(generation) = stored(generation) else { return Ok(()) };
        let sql = "UPDATE sessions SET confirmed = TRUE WHERE id = $1 AND generation = $2 AND confirmed = FALSE";
        let statement = Statement::new(sql).bind(id.to_string()).bind(generation);
        self.database.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
        let ended = ends::mark(&self.database, &mut transaction, ends, now).await?;
        ends::log(&mut transaction, ended.iter().map(|id| (*id, ends.kind(*id))), now).await?;
        transaction.commit().await.map_err(BackendError::new)?;
        Ok(ended)
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
        let outdated = ends::outdate(&self.database, &mut transaction, subject, claims).await?;
        let entries = outdated.iter().map(|(id, generation)| (*id, RevocationKind::Outdated(*generation)));
        ends::log(&mut transaction, entries, now).await?;
        transaction.commit().await.map_err(BackendError::new)?;
        Ok(outdated)
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        if !row::is_text(subject) {
            return Ok(Vec::new());
        }
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM sessions WHERE subject = $1 AND revoked_at IS NULL AND expires_at > $2
             ORDER BY created_at DESC, id"
        );
        self.all(Statement::new(sql).bind(subject).bind(now.unix_seconds())).await
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        // One statement, so that head and entries are of one moment: were the head read later, entries
        // that came in between would look lost.
        let sql = "SELECT head.sequence, entry.sequence, session, at, replaced, outdated_generation
             FROM revocation_head AS head
             LEFT JOIN (
                SELECT sequence, session, at, replaced, outdated_generation
                FROM revocations WHERE sequence > $1 ORDER BY sequence LIMIT $2
             ) AS entry ON TRUE
             ORDER BY entry.sequence";
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let statement = Statement::new(sql).bind(after).bind(i64::from(limit));
        let rows: Vec<LogColumns> = self.database.fetch(statement).await.map_err(BackendError::new)?;
        row::decode_page(rows).map_err(BackendError::new)
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let (sessions, log) = self.database.choose(
            (forget_sessions!(""), forget_log!("")),
            (forget_sessions!(" FOR UPDATE SKIP LOCKED"), forget_log!(" FOR UPDATE SKIP LOCKED")),
        );
        let forgotten = self.forget(sessions, before, u64::from(limit)).await?;
        Ok(forgotten + self.forget(log, before, u64::from(limit).saturating_sub(forgotten)).await?)
    }

    async fn revoked_elsewhere(&self) -> Result<(), BackendError> {
        match &self.database.0 {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => std::future::pending().await,
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => self.news.wait(pool).await.map_err(BackendError::new),
        }
    }
}

impl<P> Sessions<P> {
    async fn all(&self, statement: Statement<'_>) -> Result<Vec<Session>, BackendError> {
        let rows: Vec<Columns> = self.database.fetch(statement).await.map_err(BackendError::new)?;
        rows.into_iter().map(row::decode).collect::<Result<_, _>>().map_err(BackendError::new)
    }

    async fn one(&self, statement: Statement<'_>) -> Result<Option<Session>, BackendError> {
        Ok(self.all(statement).await?.into_iter().next())
    }

    /// Runs a statement that forgets old rows, a batch at a time.
    async fn forget(&self, sql: &'static str, before: Timestamp, limit: u64) -> Result<u64, BackendError> {
        let mut forgotten = 0;
        while forgotten < limit {
            let batch = PRUNE_BATCH.min(limit - forgotten);
            let statement = Statement::new(sql).bind(before.unix_seconds()).bind(stored(batch)?);
            let rows = self.database.execute(statement).await.map_err(BackendError::new)?;
            forgotten += rows;
            if rows < batch {
                break;
            }
        }
        Ok(forgotten)
    }
}

fn insert(session: &Session) -> Result<Statement<'_>, BackendError> {
    let sql = concat!(
        "INSERT INTO sessions (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    );
    Ok(Statement::new(sql)
        .bind(session.id.to_string())
        .bind(row::encode_subject(session).map_err(BackendError::new)?)
        .bind(row::encode_generation(session.id, session.generation).map_err(BackendError::new)?)
        .bind(session.created_at.unix_seconds())
        .bind(session.rotated_at.unix_seconds())
        .bind(session.confirmed)
        .bind(session.expires_at.unix_seconds())
        .bind(session.absolute_expires_at.unix_seconds())
        .bind(session.auth_time.unix_seconds())
        .bind(&session.salt[..])
        .bind(row::encode_text(session.claims.as_deref()))
        .bind(row::encode_text(session.user_agent.as_deref()))
        .bind(row::encode_text(session.address.as_deref()))
        .bind(session.revoked_at.map(Timestamp::unix_seconds))
        .bind(session.persistent)
        .bind(session.replaced)
        .bind(row::encode_generation(session.id, session.outdated_generation).map_err(BackendError::new)?))
}

/// A number as its column holds it; an error where no row can hold it.
fn stored(number: u64) -> Result<i64, BackendError> {
    i64::try_from(number).map_err(BackendError::new)
}
