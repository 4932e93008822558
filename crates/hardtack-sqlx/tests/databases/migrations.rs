//! Versions, a component at a time.

use hardtack_sqlx::{Database, MigrateError, Migration, Statement};
use tokio::task::JoinSet;

use crate::place::Place;

const NOTES: &[Migration] = &[
    Migration::new(1, "CREATE TABLE notes (body TEXT NOT NULL); INSERT INTO notes VALUES ('first; last')"),
    Migration::new(2, "ALTER TABLE notes ADD COLUMN title TEXT"),
];

async fn versions(database: &Database) -> Vec<(String, i64)> {
    let sql = "SELECT component, version FROM hardtack_migrations ORDER BY component, version";
    database.fetch(Statement::new(sql)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_migrate_once() {
    for _ in 0..5 {
        for place in Place::both() {
            let mut starts = JoinSet::new();
            let place = std::sync::Arc::new(place);
            for _ in 0..4 {
                let place = place.clone();
                starts.spawn(async move { place.sessions().await.pool().migrate("notes", NOTES).await.unwrap() });
            }
            assert_eq!(starts.join_all().await.iter().sum::<usize>(), 2);
            let notes = [1, 2].map(|version| ("notes".to_owned(), version));
            let sessions = [1, 2, 3, 4, 5].map(|version| ("sessions".to_owned(), version));
            assert_eq!(versions(&place.open().await).await, [&notes[..], &sessions].concat());
        }
    }
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    for place in Place::both() {
        let sessions = place.sessions().await;
        let newer = "INSERT INTO hardtack_migrations (component, version, applied_at) VALUES ('sessions', 7, 0)";
        sessions.pool().execute(Statement::new(newer)).await.unwrap();

        let error = sessions.migrate().await.unwrap_err();
        assert!(matches!(&error, MigrateError::Newer { component, found: 7, known: 5 } if component == "sessions"));
        assert_eq!(
            error.to_string(),
            "the tables of `sessions` are at version 7, this program knows versions up to 5; run a newer program, \
             or restore a database from before the upgrade"
        );
        assert_eq!(sessions.pool().migrate("notes", NOTES).await.unwrap(), 2, "another component is not concerned");
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_no_trace() {
    for place in Place::both() {
        let database = place.open().await;
        let broken = [NOTES[0], Migration::new(2, "CREATE TABLE more (id BIGINT); ALTER TABLE nothing RENAME TO none")];
        let error = database.migrate("notes", &broken).await.unwrap_err();
        assert!(error.to_string().starts_with("migration 2 of `notes` failed: "), "{error}");
        assert_eq!(database.migrate("notes", NOTES).await.unwrap(), 2);
        let bodies: Vec<(String,)> = database.fetch(Statement::new("SELECT body FROM notes")).await.unwrap();
        assert_eq!(bodies, [("first; last".to_owned(),)]);
    }
}

#[tokio::test]
async fn an_upgrade_takes_the_missing_steps() {
    for place in Place::both() {
        let database = place.open().await;
        assert_eq!(database.migrate("notes", &NOTES[..1]).await.unwrap(), 1);
        assert_eq!(database.migrate("notes", NOTES).await.unwrap(), 1);
        assert_eq!(database.migrate("notes", NOTES).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn each_database_gets_its_own_sql() {
    const STEPS: &[Migration] = &[Migration::per_database(
        1,
        "CREATE TABLE kind AS SELECT 'sqlite' AS name",
        "CREATE TABLE kind AS SELECT 'postgres' AS name",
    )];
    for (place, expected) in Place::both().into_iter().zip(["sqlite", "postgres"]) {
        let database = place.open().await;
        database.migrate("kind", STEPS).await.unwrap();
        let kinds: Vec<(String,)> = database.fetch(Statement::new("SELECT name FROM kind")).await.unwrap();
        assert_eq!(kinds, [(expected.to_owned(),)]);
    }
}

#[tokio::test]
async fn steps_out_of_order_are_refused() {
    for place in Place::both() {
        let database = place.open().await;
        for (steps, version) in [(vec![NOTES[1], NOTES[0]], 1), (vec![Migration::new(0, "")], 0)] {
            let error = database.migrate("notes", &steps).await.unwrap_err();
            let expected = format!("migration {version} of `notes` is out of order; versions begin at 1 and grow");
            assert_eq!(error.to_string(), expected);
        }
    }
}
