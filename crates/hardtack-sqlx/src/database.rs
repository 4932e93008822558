//! The connections to a database, of whichever kind it is.

#[cfg(feature = "postgres")]
use std::time::Duration;

#[cfg(feature = "postgres")]
use sqlx::{PgPool, Postgres, pool::PoolConnection};
#[cfg(feature = "sqlite")]
use sqlx::{Sqlite, SqlitePool};

use crate::{Columns, DatabaseUrl, MigrateError, Migration, OpenError, Sessions, Statement, Value, migrate};

/// How long PostgreSQL may take over a statement before the connection is given up: a server that
/// vanished without a word would be waited for until TCP loses patience, a quarter of an hour later.
#[cfg(feature = "postgres")]
const PATIENCE: Duration = Duration::from_secs(5);

/// A database with its connections, shared by its clones: sessions, accounts and an application's own
/// tables can all be in one.
///
/// ```
/// use hardtack_sqlx::{Database, Migration, Statement};
///
/// const NOTES: &[Migration] = &[Migration::new(1, "CREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT NOT NULL)")];
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let url = format!("sqlite:{}", directory.path().join("app.db").display());
/// // Or postgres://user:password@host/database.
/// let database = Database::open(&url).await?;
/// database.migrate("notes", NOTES).await?;
/// database.execute(Statement::new("INSERT INTO notes VALUES ($1, $2)").bind(1_i64).bind("first")).await?;
/// let notes: Vec<(i64, String)> = database.fetch(Statement::new("SELECT id, body FROM notes")).await?;
/// assert_eq!(notes, [(1, "first".to_owned())]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Database(pub(crate) Pool);

#[derive(Clone, Debug)]
pub(crate) enum Pool {
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
}

#[cfg(feature = "sqlite")]
impl From<SqlitePool> for Database {
    fn from(pool: SqlitePool) -> Self {
        Self(Pool::Sqlite(pool))
    }
}

#[cfg(feature = "postgres")]
impl From<PgPool> for Database {
    fn from(pool: PgPool) -> Self {
        Self(Pool::Postgres(pool))
    }
}

/// Gives a query of either database the values of a statement.
macro_rules! with_values {
    ($query:expr, $statement:expr) => {
        $statement.values.into_iter().fold($query, |query, value| match value {
            Value::Bool(value) => query.bind(value),
            Value::Integer(value) => query.bind(value),
            Value::Text(value) => query.bind(value.map(String::from)),
            Value::Bytes(value) => query.bind(value.into_owned()),
        })
    };
}

impl Database {
    /// Opens the database that a URL names; see [`DatabaseUrl`]. No tables are made.
    ///
    /// # Errors
    /// The URL is none, or the database cannot be reached or opened.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        url.parse::<DatabaseUrl>()?.open().await
    }

    /// Brings a component's tables up to date; answers how many steps that took.
    ///
    /// All steps are one transaction, and processes that start at once wait for each other: each step
    /// runs once, and a failed one leaves the database as it was.
    ///
    /// # Errors
    /// The tables are newer than the newest migration, the list is out of order, or the database failed.
    pub async fn migrate(&self, component: &str, migrations: &[Migration]) -> Result<usize, MigrateError> {
        migrate::run(self, component, migrations).await
    }

    /// The sessions in this database. Call [`Sessions::migrate`] before their first use.
    pub fn sessions(&self) -> Sessions<Self> {
        Sessions::from_pool(self.clone())
    }

    /// Runs a statement and answers its rows. When this returns, what the statement changed is committed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn fetch<C: Columns>(&self, statement: Statement<'_>) -> Result<Vec<C>, sqlx::Error> {
        // Read to its end (`fetch_all`), never to its first row only: a statement that changes rows and
        // answers them is committed at its end, and only so does a commit that fails reach the caller.
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool) => {
                with_values!(sqlx::query_as::<Sqlite, C>(statement.sql), statement).fetch_all(pool).await
            }
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                let query = with_values!(sqlx::query_as::<Postgres, C>(statement.sql), statement);
                let done = patiently(query.fetch_all(&mut *connection)).await;
                give_up_if_silent(connection, done)
            }
        }
    }

    /// Runs a statement and answers how many rows it changed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn execute(&self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool) => {
                let query = with_values!(sqlx::query::<Sqlite>(statement.sql), statement);
                Ok(query.execute(pool).await?.rows_affected())
            }
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                let query = with_values!(sqlx::query::<Postgres>(statement.sql), statement);
                let done = patiently(query.execute(&mut *connection)).await;
                Ok(give_up_if_silent(connection, done)?.rows_affected())
            }
        }
    }

    /// Begins a transaction that writes. It is undone unless it is [committed](Transaction::commit).
    ///
    /// # Errors
    /// The database failed.
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        Ok(Transaction(match &self.0 {
            // IMMEDIATE: a transaction that begins as a reader may find that it cannot become a writer.
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool) => Begun::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => {
                let mut begun = Unfinished(Some(pool.acquire().await?));
                begun.run("BEGIN").await?;
                Begun::Postgres(begun)
            }
        }))
    }

    /// Closes the connections, once those who use one are done with it. Clones fail from then on.
    pub async fn close(&self) {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool) => pool.close().await,
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => pool.close().await,
        }
    }

    /// The one of two texts that is meant for this kind of database.
    #[cfg_attr(not(all(feature = "sqlite", feature = "postgres")), expect(unused_variables, reason = "there is one"))]
    pub(crate) fn choose<T>(&self, sqlite: T, postgres: T) -> T {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => sqlite,
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => postgres,
        }
    }
}

