//! The session store.
//!
//! The SQL is the common part of SQLite's and PostgreSQL's. A statement that changes rows and answers
//! them is read to its end (`fetch_all`): only then is it committed, and only so does a commit that
//! fails reach the caller.

use std::path::{Path, PathBuf};

use hardtack::session::{Ends, Revocation, RevocationPage, Rotation, StoreError};
use hardtack::{Session, SessionId, SessionStore, Timestamp};
use sqlx::{SqliteConnection, SqlitePool};

use crate::open::{IN_MEMORY, open_in_memory, open_sqlite};
use crate::row::{self, Columns, LogColumns, columns};
use crate::{MigrateError, Migration, OpenError, migrate};

const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/sqlite/0001_sessions.sql")),
    Migration::new(2, include_str!("../migrations/sqlite/0002_persistent.sql")),
];

/// Rows that one transaction of [`SessionStore::prune`] forgets: a log-in never waits for more.
const PRUNE_BATCH: u64 = 500;

/// A [`SessionStore`] in an SQLite database. Clones share the connections.
#[derive(Clone, Debug)]
pub struct SqliteSessions {
    pool: SqlitePool,
}

impl SqliteSessions {
    /// Opens a database file, with [`open_sqlite`], and brings the tables up to date.
    ///
    /// # Errors
    /// The file cannot be created or opened, or is newer than this program.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        Self::from_pool(open_sqlite(path).await?).migrated(path.into()).await
    }

    /// Opens a database that is gone when its last clone is: for tests and demonstrations.
    ///
    /// It has one connection, so a transaction in hand keeps every other caller waiting.
    ///
    /// # Errors
    /// SQLite failed.
    pub async fn open_in_memory() -> Result<Self, OpenError> {
        Self::from_pool(open_in_memory().await?).migrated(PathBuf::from(IN_MEMORY)).await
    }

    /// Takes a pool that is open, preferably by [`open_sqlite`]. Call [`Self::migrate`] before its first
    /// use.
    pub fn from_pool(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// The connections, for an application's own tables.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Brings the tables up to date; answers how many steps that took. [`Self::open`] does it.
    ///
    /// # Errors
    /// The tables are newer than this program, or the database failed.
    pub async fn migrate(&self) -> Result<usize, MigrateError> {
        migrate(&self.pool, "sessions", MIGRATIONS).await
    }

    async fn migrated(self, path: PathBuf) -> Result<Self, OpenError> {
        match self.migrate().await {
            Ok(_) => Ok(self),
            Err(source) => Err(OpenError::Migrate { path, source }),
        }
    }

    /// Runs a statement that forgets old rows, a batch at a time.
    async fn forget(&self, sql: &'static str, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        while forgotten < limit {
            let batch = PRUNE_BATCH.min(limit - forgotten);
            let query = sqlx::query(sql).bind(before.unix_seconds()).bind(stored(batch)?);
            let rows = query.execute(&self.pool).await.map_err(StoreError::new)?.rows_affected();
            forgotten += rows;
            if rows < batch {
                break;
            }
        }
        Ok(forgotten)
    }
}

