//! Sessions in a database.

mod claims_in_transaction;
mod clock;
mod in_transaction;
#[cfg(feature = "postgres")]
mod listen;
mod locking;
mod revoke;
mod store;

use hardtack::clock::Clock;
use hardtack_db::{MigrateError, Pool};

use self::clock::SharedClock;
#[cfg(feature = "postgres")]
use self::listen::RevocationListener;
use crate::database::Database;
use crate::error::OpenError;
use crate::open;
use crate::schema::{SESSIONS, THROTTLE};

/// A [`SessionStore`](hardtack::session::SessionStore) that keeps sessions in an SQLite or PostgreSQL database.
///
/// `P` is the type that the store was created from: an sqlx pool or a [`Database`]. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Sessions<P> {
    handle: P,
    pool: Pool,
    clock: SharedClock,
    #[cfg(feature = "postgres")]
    listener: RevocationListener,
}

/// Sessions in an SQLite database.
#[cfg(feature = "sqlite")]
pub type SqliteSessions = Sessions<sqlx::SqlitePool>;

/// Sessions in a PostgreSQL database.
#[cfg(feature = "postgres")]
pub type PostgresSessions = Sessions<sqlx::PgPool>;

impl<P: Clone + Into<Database>> Sessions<P> {
    /// Creates a store in a database that is already open. Call [`Self::migrate`] before the first use.
    ///
    /// Open the database with `open_sqlite`, `open_postgres` or [`Database::open`]. These functions turn on the
    /// settings that Hardtack relies on, such as durable commits and time limits. They return sqlx 0.9 pools. A pool
    /// from a different version of sqlx is a different type, so code that passes one to this function does not compile.
    pub fn from_pool(pool: P) -> Self {
        Self {
            pool: pool.clone().into().into(),
            handle: pool,
            clock: SharedClock::default(),
            #[cfg(feature = "postgres")]
            listener: RevocationListener::default(),
        }
    }

    /// Sets the clock, for tests. The store uses this clock only for changes in the application's own transactions,
    /// such as those of [`end_all_in`](SqliteSessions::end_all_in). For all other changes, it uses the time from the
    /// authenticator's clock. The default is [`SystemClock`](hardtack::clock::SystemClock).
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        Self { clock: SharedClock::new(clock), ..self }
    }

    /// Returns the pool that the store was created from, for queries on your own tables.
    pub fn pool(&self) -> &P {
        &self.handle
    }

    /// Creates or upgrades the tables, including the one for [`Self::throttle`], and returns how many migrations were
    /// applied. `SqliteSessions::open` and `PostgresSessions::open` call this method themselves.
    ///
    /// # Errors
    /// Returns an error if the tables are newer than this program, or if the database failed.
    pub async fn migrate(&self) -> Result<usize, MigrateError> {
        Ok(self.pool.migrate_all(&[SESSIONS, THROTTLE]).await?.iter().sum())
    }

    async fn migrated(self, database: String) -> Result<Self, OpenError> {
        match self.migrate().await {
            Ok(_) => Ok(self),
            Err(source) => Err(OpenError::Migrate { database, source }),
        }
    }
}

impl Database {
    /// Returns a store for the sessions in this database. Call [`Sessions::migrate`] before its first use.
    pub fn sessions(&self) -> Sessions<Self> {
        Sessions::from_pool(self.clone())
    }
}

#[cfg(feature = "sqlite")]
impl SqliteSessions {
    /// Opens a database file with [`open_sqlite`](crate::open_sqlite), and creates or upgrades the tables. If the file
    /// does not exist, it is created. `path` can also be a URL, such as `sqlite:app.db`.
    ///
    /// # Errors
    /// Returns an error if [`open_sqlite`](crate::open_sqlite) does, or if the tables cannot be created or upgraded,
    /// for example because they are newer than this program.
    pub async fn open(path: impl AsRef<std::path::Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        Self::from_pool(open::open_sqlite(path).await?).migrated(path.display().to_string()).await
    }

    /// Opens an in-memory database for tests and demonstrations. The database lives until the last clone of this value
    /// is dropped.
    ///
    /// The pool has only one connection, so an open transaction makes all other callers wait.
    ///
    /// # Errors
    /// SQLite failed.
    pub async fn open_in_memory() -> Result<Self, OpenError> {
        Self::from_pool(open::open_in_memory().await?).migrated(":memory:".into()).await
    }
}

#[cfg(feature = "postgres")]
impl PostgresSessions {
    /// Opens a database with [`open_postgres`](crate::open_postgres), and creates or upgrades the tables. See
    /// [`DatabaseUrl`](crate::DatabaseUrl) for the format of the URL.
    ///
    /// # Errors
    /// Returns an error if [`open_postgres`](crate::open_postgres) does, or if the tables cannot be created or
    /// upgraded, for example because they are newer than this program.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let label = url.parse::<open::DatabaseUrl>()?.to_string();
        Self::from_pool(open::open_postgres(url).await?).migrated(label).await
    }
}
