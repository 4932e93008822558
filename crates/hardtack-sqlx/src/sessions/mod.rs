//! Sessions in a database.

mod ends;
#[cfg(feature = "postgres")]
mod news;
mod store;

use crate::{Database, MigrateError, Migration, OpenError};

#[cfg(feature = "postgres")]
use news::News;

/// The tables of this crate, in order.
const MIGRATIONS: &[Migration] = &[
    Migration::per_database(
        1,
        include_str!("../../migrations/sqlite/0001_sessions.sql"),
        include_str!("../../migrations/postgres/0001_sessions.sql"),
    ),
    Migration::per_database(
        2,
        include_str!("../../migrations/sqlite/0002_revocation_head.sql"),
        include_str!("../../migrations/postgres/0002_revocation_head.sql"),
    ),
    Migration::per_database(
        3,
        include_str!("../../migrations/sqlite/0003_persistent.sql"),
        include_str!("../../migrations/postgres/0003_persistent.sql"),
    ),
    Migration::per_database(
        4,
        include_str!("../../migrations/sqlite/0004_replaced.sql"),
        include_str!("../../migrations/postgres/0004_replaced.sql"),
    ),
    Migration::per_database(
        5,
        include_str!("../../migrations/sqlite/0005_outdated.sql"),
        include_str!("../../migrations/postgres/0005_outdated.sql"),
    ),
];

/// A [`SessionStore`](hardtack::session::SessionStore) in a database that is known by its `P`: an sqlx pool, or a
/// [`Database`] of either kind. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Sessions<P> {
    pool: P,
    database: Database,
    #[cfg(feature = "postgres")]
    news: News,
}

/// Sessions in an SQLite database.
#[cfg(feature = "sqlite")]
pub type SqliteSessions = Sessions<sqlx::SqlitePool>;

/// Sessions in a PostgreSQL database.
#[cfg(feature = "postgres")]
pub type PostgresSessions = Sessions<sqlx::PgPool>;

impl<P: Clone + Into<Database>> Sessions<P> {
    /// Takes connections that are open, preferably by `open_sqlite`, `open_postgres` or
    /// [`Database::open`]. Call [`Self::migrate`] before the first use.
    pub fn from_pool(pool: P) -> Self {
        Self {
            database: pool.clone().into(),
            pool,
            #[cfg(feature = "postgres")]
            news: News::default(),
        }
    }

    /// The connections, for an application's own tables.
    pub fn pool(&self) -> &P {
        &self.pool
    }

    /// Brings the tables up to date; answers how many steps that took. `open` does it.
    ///
    /// # Errors
    /// The tables are newer than this program, or the database failed.
    pub async fn migrate(&self) -> Result<usize, MigrateError> {
        self.database.migrate("sessions", MIGRATIONS).await
    }

    async fn migrated(self, database: String) -> Result<Self, OpenError> {
        match self.migrate().await {
            Ok(_) => Ok(self),
            Err(source) => Err(OpenError::Migrate { database, source }),
        }
    }
}

#[cfg(feature = "sqlite")]
impl SqliteSessions {
    /// Opens a database file, with [`open_sqlite`](crate::open_sqlite), and brings the tables up to date.
    ///
    /// # Errors
    /// The file cannot be created or opened, or is newer than this program.
    pub async fn open(path: impl AsRef<std::path::Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        Self::from_pool(crate::open_sqlite(path).await?).migrated(path.display().to_string()).await
    }

    /// Opens a database that is gone when its last clone is: for tests and demonstrations.
    ///
    /// It has one connection, so a transaction in hand keeps every other caller waiting.
    ///
    /// # Errors
    /// SQLite failed.
    pub async fn open_in_memory() -> Result<Self, OpenError> {
        Self::from_pool(crate::open::open_in_memory().await?).migrated(":memory:".into()).await
    }
}

#[cfg(feature = "postgres")]
impl PostgresSessions {
    /// Opens a database, with [`open_postgres`](crate::open_postgres), and brings the tables up to date.
    ///
    /// # Errors
    /// The URL is none, the server does not let us in, or the tables are newer than this program.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let label = url.parse::<crate::DatabaseUrl>()?.to_string();
        Self::from_pool(crate::open_postgres(url).await?).migrated(label).await
    }
}
