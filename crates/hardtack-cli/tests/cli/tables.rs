//! The tables in the database: which command creates them, and in which database none does.

use hardtack_db::{Pool, Statement};
use hardtack_sqlx::Database;
use hardtack_test_support::process::Finished;
use hardtack_test_support::services::postgres::shared;

use crate::support::{TestDir, output, refusal, set_mode, start};

/// The database of another program: `hardtack migrate` used to create most of its tables before it was refused.
#[tokio::test]
async fn a_database_with_a_table_of_another_program_stays_as_it_was() {
    let tables = Statement::per_database(
        "SELECT name FROM sqlite_master ORDER BY name",
        "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename",
    );
    for (table, create) in [
        ("users", "CREATE TABLE users (body TEXT)"),
        ("sessions", "CREATE TABLE sessions (body TEXT)"),
        ("throttle", "CREATE TABLE throttle (body TEXT)"),
        ("pending_ends", "CREATE TABLE pending_ends (body TEXT)"),
        ("hardtack_settings", "CREATE TABLE hardtack_settings (body TEXT)"),
        ("hardtack_migrations", "CREATE TABLE hardtack_migrations (body TEXT)"),
    ] {
        let dir = TestDir::new();
        for url in [format!("sqlite:{}", dir.path("app.db").display()), shared().database()] {
            let database = Pool::from(Database::open(&url).await.unwrap());
            database.execute(Statement::new(create)).await.unwrap();
            let with_database = |args: &[&str]| {
                let program = dir.hardtack(args.iter().copied()).env("HARDTACK_LISTEN", "127.0.0.1:0");
                program.env("HARDTACK_DATABASE_URL", &url).env("HARDTACK_BASE_URL", "https://site.example")
            };
            let found = async || -> Vec<(String,)> { database.fetch(tables.clone()).await.unwrap() };
            for command in [
                &["migrate"][..],
                &["serve"],
                &["user", "list"],
                &["user", "add", "ada"],
                &["keys", "list"],
                &["keys", "rotate"],
            ] {
                let error = refusal(&with_database(command), 1).await;
                assert!(error.contains(&format!("already contains a table `{table}`")), "{error}");
                assert_eq!(found().await, [(table.to_owned(),)], "{command:?}");
            }
            let error = refusal(&with_database(&["keys", "rotate"]), 1).await;
            assert!(error.contains("so it did nothing: ") && error.contains("pass the servers' --data-dir"), "{error}");
            assert!(!dir.path("hardtack-data/keys/0001.jwk").exists());
            database.close().await;
        }
    }
}

