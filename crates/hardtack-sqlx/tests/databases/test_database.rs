//! A new database of either kind, which several pools can open as several processes would.

use std::error::Error;

use hardtack_sqlx::{Database, Sessions};
use hardtack_test_support::services::postgres;
use tempfile::TempDir;

pub(crate) struct TestDatabase {
    url: String,
    _directory: TempDir,
}

impl TestDatabase {
    /// Creates one of each kind: first SQLite, then PostgreSQL.
    pub(crate) fn both() -> [Self; 2] {
        let [sqlite, unused] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let url = format!("sqlite:{}", sqlite.path().join("app.db").display());
        [Self { url, _directory: sqlite }, Self { url: postgres::shared().database(), _directory: unused }]
    }

    /// Opens the database, without creating tables.
    pub(crate) async fn open(&self) -> Database {
        Database::open(&self.url).await.unwrap()
    }

    /// Opens the database and brings the tables of the sessions up to date.
    pub(crate) async fn sessions(&self) -> Sessions<Database> {
        let sessions = self.open().await.sessions();
        sessions.migrate().await.unwrap();
        sessions
    }
}

/// Returns an error's sentence and its causes.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let text = error.to_string();
    match error.source().map(with_causes) {
        Some(cause) if !text.ends_with(&cause) => format!("{text}: {cause}"),
        _ => text,
    }
}
