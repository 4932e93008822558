//! The connections to a database.

#[cfg(feature = "postgres")]
use sqlx::PgPool;
#[cfg(feature = "sqlite")]
use sqlx::SqlitePool;

use crate::connection::Connection;
#[cfg(feature = "sqlite")]
use crate::file::{DatabaseFile, Examination, Found, LengthChange, is_damage};
use crate::health::WriteHealth;
#[cfg(feature = "postgres")]
use crate::lost_connection::{Attempts, acquire};
use crate::row::FromAnyRow;
use crate::statement::Statement;
#[cfg(feature = "postgres")]
use crate::time_limit::close_if_timed_out;
use crate::transaction::Transaction;

/// A pool of connections to an SQLite or PostgreSQL database. Clones share these connections.
///
/// If the file of an SQLite database is replaced, removed or found to be damaged, all methods that use the database
/// fail. Otherwise, changes could be lost (see `DatabaseFile`).
#[derive(Clone, Debug)]
pub struct Pool {
    inner: Inner,
    health: WriteHealth,
}

#[derive(Clone, Debug)]
enum Inner {
    /// The second field is the database file. It is `None` for an in-memory database.
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePool, Option<DatabaseFile>),
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    None(std::convert::Infallible),
}

#[cfg(feature = "sqlite")]
impl From<SqlitePool> for Pool {
    fn from(pool: SqlitePool) -> Self {
        let file = DatabaseFile::at(pool.connect_options().get_filename()).ok();
        Self { inner: Inner::Sqlite(pool, file.clone()), health: WriteHealth::of(file) }
    }
}

#[cfg(feature = "postgres")]
impl From<PgPool> for Pool {
    fn from(pool: PgPool) -> Self {
        Self { inner: Inner::Postgres(pool), health: WriteHealth::default() }
    }
}

impl Pool {
    /// Runs a statement and returns its rows. If the statement changes data, the change is committed when this method
    /// returns.
    ///
    /// # Errors
    /// The database failed or rejected the statement.
    pub async fn fetch<R: FromAnyRow>(&self, statement: Statement<'_>) -> Result<Vec<R>, sqlx::Error> {
        let result = self.fetch_rows(statement).await;
        self.health.note(&result);
        result
    }

    async fn fetch_rows<R: FromAnyRow>(&self, statement: Statement<'_>) -> Result<Vec<R>, sqlx::Error> {
        match &self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(pool, file) => {
                check(pool, file.as_ref()).await?;
                Connection::from(&mut *pool.acquire().await?).fetch(statement).await
            }
            #[cfg(feature = "postgres")]
            Inner::Postgres(pool) => {
                let mut attempts = Attempts::new(pool);
                loop {
                    let mut connection = acquire(pool).await?;
                    let result = Connection::from(&mut *connection).fetch(statement.clone()).await;
                    close_if_timed_out(&mut connection, &result);
                    if !(statement.only_reads() && attempts.is_another_needed(&result)) {
                        return result;
                    }
                }
            }
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Runs a statement and returns how many rows it changed. The changes are committed when this method returns.
    ///
    /// # Errors
    /// The database failed or rejected the statement.
    pub async fn execute(&self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        let result = self.run(statement).await;
        self.health.note(&result);
        if matches!(result, Ok(changed) if changed > 0) {
            self.health.recovered();
        }
        result
    }

    async fn run(&self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        match &self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(pool, file) => {
                check(pool, file.as_ref()).await?;
                Connection::from(&mut *pool.acquire().await?).execute(statement).await
            }
            #[cfg(feature = "postgres")]
            Inner::Postgres(pool) => {
                let mut connection = acquire(pool).await?;
                let result = Connection::from(&mut *connection).execute(statement).await;
                close_if_timed_out(&mut connection, &result);
                result
            }
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Returns the current time in seconds since 1970. On PostgreSQL, the time comes from the database server's clock.
    /// On SQLite, it comes from this machine's clock.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unix_time(&self) -> Result<i64, sqlx::Error> {
        let statement = Statement::per_database(
            "SELECT CAST(strftime('%s', 'now') AS INTEGER)",
            "SELECT CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT)",
        );
        let rows: Vec<(i64,)> = self.fetch(statement).await?;
        rows.first().map(|(seconds,)| *seconds).ok_or(sqlx::Error::RowNotFound)
    }

    /// Begins a transaction that can write. A transaction that is dropped before it is [committed](Transaction::commit)
    /// is rolled back.
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        let result = self.begin_transaction().await;
        self.health.note(&result);
        result
    }

