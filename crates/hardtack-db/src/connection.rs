//! A connection that runs statements.

#[cfg(feature = "postgres")]
use sqlx::{PgConnection, Postgres};
#[cfg(feature = "sqlite")]
use sqlx::{Sqlite, SqliteConnection};

use crate::health::WriteHealth;
use crate::row::FromAnyRow;
use crate::statement::Statement;
#[cfg(feature = "postgres")]
use crate::time_limit::limited;
use crate::value::Value;

/// A borrowed connection to an SQLite or PostgreSQL database. If the connection is in a transaction, its statements are
/// part of that transaction.
#[derive(Debug)]
pub struct Connection<'c> {
    inner: Inner<'c>,
    /// Where failed writes are recorded. `None` if the connection is not from a pool.
    health: Option<&'c WriteHealth>,
}

#[derive(Debug)]
enum Inner<'c> {
    #[cfg(feature = "sqlite")]
    Sqlite(&'c mut SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(&'c mut PgConnection),
    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    None(std::convert::Infallible, std::marker::PhantomData<&'c mut ()>),
}

#[cfg(feature = "sqlite")]
impl<'c> From<&'c mut SqliteConnection> for Connection<'c> {
    fn from(connection: &'c mut SqliteConnection) -> Self {
        Self { inner: Inner::Sqlite(connection), health: None }
    }
}

#[cfg(feature = "postgres")]
impl<'c> From<&'c mut PgConnection> for Connection<'c> {
    fn from(connection: &'c mut PgConnection) -> Self {
        Self { inner: Inner::Postgres(connection), health: None }
    }
}

/// Binds a statement's values to an sqlx query for either database.
macro_rules! bind_all {
    ($query:expr, $values:expr) => {
        $values.into_iter().fold($query, |query, value| match value {
            Value::Bool(value) => query.bind(value),
            Value::Integer(value) => query.bind(value),
            Value::Text(value) => query.bind(value.map(String::from)),
            Value::Bytes(value) => query.bind(value.into_owned()),
        })
    };
}

impl<'c> Connection<'c> {
    /// Records failed writes in `health`.
    pub(crate) fn noting(self, health: &'c WriteHealth) -> Self {
        Self { health: Some(health), ..self }
    }

    /// Returns whether the database is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        match &self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Inner::Postgres(_) => true,
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never, _) => match *never {},
        }
    }

    /// Runs a statement and returns the rows that it produces. Outside a transaction, the statement's changes are
    /// committed when this method returns.
    ///
    /// # Errors
    /// The database failed.
    pub async fn fetch<R: FromAnyRow>(&mut self, statement: Statement<'_>) -> Result<Vec<R>, sqlx::Error> {
        let result = self.fetch_rows(statement).await;
        if let Some(health) = self.health {
            health.note(&result);
        }
        result
    }

    async fn fetch_rows<R: FromAnyRow>(&mut self, statement: Statement<'_>) -> Result<Vec<R>, sqlx::Error> {
        // Read all rows, even if the caller needs only one. A statement that changes and returns rows commits after the
        // last row, and only then does the database report a failed commit.
        match &mut self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(connection) => {
                let (sql, values) = statement.for_sqlite();
                bind_all!(sqlx::query_as::<Sqlite, R>(sql), values).fetch_all(&mut **connection).await
            }
            #[cfg(feature = "postgres")]
            Inner::Postgres(connection) => {
                let (sql, values) = statement.for_postgres();
                limited(bind_all!(sqlx::query_as::<Postgres, R>(sql), values).fetch_all(&mut **connection)).await
            }
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never, _) => match *never {},
        }
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        let result = self.run(statement).await;
        if let Some(health) = self.health {
            health.note(&result);
        }
        result
    }

    async fn run(&mut self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        match &mut self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(connection) => {
                let (sql, values) = statement.for_sqlite();
                Ok(bind_all!(sqlx::query::<Sqlite>(sql), values).execute(&mut **connection).await?.rows_affected())
            }
            #[cfg(feature = "postgres")]
            Inner::Postgres(connection) => {
                let (sql, values) = statement.for_postgres();
                let done = limited(bind_all!(sqlx::query::<Postgres>(sql), values).execute(&mut **connection)).await?;
                Ok(done.rows_affected())
            }
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never, _) => match *never {},
        }
    }

    /// Runs a script that consists of any number of statements. The script cannot contain placeholders, and has no time
    /// limit. An empty script does nothing.
    pub(crate) async fn run_script(&mut self, sqlite: &'static str, postgres: &'static str) -> Result<(), sqlx::Error> {
        match &mut self.inner {
            #[cfg(feature = "sqlite")]
            Inner::Sqlite(connection) => sqlx::raw_sql(sqlite).execute(&mut **connection).await.map(drop),
            #[cfg(feature = "postgres")]
            Inner::Postgres(connection) => sqlx::raw_sql(postgres).execute(&mut **connection).await.map(drop),
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Inner::None(never, _) => match *never {},
        }
    }
}
