//! Migrations of several components in one database.

use std::sync::Arc;

use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevokeTarget, SessionStore};
use hardtack_db::{Component, Migration, Pool, Statement};
use hardtack_sqlx::MigrateError;
use tokio::task::JoinSet;

use crate::test_database::{TestDatabase, with_causes};

const NOTES: &[Migration] = &[
    Migration::new(1, "CREATE TABLE notes (body TEXT NOT NULL); INSERT INTO notes VALUES ('first; last')"),
    Migration::new(2, "ALTER TABLE notes ADD COLUMN title TEXT"),
];

async fn versions(pool: &Pool) -> Vec<(String, i64)> {
    let sql = "SELECT component, version FROM hardtack_migrations ORDER BY component, version";
    pool.fetch(Statement::new(sql)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_migrate_once() {
    for _ in 0..5 {
        for database in TestDatabase::both() {
            let mut starts = JoinSet::new();
            let database = Arc::new(database);
            for _ in 0..4 {
                let database = Arc::clone(&database);
                starts.spawn(async move {
                    let pool = Pool::from(database.sessions().await.pool().clone());
                    pool.migrate(Component::new("notes", NOTES)).await.unwrap()
                });
            }
            assert_eq!(starts.join_all().await.iter().sum::<usize>(), 2);
            let notes = [1, 2].map(|version| ("notes".to_owned(), version));
            let sessions = [1, 2, 3, 4, 5, 6, 7, 8].map(|version| ("sessions".to_owned(), version));
            let throttle = [("throttle".to_owned(), 1)];
            assert_eq!(versions(&database.open().await.into()).await, [&notes[..], &sessions, &throttle].concat());
        }
    }
}

#[tokio::test]
async fn a_store_that_was_not_migrated_says_what_to_call() {
    for database in TestDatabase::both() {
        let sessions = database.open().await.sessions();
        let session = hardtack::testing::session("alice", Timestamp::from_unix_seconds(1_800_000_000));
        let others = [SessionId::from_u128(7)];
        for failed in [
            sessions.create(&session, RevokeTarget::Sessions(&[])).await.map(drop),
            sessions.create(&session, RevokeTarget::Sessions(&others)).await.map(drop),
            sessions.create_within(&session, RevokeTarget::Sessions(&[]), 3).await.map(drop),
            sessions.find(session.id).await.map(drop),
            sessions.revocations(0, 10).await.map(drop),
        ] {
            let text = with_causes(&failed.unwrap_err());
            assert!(text.contains("missing or outdated; call `sessions.migrate().await?` once"), "{text}");
        }
        sessions.migrate().await.unwrap();
        sessions.create(&session, RevokeTarget::Sessions(&[])).await.unwrap();
        // An error that has another cause keeps it.
        let twice = with_causes(&sessions.create(&session, RevokeTarget::Sessions(&[])).await.unwrap_err());
        assert!(!twice.contains("migrate"), "{twice}");
    }
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    for database in TestDatabase::both() {
        let sessions = database.sessions().await;
        let pool = Pool::from(sessions.pool().clone());
        let newer = "INSERT INTO hardtack_migrations (component, version, applied_at) VALUES ('sessions', 9, 0)";
        pool.execute(Statement::new(newer)).await.unwrap();

        let error = sessions.migrate().await.unwrap_err();
        assert!(matches!(&error, MigrateError::Newer { component, found: 9, known: 8 } if component == "sessions"));
        assert_eq!(
            error.to_string(),
            "the tables of `sessions` are at version 9, but this program supports only versions up to 8; \
             run a newer version of the program, or restore a backup from before the upgrade"
        );
        assert_eq!(pool.migrate(Component::new("notes", NOTES)).await.unwrap(), 2, "other components are not affected");
    }
}

#[tokio::test]
async fn a_table_of_another_program_is_named() {
    for database in TestDatabase::both() {
        let pool = Pool::from(database.open().await);
        pool.execute(Statement::per_database("CREATE TABLE More (id BIGINT)", "CREATE TABLE more (id BIGINT)"))
            .await
            .unwrap();
        let steps = [NOTES[0], Migration::new(2, "CREATE TABLE more (id BIGINT)")];
        let component = Component::new("notes", &steps);
        for error in [pool.check_tables(&[component]).await.unwrap_err(), pool.migrate(component).await.unwrap_err()] {
            assert!(
                matches!(&error, MigrateError::ForeignTable { component, table }
                    if component == "notes" && table == "more"),
                "{error:?}"
            );
        }
        pool.check_tables(&[Component::new("notes", NOTES)]).await.unwrap();
        assert!(!pool.is_migrated(Component::new("notes", NOTES)).await.unwrap());
        assert_eq!(pool.migrate(Component::new("notes", NOTES)).await.unwrap(), 2);
    }
}

/// The error used to advise to check the database's connection and disk.
#[tokio::test]
async fn a_table_of_migrations_of_another_program_is_named() {
    for database in TestDatabase::both() {
        let pool = Pool::from(database.open().await);
        for create in [
            "CREATE TABLE hardtack_migrations (id BIGINT, name TEXT)",
            "CREATE TABLE hardtack_migrations (component TEXT, version BIGINT)",
        ] {
            pool.execute(Statement::new(create)).await.unwrap();
            let error = pool.migrate(Component::new("notes", NOTES)).await.unwrap_err();
            assert!(
                matches!(&error, MigrateError::ForeignTable { component, table }
                    if component == "notes" && table == "hardtack_migrations"),
                "{create}: {error:?}"
            );
            pool.execute(Statement::new("DROP TABLE hardtack_migrations")).await.unwrap();
        }
        assert_eq!(pool.migrate(Component::new("notes", NOTES)).await.unwrap(), 2);
    }
}

/// SQLite cannot change the type of a column, so the migration creates the table again. PostgreSQL alters the table.
#[tokio::test]
async fn a_migration_may_create_a_table_of_its_component_again() {
    const REBUILT: Migration = Migration::per_database(
        3,
        "ALTER TABLE notes RENAME TO old_notes;
         CREATE TABLE notes (body TEXT, title TEXT);
         INSERT INTO notes SELECT body, title FROM old_notes;
         DROP TABLE old_notes",
        "ALTER TABLE notes ALTER COLUMN body DROP NOT NULL",
    );
    let steps = [NOTES[0], NOTES[1], REBUILT];
    for database in TestDatabase::both() {
        let pool = Pool::from(database.open().await);
        assert_eq!(pool.migrate(Component::new("notes", NOTES)).await.unwrap(), 2);
        assert_eq!(pool.migrate(Component::new("notes", &steps)).await.unwrap(), 1);
        pool.execute(Statement::new("INSERT INTO notes VALUES (NULL, NULL)")).await.unwrap();
    }
    for database in TestDatabase::both() {
        assert_eq!(Pool::from(database.open().await).migrate(Component::new("notes", &steps)).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn a_failed_migration_changes_nothing() {
    for database in TestDatabase::both() {
        let pool = Pool::from(database.open().await);
        let broken = [NOTES[0], Migration::new(2, "CREATE TABLE more (id BIGINT); ALTER TABLE nothing RENAME TO none")];
        let error = pool.migrate(Component::new("notes", &broken)).await.unwrap_err();
        assert!(with_causes(&error).starts_with("migration 2 of `notes` failed; check that"), "{error:?}");
        assert_eq!(format!("{error:?}"), with_causes(&error));
        assert_eq!(pool.migrate(Component::new("notes", NOTES)).await.unwrap(), 2);
        let bodies: Vec<(String,)> = pool.fetch(Statement::new("SELECT body FROM notes")).await.unwrap();
        assert_eq!(bodies, [("first; last".to_owned(),)]);
    }
}

#[tokio::test]
async fn an_upgrade_runs_the_missing_migrations() {
    for database in TestDatabase::both() {
        let pool = Pool::from(database.open().await);
        assert_eq!(pool.migrate(Component::new("notes", &NOTES[..1])).await.unwrap(), 1);
        assert_eq!(pool.migrate(Component::new("notes", NOTES)).await.unwrap(), 1);
        assert_eq!(pool.migrate(Component::new("notes", NOTES)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn each_database_gets_its_own_sql() {
    const STEPS: &[Migration] = &[Migration::per_database(
        1,
        "CREATE TABLE kind AS SELECT 'sqlite' AS name",
        "CREATE TABLE kind AS SELECT 'postgres' AS name",
    )];
    for (database, expected) in TestDatabase::both().into_iter().zip(["sqlite", "postgres"]) {
        let pool = Pool::from(database.open().await);
        pool.migrate(Component::new("kind", STEPS)).await.unwrap();
        let kinds: Vec<(String,)> = pool.fetch(Statement::new("SELECT name FROM kind")).await.unwrap();
        assert_eq!(kinds, [(expected.to_owned(),)]);
    }
}

#[tokio::test]
async fn migrations_out_of_order_are_refused() {
    for database in TestDatabase::both() {
        let pool = Pool::from(database.open().await);
        for (steps, version) in [(vec![NOTES[1], NOTES[0]], 1), (vec![Migration::new(0, "")], 0)] {
            let error = pool.migrate(Component::new("notes", &steps)).await.unwrap_err();
            let expected = format!(
                "migration {version} of `notes` is out of order; the first version must be at least 1, and each version \
                 must be greater than the previous version; correct the list of migrations in the program"
            );
            assert_eq!(error.to_string(), expected);
        }
    }
}
