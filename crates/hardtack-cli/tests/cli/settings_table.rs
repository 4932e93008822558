//! The table in which the servers record where they keep their sessions.

use hardtack_db::{Pool, Statement};
use hardtack_sqlx::Database;

use crate::support::TestDir;

/// The table in which the servers record where they keep their sessions.
pub(crate) struct Settings(Pool);

impl Settings {
    pub(crate) async fn open(url: &str) -> Self {
        Self(Pool::from(Database::open(url).await.unwrap()))
    }

    /// The database in the data folder.
    pub(crate) async fn of(dir: &TestDir) -> Self {
        Self::open(&format!("sqlite:{}", dir.path("hardtack-data/hardtack.db").display())).await
    }

    /// The rows whose names begin with `prefix`, in the order of their names.
    pub(crate) async fn rows(&self, prefix: &str) -> Vec<(String, String)> {
        let sql = "SELECT name, value FROM hardtack_settings WHERE name LIKE $1 ORDER BY name";
        self.0.fetch(Statement::new(sql).bind(format!("{prefix}%"))).await.unwrap()
    }

    /// Replaces the values of the rows whose names begin with `prefix`.
    pub(crate) async fn set(&self, prefix: &str, value: &str) {
        let sql = "UPDATE hardtack_settings SET value = $2 WHERE name LIKE $1";
        assert!(self.0.execute(Statement::new(sql).bind(format!("{prefix}%")).bind(value)).await.unwrap() > 0);
    }

    /// The marks of stores that were left.
    pub(crate) async fn marks(&self) -> Vec<(String, String)> {
        self.rows("session_store_left:").await
    }

    /// The id of the Redis in which the servers keep their sessions.
    pub(crate) async fn redis_id(&self) -> String {
        let place = self.rows("session_place").await.remove(0);
        assert_eq!(place.0, "session_place");
        place.1.split(' ').nth(1).unwrap().to_owned()
    }

    /// Makes the numbers that Redis has returned look a minute older than they are.
    pub(crate) async fn let_a_minute_pass(&self) {
        let rows = self.rows("session_count:").await;
        assert!(!rows.is_empty());
        for (name, numbers) in rows {
            let older = numbers.split(' ').map(|entry| {
                let (number, time) = entry.split_once('@').unwrap();
                format!("{number}@{}", time.parse::<i64>().unwrap() - 60)
            });
            let older = older.collect::<Vec<_>>().join(" ");
            let sql = "UPDATE hardtack_settings SET value = $2 WHERE name = $1";
            assert_eq!(self.0.execute(Statement::new(sql).bind(name).bind(older)).await.unwrap(), 1);
        }
    }
}