/// A transaction of a [`Database`]. Dropped without [`Self::commit`], it never was.
#[derive(Debug)]
pub struct Transaction(Begun);

#[derive(Debug)]
enum Begun {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Unfinished),
}

impl Transaction {
    /// Runs a statement and answers its rows.
    ///
    /// # Errors
    /// The database failed.
    pub async fn fetch<C: Columns>(&mut self, statement: Statement<'_>) -> Result<Vec<C>, sqlx::Error> {
        match &mut self.0 {
            #[cfg(feature = "sqlite")]
            Begun::Sqlite(transaction) => {
                let query = with_values!(sqlx::query_as::<Sqlite, C>(statement.sql), statement);
                query.fetch_all(&mut **transaction).await
            }
            #[cfg(feature = "postgres")]
            Begun::Postgres(begun) => {
                let query = with_values!(sqlx::query_as::<Postgres, C>(statement.sql), statement);
                patiently(query.fetch_all(&mut **begun.connection()?)).await
            }
        }
    }

    /// Runs a statement and answers how many rows it changed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        match &mut self.0 {
            #[cfg(feature = "sqlite")]
            Begun::Sqlite(transaction) => {
                let query = with_values!(sqlx::query::<Sqlite>(statement.sql), statement);
                Ok(query.execute(&mut **transaction).await?.rows_affected())
            }
            #[cfg(feature = "postgres")]
            Begun::Postgres(begun) => {
                let query = with_values!(sqlx::query::<Postgres>(statement.sql), statement);
                Ok(patiently(query.execute(&mut **begun.connection()?)).await?.rows_affected())
            }
        }
    }

    /// Runs SQL of any number of statements without values, for as long as it takes.
    pub(crate) async fn run_script(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match &mut self.0 {
            #[cfg(feature = "sqlite")]
            Begun::Sqlite(transaction) => sqlx::raw_sql(sql).execute(&mut **transaction).await.map(drop),
            #[cfg(feature = "postgres")]
            Begun::Postgres(begun) => sqlx::raw_sql(sql).execute(&mut **begun.connection()?).await.map(drop),
        }
    }

    /// Makes it all happen.
    ///
    /// # Errors
    /// The database failed; whether the transaction has happened is then not known.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        match self.0 {
            #[cfg(feature = "sqlite")]
            Begun::Sqlite(transaction) => transaction.commit().await,
            #[cfg(feature = "postgres")]
            Begun::Postgres(mut begun) => {
                begun.run("COMMIT").await?;
                // Done: the connection goes back to the others.
                begun.0 = None;
                Ok(())
            }
        }
    }
}

/// A connection in a transaction. Unless it gets to the end it is closed, which undoes the transaction,
/// however silent the server is: giving it back would first wait for an answer.
#[cfg(feature = "postgres")]
#[derive(Debug)]
struct Unfinished(Option<PoolConnection<Postgres>>);

#[cfg(feature = "postgres")]
impl Unfinished {
    fn connection(&mut self) -> Result<&mut PoolConnection<Postgres>, sqlx::Error> {
        self.0.as_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        patiently(sqlx::raw_sql(sql).execute(&mut **self.connection()?)).await.map(drop)
    }
}

#[cfg(feature = "postgres")]
impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

/// Waits for an answer, but not for ever.
#[cfg(feature = "postgres")]
async fn patiently<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => {
            let text = format!("PostgreSQL has not answered for {} s", PATIENCE.as_secs());
            Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, text)))
        }
    }
}

/// Closes the connection of a server that has fallen silent.
#[cfg(feature = "postgres")]
fn give_up_if_silent<T>(
    mut connection: PoolConnection<Postgres>,
    done: Result<T, sqlx::Error>,
) -> Result<T, sqlx::Error> {
    if matches!(&done, Err(sqlx::Error::Io(error)) if error.kind() == std::io::ErrorKind::TimedOut) {
        connection.close_on_drop();
    }
    done
}