/// The servers will create their tables in such a database. The commands need only the key folder.
#[tokio::test]
async fn commands_for_keys_warn_of_a_database_without_tables_and_go_on() {
    let dir = TestDir::new();
    let url = shared().database();
    shared().psql(&url, "CREATE TABLE notes (body TEXT)");
    for command in ["list", "rotate"] {
        let finished = dir.hardtack(["keys", command]).env("HARDTACK_DATABASE_URL", &url).run().unwrap();
        let Finished { status, stderr, .. } = finished;
        assert!(status.success() && stderr.contains("does not contain Hardtack's tables, so this"), "{stderr}");
    }
    assert_eq!(shared().psql(&url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"), "notes");
    assert!(dir.path("hardtack-data/keys/0001.jwk").exists());
}

/// With a wrong URL, the commands used to create an empty site.
#[tokio::test]
async fn commands_for_users_create_no_tables() {
    let dir = TestDir::new();
    let postgres = shared().database();
    dir.write("empty.db", "");
    set_mode(dir.path("empty.db"), 0o600);
    let shown = postgres.replace(&format!(":{}@", shared().password()), "@");
    for (url, shown) in [(postgres.as_str(), shown.as_str()), ("sqlite:empty.db", "sqlite:empty.db")] {
        let run = |args: &[&str]| {
            let program = dir.hardtack(args.iter().copied()).env("HARDTACK_BASE_URL", "https://site.example");
            program.env("HARDTACK_DATABASE_URL", url)
        };
        for command in [&["user", "list"][..], &["user", "add", "ada"], &["user", "disable", "ada"]] {
            let error = refusal(&run(command), 2).await;
            let expected = format!(
                "hardtack: the database {shown} does not contain Hardtack's tables; set --data-dir or --database-url \
                 to the value that the servers use, or create the tables with: hardtack migrate"
            );
            assert_eq!(error, expected);
        }
        output(&run(&["migrate"]));
        output(&run(&["user", "add", "ada"]));
    }
    let other = shared().database();
    let list = dir.hardtack(["user", "list"]).env("HARDTACK_DATABASE_URL", &other);
    refusal(&list, 2).await;
    assert_eq!(shared().psql(&other, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}

/// Each store used to check its own migrations again after all of them had been checked.
#[tokio::test]
async fn each_command_checks_the_migrations_once() {
    let dir = TestDir::new();
    let url = shared().database();
    let name = url.rsplit('/').next().unwrap();
    let run = |args: &[&str]| {
        let program = dir.hardtack(args.iter().copied()).env("HARDTACK_LISTEN", "127.0.0.1:0");
        program.env("HARDTACK_DATABASE_URL", &url).env("HARDTACK_BASE_URL", "https://site.example")
    };
    // Each check of the migrations first takes this lock.
    shared().psql("postgres", &format!("ALTER DATABASE {name} SET log_statement = 'all'"));
    let mut before = 0;
    let mut checks = || {
        let all = shared().log().matches("pg_advisory_xact_lock(7521983766109545323)").count();
        all - std::mem::replace(&mut before, all)
    };
    output(&run(&["migrate"]));
    assert_eq!(checks(), 1);
    start(&run(&["serve"])).await.stop().await;
    assert_eq!(checks(), 1);
    for command in [&["user", "add", "ada"], &["user", "log-out", "ada"]] {
        output(&run(command));
        assert_eq!(checks(), 1, "{command:?}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let url = shared().database();
    let dir = TestDir::new();
    let migrate = dir.hardtack(["migrate"]).env("HARDTACK_DATABASE_URL", &url);
    output(&migrate);
    shared().psql(&url, "INSERT INTO hardtack_migrations VALUES ('accounts', 99, 0)");
    let rotate = dir.hardtack(["keys", "rotate"]).env("HARDTACK_DATABASE_URL", &url);
    for program in [migrate, dir.serve([]).env("HARDTACK_DATABASE_URL", &url), rotate] {
        let error = refusal(&program, 1).await;
        assert!(error.contains("the tables of `accounts` are at version 99"), "{error}");
        assert!(error.contains("run a newer version of the program"), "{error}");
    }
}

/// An operator may give the servers a role that can only read and write rows.
#[tokio::test]
async fn a_role_that_cannot_create_tables_suffices_while_they_are_up_to_date() {
    let url = shared().database();
    let dir = TestDir::new();
    let run = |url: &str, args: &[&str]| {
        let program = dir.hardtack(args.iter().copied()).env("HARDTACK_LISTEN", "127.0.0.1:0");
        program.env("HARDTACK_DATABASE_URL", url).env("HARDTACK_BASE_URL", "https://site.example")
    };
    shared().psql(&url, "CREATE ROLE writer LOGIN PASSWORD 'writer-password'");
    let writer = url.replace(&format!("postgres:{}@", shared().password()), "writer:writer-password@");
    let error = refusal(&run(&writer, &["serve"]), 1).await;
    assert!(error.contains("permission denied"), "{error}");
    output(&run(&url, &["migrate"]));
    shared().psql(&url, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer");
    shared().psql(&url, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO writer");
    let server = start(&run(&writer, &["serve"])).await;
    for command in [&["user", "add", "ada"][..], &["user", "log-out", "ada"], &["migrate"]] {
        output(&run(&writer, command));
    }
    for command in ["rotate", "list"] {
        let Finished { status, stderr, .. } = run(&writer, &["keys", command]).run().unwrap();
        assert!(status.success() && stderr.is_empty(), "{stderr}");
    }
    server.stop().await;
}
