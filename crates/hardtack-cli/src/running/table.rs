//! The table `hardtack_settings`.

use std::time::Duration;

use hardtack::BackendError;
use hardtack_db::{Component, Migration, Pool, Statement};
use hardtack_sqlx::Database;

use crate::error::Error;

/// The table `hardtack_settings`.
pub(crate) const SETTINGS: Component<'static> = Component::new("settings", MIGRATIONS);

const MIGRATIONS: &[Migration] =
    &[Migration::new(1, "CREATE TABLE hardtack_settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")];

/// How often a server renews its rows.
pub(super) const RENEWAL: Duration = Duration::from_secs(10);

/// If a server's row is older than this number of seconds, the server is considered stopped.
pub(crate) const LAPSE: u64 = 60;

/// If a server's row is older than this number of seconds, the server has probably been killed. Servers renew their
/// rows every 10 seconds, and the remaining 5 seconds allow for a slow database.
pub(super) const RECENT: i64 = 15;

/// The row of a running server. The row's value is a time, a space and a string.
pub(super) struct ServerRow {
    pub(super) name: String,
    /// When the server last renewed the row, in seconds since 1970.
    pub(super) renewed_at: i64,
    pub(super) text: String,
}

/// The table `hardtack_settings` in an open database.
pub(super) struct Table(Pool);

impl Table {
    /// Returns the table in a database whose tables are up to date.
    pub(super) fn of(database: &Database) -> Self {
        Self(Pool::from(database.clone()))
    }

    /// Returns the table in a database whose tables may be missing or outdated. Returns `None` if the table does not
    /// exist, or if another program has created it.
    pub(super) async fn find(database: &Database) -> Result<Option<Self>, Error> {
        let pool = Pool::from(database.clone());
        let exists = pool.is_migrated(SETTINGS).await.map_err(failed)?;
        Ok(exists.then_some(Self(pool)))
    }

    /// Returns the current time by the database's clock, in seconds since 1970.
    pub(super) async fn now(&self) -> Result<i64, Error> {
        self.0.unix_time().await.map_err(failed)
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<String>, Error> {
        let statement = Statement::new("SELECT value FROM hardtack_settings WHERE name = $1").bind(name);
        let rows: Vec<(String,)> = self.0.fetch(statement).await.map_err(failed)?;
        Ok(rows.into_iter().next().map(|(value,)| value))
    }

    /// Inserts or replaces a row.
    pub(super) async fn set(&self, name: &str, value: &str) -> Result<(), Error> {
        // `RETURNING` makes this statement a query. The health check ignores the success of queries, because a query
        // does not prove that the database accepts writes again.
        let sql = "INSERT INTO hardtack_settings (name, value) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING name";
        let statement = Statement::new(sql).bind(name).bind(value);
        let written: Result<Vec<(String,)>, _> = self.0.fetch(statement).await;
        written.map(drop).map_err(failed)
    }

    /// Replaces a row's value if the value is still `old`. If `old` is `None`, inserts the row unless a row with this
    /// name already exists.
    pub(super) async fn replace(&self, name: &str, old: Option<&str>, new: &str) -> Result<(), Error> {
        let statement = match old {
            Some(old) => {
                let sql = "UPDATE hardtack_settings SET value = $2 WHERE name = $1 AND value = $3 RETURNING name";
                Statement::new(sql).bind(name).bind(new).bind(old)
            }
            None => {
                let sql = "INSERT INTO hardtack_settings (name, value) VALUES ($1, $2)
                    ON CONFLICT (name) DO NOTHING RETURNING name";
                Statement::new(sql).bind(name).bind(new)
            }
        };
        let written: Result<Vec<(String,)>, _> = self.0.fetch(statement).await;
        written.map(drop).map_err(failed)
    }

    /// Returns the names and values of the rows whose names begin with `prefix`.
    pub(super) async fn rows(&self, prefix: &str) -> Result<Vec<(String, String)>, Error> {
        let statement = Statement::new("SELECT name, value FROM hardtack_settings WHERE name LIKE $1 ORDER BY name");
        self.0.fetch(statement.bind(format!("{prefix}%"))).await.map_err(failed)
    }

    /// Deletes a row if it has this value.
    pub(super) async fn delete_value(&self, name: &str, value: &str) -> Result<(), Error> {
        let statement = Statement::new("DELETE FROM hardtack_settings WHERE name = $1 AND value = $2");
        let statement = statement.bind(name).bind(value);
        self.0.execute(statement).await.map(drop).map_err(failed)
    }

    pub(super) async fn delete(&self, name: &str) -> Result<(), Error> {
        let statement = Statement::new("DELETE FROM hardtack_settings WHERE name = $1").bind(name);
        self.0.execute(statement).await.map(drop).map_err(failed)
    }

    /// Returns the rows whose names begin with `prefix` and whose servers are running. Deletes the rows of servers that
    /// are no longer running.
    pub(super) async fn of_running_servers(&self, prefix: &str) -> Result<Vec<ServerRow>, Error> {
        let now = self.now().await?;
        let mut found = Vec::new();
        for (name, value) in self.rows(prefix).await? {
            let (time, text) = value.split_once(' ').unwrap_or_default();
            match time.parse() {
                Ok(renewed_at) if now.abs_diff(renewed_at) <= LAPSE => {
                    found.push(ServerRow { name, renewed_at, text: text.to_owned() });
                }
                _ => self.delete(&name).await?,
            }
        }
        Ok(found)
    }

    /// Returns the rows whose names begin with `prefix` and whose servers have renewed them recently. If a server is
    /// killed, it disappears from this list sooner than from the list that [`Self::of_running_servers`] returns.
    pub(super) async fn of_recent_servers(&self, prefix: &str) -> Result<Vec<ServerRow>, Error> {
        let after = self.now().await? - RECENT;
        let mut rows = self.of_running_servers(prefix).await?;
        rows.retain(|row| row.renewed_at > after);
        Ok(rows)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::database(&BackendError::new(error))
}
