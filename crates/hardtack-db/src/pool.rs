//! The connections to a database.

#[cfg(feature = "postgres")]
use sqlx::PgPool;
#[cfg(feature = "sqlite")]
use sqlx::SqlitePool;

use crate::connection::Connection;
use crate::row::FromAnyRow;
use crate::statement::Statement;
#[cfg(feature = "postgres")]
use crate::time_limit::close_if_timed_out;
use crate::transaction::Transaction;

/// The connections to an SQLite or PostgreSQL database. Clones share them.
#[derive(Clone, Debug)]
pub struct Pool(Inner);

#[derive(Clone, Debug)]
enum Inner {
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    None(std::convert::Infallible),
}

#[cfg(feature = "sqlite")]
impl From<SqlitePool> for Pool {
    fn from(pool: SqlitePool) -> Self {
        Self(Inner::Sqlite(pool))
    }
}

#[cfg(feature = "postgres")]
impl From<PgPool> for Pool {
    fn from(pool: PgPool) -> Self {
        Self(Inner::Postgres(pool))
    }
}

impl Pool {
    /// Runs a statement and returns its rows. Its changes are committed when this method returns.
    ///
    /// # Errors
    /// The database failed.
    pub async fn fetch<R: FromAnyRow>(&self, statement: Statement<'_>) -> Result<Vec<R>, sqlx::Error> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(pool) => Connection::from(&mut *pool.acquire().await?).fetch(statement).await,
            #[cfg(feature = "postgres")]
            Inner::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                let result = Connection::from(&mut *connection).fetch(statement).await;
                close_if_timed_out(&mut connection, &result);
                result
            }
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Runs a statement and returns how many rows it changed. Its changes are committed when this method returns.
    ///
    /// # Errors
    /// The database failed.
    pub async fn execute(&self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(pool) => Connection::from(&mut *pool.acquire().await?).execute(statement).await,
            #[cfg(feature = "postgres")]
            Inner::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                let result = Connection::from(&mut *connection).execute(statement).await;
                close_if_timed_out(&mut connection, &result);
                result
            }
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Begins a transaction that writes. It is rolled back unless it is [committed](Transaction::commit).
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        match &self.0 {
            // IMMEDIATE takes the write lock now. A transaction that begins as a reader fails when it writes
            // after another connection has written.
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(pool) => Ok(Transaction::sqlite(pool.begin_with("BEGIN IMMEDIATE").await?)),
            #[cfg(feature = "postgres")]
            Inner::Postgres(pool) => Transaction::begin_postgres(pool.acquire().await?).await,
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Waits until no connection is in use, and closes all of them. From then on, every query fails, even on a clone.
    pub async fn close(&self) {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(pool) => pool.close().await,
            #[cfg(feature = "postgres")]
            Inner::Postgres(pool) => pool.close().await,
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        }
    }

    /// Returns the sqlx pool of a PostgreSQL database, or `None` for SQLite.
    #[cfg(feature = "postgres")]
    pub fn as_postgres(&self) -> Option<&PgPool> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(_) => None,
            Inner::Postgres(pool) => Some(pool),
        }
    }
}