impl SessionStore for SqliteSessions {
    async fn create(&self, session: &Session, ends: Ends<'_>) -> Result<Vec<SessionId>, StoreError> {
        let now = session.created_at.max(session.rotated_at);
        // IMMEDIATE: a transaction that begins as a reader may find that it cannot become a writer.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::new)?;
        let ended = end(&mut transaction, ends, now).await?;
        insert(&mut transaction, session).await?;
        transaction.commit().await.map_err(StoreError::new)?;
        Ok(ended)
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row: Option<Columns> = sqlx::query_as(concat!("SELECT ", columns!(), " FROM sessions WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::new)?;
        row.map(row::decode).transpose().map_err(StoreError::new)
    }

    async fn rotate(&self, id: SessionId, generation: u64, rotation: Rotation) -> Result<Option<Session>, StoreError> {
        let Ok(generation) = stored(generation) else { return Ok(None) };
        let rows: Vec<Columns> = sqlx::query_as(concat!(
            "UPDATE sessions SET generation = generation + 1, rotated_at = $3, confirmed = FALSE,
                expires_at = CASE WHEN $4 < absolute_expires_at THEN $4 ELSE absolute_expires_at END,
                auth_time = COALESCE($5, auth_time)
             WHERE id = $1 AND generation = $2 AND revoked_at IS NULL AND expires_at > $3
             RETURNING ",
            columns!()
        ))
        .bind(id.to_string())
        .bind(generation)
        .bind(rotation.now.unix_seconds())
        .bind(rotation.expires_at.unix_seconds())
        .bind(rotation.auth_time.map(Timestamp::unix_seconds))
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::new)?;
        rows.into_iter().next().map(row::decode).transpose().map_err(StoreError::new)
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), StoreError> {
        let Ok(generation) = stored(generation) else { return Ok(()) };
        sqlx::query("UPDATE sessions SET confirmed = TRUE WHERE id = $1 AND generation = $2 AND confirmed = FALSE")
            .bind(id.to_string())
            .bind(generation)
            .execute(&self.pool)
            .await
            .map_err(StoreError::new)?;
        Ok(())
    }

    async fn revoke(&self, ends: Ends<'_>, now: Timestamp) -> Result<Vec<SessionId>, StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::new)?;
        let ended = end(&mut transaction, ends, now).await?;
        transaction.commit().await.map_err(StoreError::new)?;
        Ok(ended)
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let rows: Vec<Columns> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM sessions WHERE subject = $1 AND revoked_at IS NULL AND expires_at > $2
             ORDER BY created_at DESC, id"
        ))
        .bind(subject)
        .bind(now.unix_seconds())
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::new)?;
        rows.into_iter().map(row::decode).collect::<Result<_, _>>().map_err(StoreError::new)
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, StoreError> {
        let read = "SELECT sequence, session, at FROM revocations WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let query = sqlx::query_as(read).bind(after).bind(i64::from(limit));
        let rows: Vec<LogColumns> = query.fetch_all(&self.pool).await.map_err(StoreError::new)?;
        let entries: Vec<Revocation> =
            rows.into_iter().map(row::decode_revocation).collect::<Result<_, _>>().map_err(StoreError::new)?;
        // Read after the entries: it is never behind them.
        let given: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'revocations'")
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::new)?;
        Ok(RevocationPage { head: given.and_then(|head| u64::try_from(head).ok()).unwrap_or(0), entries })
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let sessions = "DELETE FROM sessions WHERE id IN
            (SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1 LIMIT $2)";
        let log = "DELETE FROM revocations WHERE sequence IN
            (SELECT sequence FROM revocations WHERE at < $1 ORDER BY sequence LIMIT $2)";
        let forgotten = self.forget(sessions, before, u64::from(limit)).await?;
        Ok(forgotten + self.forget(log, before, u64::from(limit).saturating_sub(forgotten)).await?)
    }
}

/// Ends sessions and writes each to the log, in the caller's transaction.
async fn end(connection: &mut SqliteConnection, ends: Ends<'_>, now: Timestamp) -> Result<Vec<SessionId>, StoreError> {
    let ended = mark(connection, ends, now.unix_seconds()).await.map_err(StoreError::new)?;
    for id in &ended {
        sqlx::query("INSERT INTO revocations (session, at) VALUES ($1, $2)")
            .bind(id)
            .bind(now.unix_seconds())
            .execute(&mut *connection)
            .await
            .map_err(StoreError::new)?;
    }
    ended.iter().map(|id| row::decode_id(id)).collect::<Result<_, _>>().map_err(StoreError::new)
}

/// Ends sessions; answers the ids of those that ended now.
async fn mark(connection: &mut SqliteConnection, ends: Ends<'_>, now: i64) -> Result<Vec<String>, sqlx::Error> {
    match ends {
        Ends::These(ids) => {
            let mut ended = Vec::new();
            for id in ids {
                let query = sqlx::query_scalar(
                    "UPDATE sessions SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL RETURNING id",
                );
                let rows: Vec<String> = query.bind(now).bind(id.to_string()).fetch_all(&mut *connection).await?;
                ended.extend(rows);
            }
            Ok(ended)
        }
        Ends::AllOf(subject) => {
            let query = sqlx::query_scalar(
                "UPDATE sessions SET revoked_at = $1 WHERE subject = $2 AND revoked_at IS NULL RETURNING id",
            );
            query.bind(now).bind(subject).fetch_all(connection).await
        }
        Ends::OthersOf(subject, kept) => {
            let query = sqlx::query_scalar(
                "UPDATE sessions SET revoked_at = $1
                 WHERE subject = $2 AND id <> $3 AND revoked_at IS NULL RETURNING id",
            );
            query.bind(now).bind(subject).bind(kept.to_string()).fetch_all(connection).await
        }
    }
}

async fn insert(connection: &mut SqliteConnection, session: &Session) -> Result<(), StoreError> {
    let query = sqlx::query(concat!(
        "INSERT INTO sessions (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    ));
    query
        .bind(session.id.to_string())
        .bind(&session.subject)
        .bind(row::encode_generation(session).map_err(StoreError::new)?)
        .bind(session.created_at.unix_seconds())
        .bind(session.rotated_at.unix_seconds())
        .bind(session.confirmed)
        .bind(session.expires_at.unix_seconds())
        .bind(session.absolute_expires_at.unix_seconds())
        .bind(session.auth_time.unix_seconds())
        .bind(&session.salt[..])
        .bind(session.claims.as_deref())
        .bind(session.user_agent.as_deref())
        .bind(session.address.as_deref())
        .bind(session.revoked_at.map(Timestamp::unix_seconds))
        .bind(session.persistent)
        .execute(connection)
        .await
        .map_err(StoreError::new)?;
    Ok(())
}

/// A number as its column holds it; an error where no row can hold it.
fn stored(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(StoreError::new)
}