    async fn begin_transaction(&self) -> Result<Transaction, sqlx::Error> {
        match &self.inner {
            // `BEGIN IMMEDIATE` takes the write lock right away. Without `IMMEDIATE`, a transaction fails at its first
            // write if another connection has written in the meantime.
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(pool, file) => {
                check(pool, file.as_ref()).await?;
                Ok(Transaction::sqlite(pool.begin_with("BEGIN IMMEDIATE").await?, self.health.clone()))
            }
            #[cfg(feature = "postgres")]
            Inner::Postgres(pool) => {
                let mut attempts = Attempts::new(pool);
                loop {
                    let begun = Transaction::begin_postgres(acquire(pool).await?, self.health.clone()).await;
                    if !attempts.is_another_needed(&begun) {
                        return begun;
                    }
                }
            }
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Checks that the database responds. If the last write failed, also checks that the database accepts writes again.
    ///
    /// # Errors
    /// Returns an error if the database fails, or if a write failed in the last five seconds and no later write has
    /// succeeded.
    pub async fn check(&self) -> Result<(), sqlx::Error> {
        if self.health.failed_for().is_none() {
            return self.fetch_rows::<(i64,)>(Statement::new("SELECT CAST(1 AS BIGINT)")).await.map(drop);
        }
        // This statement changes no value, but the database still has to write and sync the row.
        let sql = "UPDATE hardtack_migrations SET applied_at = applied_at
             WHERE version = (SELECT MIN(version) FROM hardtack_migrations)";
        self.run(Statement::new(sql)).await?;
        if self.health.failed_recently() {
            return Err(sqlx::Error::Protocol("a write failed recently, and no write has succeeded since".into()));
        }
        self.health.recovered();
        Ok(())
    }

    /// Closes all connections. Waits until the connections in use are returned to the pool. New queries fail
    /// immediately, even on a clone.
    pub async fn close(&self) {
        match &self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(pool, _) => pool.close().await,
            #[cfg(feature = "postgres")]
            Inner::Postgres(pool) => pool.close().await,
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Returns whether [`close`](Self::close) has been called. Every query then fails, although the database may work.
    pub fn is_closed(&self) -> bool {
        match &self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(pool, _) => pool.is_closed(),
            #[cfg(feature = "postgres")]
            Inner::Postgres(pool) => pool.is_closed(),
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Returns whether the database is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        match &self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(..) => false,
            #[cfg(feature = "postgres")]
            Inner::Postgres(_) => true,
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Returns the sqlx pool of a PostgreSQL database, or `None` for SQLite.
    #[cfg(feature = "postgres")]
    pub fn as_postgres(&self) -> Option<&PgPool> {
        match &self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(..) => None,
            Inner::Postgres(pool) => Some(pool),
        }
    }
}

/// Fails if the database is a file that was replaced, removed or damaged since it was opened. Also fails if the
/// write-ahead log or its index was removed or moved.
#[cfg(feature = "sqlite")]
async fn check(pool: &SqlitePool, file: Option<&DatabaseFile>) -> Result<(), sqlx::Error> {
    let Some(file) = file else { return Ok(()) };
    let Some(examination) = file.check()? else { return Ok(()) };
    match examine(pool, &examination).await {
        Ok(found) => examination.finish(found),
        Err(error) if is_damage(&error) => {
            examination.finish(Found { is_intact: false, schema: 0, shrinks: false, size: 0, len: 0 })
        }
        // The file could not be examined, for example because another program has locked it. The next call examines the
        // file again.
        Err(_) => Ok(()),
    }
}

/// Examines the file on a new connection, because the connections in the pool might still have old parts of the file in
/// memory.
#[cfg(feature = "sqlite")]
async fn examine(pool: &SqlitePool, examination: &Examination) -> Result<Found, sqlx::Error> {
    use sqlx::Connection as _;

    let mut connection = sqlx::SqliteConnection::connect_with(&pool.connect_options()).await?;
    let mut found = look(&mut connection, examination.len_before()).await?;
    match examination.change() {
        LengthChange::Longer if found.len > found.size => {
            // Another connection might be writing right now, so look again while no other connection can write.
            sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await?;
            found = look(&mut connection, examination.read_len()?).await?;
            sqlx::query("ROLLBACK").execute(&mut connection).await?;
        }
        LengthChange::Longer => {}
        LengthChange::Shorter => {
            let (checked,): (String,) = sqlx::query_as("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
            found.is_intact = checked == "ok";
        }
    }
    connection.close().await?;
    Ok(found)
}

/// Reads what SQLite says about a database file that is `len` bytes long.
#[cfg(feature = "sqlite")]
async fn look(connection: &mut sqlx::SqliteConnection, len: u64) -> Result<Found, sqlx::Error> {
    let (schema,): (i64,) = sqlx::query_as("PRAGMA schema_version").fetch_one(&mut *connection).await?;
    let (mode,): (i64,) = sqlx::query_as("PRAGMA auto_vacuum").fetch_one(&mut *connection).await?;
    let (pages,): (i64,) = sqlx::query_as("PRAGMA page_count").fetch_one(&mut *connection).await?;
    let (page_size,): (i64,) = sqlx::query_as("PRAGMA page_size").fetch_one(&mut *connection).await?;
    let size = u64::try_from(pages.saturating_mul(page_size)).unwrap_or_default();
    Ok(Found { is_intact: true, schema, shrinks: mode != 0, size, len })
}
