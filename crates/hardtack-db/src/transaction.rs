//! Several statements that are committed together.

#[cfg(feature = "sqlite")]
use sqlx::Sqlite;
#[cfg(feature = "postgres")]
use sqlx::{Postgres, pool::PoolConnection};

use crate::connection::Connection;
use crate::health::WriteHealth;
use crate::row::FromAnyRow;
use crate::statement::Statement;
#[cfg(feature = "postgres")]
use crate::time_limit::limited;

/// A transaction on a connection from a [`Pool`](crate::Pool). If you drop the transaction before you
/// [commit](Self::commit) it, it is rolled back.
#[derive(Debug)]
pub struct Transaction {
    inner: Inner,
    health: WriteHealth,
}

#[derive(Debug)]
enum Inner {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(PgTransaction),
    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    None(std::convert::Infallible),
}

impl Transaction {
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite(transaction: sqlx::Transaction<'static, Sqlite>, health: WriteHealth) -> Self {
        Self { inner: Inner::Sqlite(transaction), health }
    }

    #[cfg(feature = "postgres")]
    pub(crate) async fn begin_postgres(
        connection: PoolConnection<Postgres>,
        health: WriteHealth,
    ) -> Result<Self, sqlx::Error> {
        let mut transaction = PgTransaction { connection, committed: false };
        transaction.run("BEGIN").await?;
        Ok(Self { inner: Inner::Postgres(transaction), health })
    }

    /// Returns the connection that the transaction runs on.
    pub fn connection(&mut self) -> Connection<'_> {
        let connection: Connection<'_> = match &mut self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(transaction) => Connection::from(&mut **transaction),
            #[cfg(feature = "postgres")]
            Inner::Postgres(transaction) => Connection::from(&mut *transaction.connection),
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match *never {},
        };
        connection.noting(&self.health)
    }

    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// The database failed or rejected the statement.
    pub async fn fetch<R: FromAnyRow>(&mut self, statement: Statement<'_>) -> Result<Vec<R>, sqlx::Error> {
        self.connection().fetch(statement).await
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// The database failed or rejected the statement.
    pub async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        self.connection().execute(statement).await
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// Returns an error if the database failed. Even then, the transaction might have been committed.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        let health = self.health.clone();
        let result = self.run_commit().await;
        health.note(&result);
        if result.is_ok() {
            health.recovered();
        }
        result
    }

    async fn run_commit(self) -> Result<(), sqlx::Error> {
        match self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(transaction) => transaction.commit().await,
            #[cfg(feature = "postgres")]
            Inner::Postgres(mut transaction) => {
                transaction.run("COMMIT").await?;
                transaction.committed = true;
                Ok(())
            }
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never) => match never {},
        }
    }
}

/// A connection from the pool, with an open transaction.
///
/// If this value is dropped before the commit, the connection is closed, and the server rolls the transaction back. If
/// the connection were returned to the pool instead, the pool would wait for the server, which might no longer respond.
#[cfg(feature = "postgres")]
#[derive(Debug)]
struct PgTransaction {
    connection: PoolConnection<Postgres>,
    committed: bool,
}

#[cfg(feature = "postgres")]
impl PgTransaction {
    async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        limited(sqlx::raw_sql(sql).execute(&mut *self.connection)).await.map(drop)
    }
}

#[cfg(feature = "postgres")]
impl Drop for PgTransaction {
    fn drop(&mut self) {
        if !self.committed {
            self.connection.close_on_drop();
        }
    }
}
