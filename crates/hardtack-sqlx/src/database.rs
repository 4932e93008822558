//! An open SQLite or PostgreSQL database.

use hardtack_db::Pool;
#[cfg(feature = "postgres")]
use sqlx::PgPool;
#[cfg(feature = "sqlite")]
use sqlx::SqlitePool;

use crate::error::OpenError;
use crate::open::{self, DatabaseUrl, Location};

/// A pool of connections to an SQLite or PostgreSQL database. The URL's scheme selects the kind of database. Clones
/// share the connections.
///
/// ```no_run
/// use hardtack_sqlx::Database;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let database = Database::open("sqlite:app.db").await?; // or postgres://user:password@host/database
/// let sessions = database.sessions();
/// sessions.migrate().await?;
/// # Ok(())
/// # }
/// ```
///
/// If you also want to query your own tables, open an sqlx pool with `open_sqlite` or `open_postgres` instead, and
/// convert a clone of that pool with `Database::from`.
#[derive(Clone, Debug)]
pub struct Database(Pool);

impl Database {
    /// Opens the database at a URL, but creates no tables. See [`DatabaseUrl`] for the format of the URL.
    ///
    /// # Errors
    /// Returns an error if the URL is not valid, or if the database cannot be reached or opened.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        url.parse::<DatabaseUrl>()?.open().await
    }

    /// Closes all connections, after waiting for those in use to return to the pool. New queries fail immediately, even
    /// on a clone.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

impl DatabaseUrl {
    /// Opens the database, but creates no tables.
    ///
    /// # Errors
    /// The database cannot be reached or opened.
    pub async fn open(&self) -> Result<Database, OpenError> {
        match self.location() {
            #[cfg(feature = "sqlite")]
            Location::Memory => open::open_in_memory().await.map(Database::from),
            #[cfg(feature = "sqlite")]
            Location::File(path) => open::open_file(path).await.map(Database::from),
            #[cfg(feature = "postgres")]
            Location::Server(options) => open::connect(options).await.map(Database::from),
            #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
            Location::None(never) => match *never {},
        }
    }
}

#[cfg(feature = "sqlite")]
impl From<SqlitePool> for Database {
    fn from(pool: SqlitePool) -> Self {
        Self(pool.into())
    }
}

#[cfg(feature = "postgres")]
impl From<PgPool> for Database {
    fn from(pool: PgPool) -> Self {
        Self(pool.into())
    }
}

/// For Hardtack's own crates, which query SQLite and PostgreSQL through `hardtack-db`.
#[doc(hidden)]
impl From<Database> for Pool {
    fn from(database: Database) -> Self {
        database.0
    }
}
