//! A new database of either kind, which several pools can open as several processes would.

use hardtack_sqlx::{Database, Sessions};
use hardtack_test_support::services::postgres;
use tempfile::TempDir;

pub(crate) struct Place {
    url: String,
    _files: TempDir,
}

impl Place {
    /// One of each kind.
    pub(crate) fn both() -> [Self; 2] {
        let files = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let urls = [format!("sqlite:{}", files[0].path().join("app.db").display()), postgres::shared().database()];
        let mut urls = urls.into_iter();
        files.map(|files| Self { url: urls.next().unwrap(), _files: files })
    }

    /// The database, without its tables.
    pub(crate) async fn open(&self) -> Database {
        Database::open(&self.url).await.unwrap()
    }

    pub(crate) async fn sessions(&self) -> Sessions<Database> {
        let sessions = self.open().await.sessions();
        sessions.migrate().await.unwrap();
        sessions
    }
}
