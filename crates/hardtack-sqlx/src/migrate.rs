//! Versioned tables, several components in one database.
//!
//! Not sqlx's own migrator: it keeps one list for the whole database, and the sessions, the accounts
//! and an application each have theirs.

use hardtack::clock::{Clock, SystemClock};

use crate::{Database, MigrateError, Statement};

/// One step from a version of a component's tables to the next.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    version: u32,
    sqlite: &'static str,
    postgres: &'static str,
}

impl Migration {
    /// The step to `version`: SQL of any number of statements, without `BEGIN` and `COMMIT`, that both
    /// databases understand. Versions begin at 1; a step that was released is never edited.
    pub const fn new(version: u32, sql: &'static str) -> Self {
        Self::per_database(version, sql, sql)
    }

    /// The same where each database needs its own SQL.
    pub const fn per_database(version: u32, sqlite: &'static str, postgres: &'static str) -> Self {
        Self { version, sqlite, postgres }
    }
}

/// Any number that other programs in one PostgreSQL database will hardly have chosen ("hardtack").
const LOCK: &str = "SELECT pg_advisory_xact_lock(7521983766109545323)";

/// A process that waits here waits for another's migrations, which may take long.
const WITHOUT_HURRY: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";

const VERSIONS: &str = "CREATE TABLE hardtack_migrations (
    component TEXT NOT NULL,
    version BIGINT NOT NULL,
    applied_at BIGINT NOT NULL,
    PRIMARY KEY (component, version)
)";

/// Whether that table is there. Asked, since PostgreSQL's `IF NOT EXISTS` needs the right to make it: a
/// server that finds its tables up to date needs no such right.
const HAS_VERSIONS: (&str, &str) = (
    "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'hardtack_migrations'",
    "SELECT COUNT(to_regclass('hardtack_migrations'))",
);

pub(crate) async fn run(database: &Database, component: &str, migrations: &[Migration]) -> Result<usize, MigrateError> {
    let known = newest(component, migrations)?;

    // One at a time: SQLite's write lock is taken with the transaction, PostgreSQL's asked for.
    let mut transaction = database.begin().await?;
    for script in database.choose(&[][..], &[WITHOUT_HURRY, LOCK]) {
        transaction.run_script(script).await?;
    }
    let there: Vec<(i64,)> = transaction.fetch(Statement::new(database.choose(HAS_VERSIONS.0, HAS_VERSIONS.1))).await?;
    if there == [(0,)] {
        transaction.run_script(VERSIONS).await?;
    }
    let newest_there = "SELECT COALESCE(MAX(version), 0) FROM hardtack_migrations WHERE component = $1";
    let found: Vec<(i64,)> = transaction.fetch(Statement::new(newest_there).bind(component)).await?;
    let found = found.first().map_or(0, |(version,)| *version);
    if found > i64::from(known) {
        return Err(MigrateError::Newer { component: component.into(), found, known });
    }

    let mut applied = 0;
    for step in migrations.iter().filter(|step| i64::from(step.version) > found) {
        let sql = database.choose(step.sqlite, step.postgres);
        transaction.run_script(sql).await.map_err(|source| MigrateError::Step {
            component: component.into(),
            version: step.version,
            source,
        })?;
        let note = "INSERT INTO hardtack_migrations (component, version, applied_at) VALUES ($1, $2, $3)";
        let note = Statement::new(note).bind(component).bind(i64::from(step.version));
        transaction.execute(note.bind(SystemClock.now().unix_seconds())).await?;
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
