//! Versioned tables, several components in one database.
//!
//! Not sqlx's own migrator: it keeps one list for the whole database, and the sessions, the accounts
//! and an application each have theirs.

use hardtack::{Clock, SystemClock};
use sqlx::SqlitePool;

use crate::MigrateError;

/// One step from a version of a component's tables to the next.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    version: u32,
    sql: &'static str,
}

impl Migration {
    /// The step to `version`: SQL of any number of statements, without `BEGIN` and `COMMIT`. Versions
    /// begin at 1; a step that was released is never edited.
    pub const fn new(version: u32, sql: &'static str) -> Self {
        Self { version, sql }
    }
}

/// Brings a component's tables up to date; answers how many steps that took.
///
/// All steps are one transaction, and processes that start at once wait for each other: each step runs
/// once, and a failed one leaves the database as it was.
///
/// ```
/// use hardtack_sqlx::{Migration, migrate, open_sqlite};
///
/// const NOTES: &[Migration] = &[
///     Migration::new(1, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)"),
///     Migration::new(2, "ALTER TABLE notes ADD COLUMN title TEXT"),
/// ];
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.db");
/// let pool = open_sqlite(path).await?;
/// assert_eq!(migrate(&pool, "notes", NOTES).await?, 2);
/// assert_eq!(migrate(&pool, "notes", NOTES).await?, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The tables are newer than the newest migration, the list is out of order, or the database failed.
pub async fn migrate(pool: &SqlitePool, component: &str, migrations: &[Migration]) -> Result<usize, MigrateError> {
    let known = newest(component, migrations)?;

    // IMMEDIATE takes the write lock before the version is read, so that it still holds when it is used.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS hardtack_migrations (
            component TEXT NOT NULL,
            version BIGINT NOT NULL,
            applied_at BIGINT NOT NULL,
            PRIMARY KEY (component, version)
        )",
    )
    .execute(&mut *transaction)
    .await?;
    let found: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM hardtack_migrations WHERE component = $1")
        .bind(component)
        .fetch_one(&mut *transaction)
        .await?;
    let found = found.unwrap_or(0);
    if found > i64::from(known) {
        return Err(MigrateError::Newer { component: component.into(), found, known });
    }

    let mut applied = 0;
    for step in migrations.iter().filter(|step| i64::from(step.version) > found) {
        sqlx::raw_sql(step.sql).execute(&mut *transaction).await.map_err(|source| MigrateError::Step {
            component: component.into(),
            version: step.version,
            source,
        })?;
        sqlx::query("INSERT INTO hardtack_migrations (component, version, applied_at) VALUES ($1, $2, $3)")
            .bind(component)
            .bind(step.version)
            .bind(SystemClock.now().unix_seconds())
            .execute(&mut *transaction)
            .await?;
        applied += 1;
    }
    transaction.commit().await?;
    Ok(applied)
}

/// The last version of a list in order; zero of an empty one.
fn newest(component: &str, migrations: &[Migration]) -> Result<u32, MigrateError> {
    let mut newest = 0;
    for step in migrations {
        if step.version <= newest {
            return Err(MigrateError::Order { component: component.into(), version: step.version });
        }
        newest = step.version;
    }
    Ok(newest)
}
