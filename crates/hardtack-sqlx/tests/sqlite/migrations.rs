//! Versions, a component at a time.

use hardtack_sqlx::{MigrateError, Migration, SqliteSessions, migrate, open_sqlite};
use sqlx::SqlitePool;
use tokio::task::JoinSet;

const NOTES: &[Migration] = &[
    Migration::new(1, "CREATE TABLE notes (body TEXT NOT NULL); INSERT INTO notes VALUES ('first; last')"),
    Migration::new(2, "ALTER TABLE notes ADD COLUMN title TEXT"),
];

async fn versions(pool: &SqlitePool) -> Vec<(String, i64)> {
    let sql = "SELECT component, version FROM hardtack_migrations ORDER BY component, version";
    sqlx::query_as(sql).fetch_all(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_migrate_once() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let path = directory.path().join(format!("{round}.db"));
        let mut starts = JoinSet::new();
        for _ in 0..4 {
            let path = path.clone();
            starts.spawn(async move {
                let sessions = SqliteSessions::open(path).await.unwrap();
                migrate(sessions.pool(), "notes", NOTES).await.unwrap()
            });
        }
        assert_eq!(starts.join_all().await.iter().sum::<usize>(), 2);
        let pool = open_sqlite(&path).await.unwrap();
        let expected = [("notes", 1), ("notes", 2), ("sessions", 1), ("sessions", 2)]
            .map(|(name, version)| (name.into(), version));
        assert_eq!(versions(&pool).await, expected);
    }
}

#[tokio::test]
async fn a_newer_database_is_refused_by_both_versions() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let sessions = SqliteSessions::open(&path).await.unwrap();
    let newer = "INSERT INTO hardtack_migrations (component, version, applied_at) VALUES ('sessions', 7, 0)";
    sqlx::query(newer).execute(sessions.pool()).await.unwrap();

    let error = sessions.migrate().await.unwrap_err();
    assert!(matches!(&error, MigrateError::Newer { component, found: 7, known: 2 } if component == "sessions"));
    let text = SqliteSessions::open(&path).await.unwrap_err().to_string();
    assert_eq!(
        text,
        format!(
            "cannot prepare the database {}: the tables of `sessions` are at version 7, this program knows versions \
             up to 2; run a newer program, or restore a database from before the upgrade",
            path.display()
        )
    );
    assert_eq!(migrate(sessions.pool(), "notes", NOTES).await.unwrap(), 2, "another component is not concerned");
}

#[tokio::test]
async fn a_step_that_fails_leaves_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    let pool = open_sqlite(directory.path().join("app.db")).await.unwrap();
    let broken = [NOTES[0], Migration::new(2, "CREATE TABLE more (id INTEGER); ALTER TABLE nothing RENAME TO none")];
    let error = migrate(&pool, "notes", &broken).await.unwrap_err();
    assert!(error.to_string().starts_with("migration 2 of `notes` failed: "), "{error}");
    assert_eq!(migrate(&pool, "notes", NOTES).await.unwrap(), 2);
    let body: String = sqlx::query_scalar("SELECT body FROM notes").fetch_one(&pool).await.unwrap();
    assert_eq!(body, "first; last");
}

#[tokio::test]
async fn an_upgrade_takes_the_missing_steps() {
    let directory = tempfile::tempdir().unwrap();
    let pool = open_sqlite(directory.path().join("app.db")).await.unwrap();
    assert_eq!(migrate(&pool, "notes", &NOTES[..1]).await.unwrap(), 1);
    assert_eq!(migrate(&pool, "notes", NOTES).await.unwrap(), 1);
    assert_eq!(migrate(&pool, "notes", NOTES).await.unwrap(), 0);
}

#[tokio::test]
async fn steps_out_of_order_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let pool = open_sqlite(directory.path().join("app.db")).await.unwrap();
    let error = migrate(&pool, "notes", &[NOTES[1], NOTES[0]]).await.unwrap_err();
    assert_eq!(error.to_string(), "migration 1 of `notes` is out of order; versions begin at 1 and grow");
    let error = migrate(&pool, "notes", &[Migration::new(0, "")]).await.unwrap_err();
    assert_eq!(error.to_string(), "migration 0 of `notes` is out of order; versions begin at 1 and grow");
}
