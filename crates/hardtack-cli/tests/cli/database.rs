//! The database: which one is used or refused, migrations, and that its password is never shown.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use hardtack_db::{Pool, Statement};
use hardtack_sqlx::Database;
use hardtack_test_support::services::PostgresServer;
use hardtack_test_support::services::postgres::shared;
use hardtack_test_support::wait;

use crate::support::{PASSWORD, TestDir, is_logged, is_logged_in, log_in, output, refusal, set_mode, sign_up, start};

#[tokio::test]
async fn sqlite_outside_the_data_folder() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--database-url", "sqlite:people.db"])).await;
    sign_up(&mut server.client(), "someone").await;
    assert!(dir.path("people.db").is_file());
    assert!(!dir.path("hardtack-data/hardtack.db").exists());
    let shown = output(&dir.hardtack(["check-config", "--database-url", "sqlite:people.db"]));
    assert!(shown.contains("database_url = \"sqlite:people.db\""), "{shown}");
    let shown = output(&dir.hardtack(["check-config"]));
    assert!(shown.contains("database_url = \"sqlite:./hardtack-data/hardtack.db\""), "{shown}");
}

/// The server used to lose all accounts when it stopped, without a warning.
#[tokio::test]
async fn a_database_in_memory_is_refused() {
    let dir = TestDir::new();
    for command in [&["serve"][..], &["check-config"], &["migrate"], &["user", "list"]] {
        let error =
            refusal(&dir.hardtack(command.iter().copied()).args(["--database-url", "sqlite::memory:"]), 2).await;
        assert!(error.starts_with("hardtack: --database-url names an in-memory database, so all accounts"), "{error}");
    }
}

/// The error used to advise checking the address, the database and the password.
#[tokio::test]
async fn a_server_without_tls_is_reported_as_such() {
    let dir = TestDir::new();
    for mode in ["require", "verify-full"] {
        let url = format!("{}?sslmode={mode}", shared().database());
        let error = refusal(&dir.hardtack(["migrate"]).env("HARDTACK_DATABASE_URL", &url), 1).await;
        assert!(error.contains(&format!(" with TLS (sslmode={mode}); check that TLS is turned on")), "{error}");
        assert!(error.contains("you can set sslmode=disable"), "{error}");
        assert!(!error.contains(shared().password()) && !error.contains("accepts the user"), "{error}");
    }
}

/// After a switch to PostgreSQL, the site was empty, and no log said why.
#[tokio::test]
async fn an_unused_database_in_the_data_folder_is_reported_while_the_site_is_empty() {
    let dir = TestDir::new();
    let warns = async |args: &[&str]| {
        let server = start(&dir.serve(args.iter().copied())).await;
        let log = server.stop().await.stderr;
        log.contains("event=\"database_unused\"").then_some(log)
    };
    let url = shared().database();
    let postgres = ["--database-url", &url];
    assert_eq!(warns(&postgres).await, None);
    assert_eq!(warns(&[]).await, None);
    let absolute = format!("sqlite:{}", dir.path("hardtack-data/hardtack.db").display());
    assert_eq!(warns(&["--database-url", &absolute]).await, None);
    for other in [&postgres, &["--database-url", "sqlite:other.db"]] {
        let log = warns(other).await.unwrap();
        assert!(log.contains("unused=./hardtack-data/hardtack.db"), "{log}");
        output(&dir.hardtack(["user", "add", "ada", "--base-url", "https://site.example"]).args(*other));
        assert_eq!(warns(other).await, None);
    }
}

#[tokio::test]
async fn a_bad_database_is_reported_without_its_password() {
    let dir = TestDir::new();
    for (url, expected) in [
        ("mysql://me:canary@host/app", "its scheme is unknown; expected sqlite:PATH or postgres://USER:PASSWORD@HOST"),
        ("canary", "its scheme is unknown"),
        ("sqlite:", "it does not contain a path"),
        ("postgres://me:canary@host:port/app", "invalid port number"),
    ] {
        for command in ["serve", "check-config", "migrate"] {
            let error = refusal(&dir.hardtack([command]).env("HARDTACK_DATABASE_URL", url), 2).await;
            assert!(error.starts_with("hardtack: HARDTACK_DATABASE_URL: the database URL cannot be used: "), "{error}");
            assert!(error.contains(expected) && !error.contains("canary"), "{error}");
        }
    }
    let url = "postgres://me:canary@127.0.0.1:1/app";
    for command in ["serve", "migrate"] {
        let program = dir.hardtack([command]).env("HARDTACK_LISTEN", "127.0.0.1:0").env("HARDTACK_DATABASE_URL", url);
        let error = refusal(&program, 1).await;
        assert!(error.contains("cannot open the database postgres://me@127.0.0.1:1/app; "), "{error}");
        assert!(error.contains("refused") && !error.contains("canary"), "{error}");
    }
}

/// The error used to say only that a pool timed out.
#[tokio::test]
async fn a_database_that_accepts_connections_but_never_responds_is_reported() {
    let dir = TestDir::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let url = format!("postgres://me:canary@{address}/app");
    for command in ["serve", "migrate"] {
        let program = dir.hardtack([command]).env("HARDTACK_LISTEN", "127.0.0.1:0").env("HARDTACK_DATABASE_URL", &url);
        let error = refusal(&program, 1).await;
        assert!(error.contains(&format!("cannot open the database postgres://me@{address}/app; ")), "{error}");
        assert!(error.contains("no connection to PostgreSQL was available within 3 s; check that"), "{error}");
        assert!(!error.contains("canary") && !error.contains("pool"), "{error}");
    }
}

/// The error used to repeat only what the database said.
#[tokio::test]
async fn an_unusable_table_of_settings_is_reported_with_advice() {
    let dir = TestDir::new();
    let url = shared().database();
    let run = |args: &[&str]| {
        let program = dir.hardtack(args.iter().copied()).env("HARDTACK_LISTEN", "127.0.0.1:0");
        program.env("HARDTACK_DATABASE_URL", &url).env("HARDTACK_BASE_URL", "https://site.example")
    };
    output(&run(&["migrate"]));
    output(&run(&["user", "add", "ada"]));
    let shown = url.replace(&format!(":{}@", shared().password()), "@");
    shared().psql(&url, "ALTER TABLE hardtack_settings RENAME COLUMN value TO other");
    for command in [&["serve"][..], &["user", "disable", "ada"]] {
        let error = refusal(&run(command), 1).await;
        assert!(error.starts_with(&format!("hardtack: the database {shown} failed: ")), "{error}");
        assert!(error.ends_with("written to, and that there is room on its disk"), "{error}");
    }
    let rotated = run(&["keys", "rotate"]).run().unwrap();
    let expected = format!("hardtack: warning: the database {shown} failed: ");
    assert!(rotated.stderr.starts_with(&expected), "{}", rotated.stderr);
}

/// The error used to repeat only what PostgreSQL said, without the name of the database.
#[tokio::test]
async fn a_database_that_cannot_be_written_to_is_named() {
    let dir = TestDir::new();
    let url = shared().database();
    let name = url.rsplit('/').next().unwrap();
    let shown = url.replace(&format!(":{}@", shared().password()), "@");
    let run = |args: &[&str]| {
        let program = dir.hardtack(args.iter().copied()).env("HARDTACK_LISTEN", "127.0.0.1:0");
        program.env("HARDTACK_DATABASE_URL", &url).env("HARDTACK_BASE_URL", "https://site.example")
    };
    let advice = "check that the database can be reached and written to, ";
    let read_only = |on: &str| {
        shared().psql("postgres", &format!("ALTER DATABASE {name} SET default_transaction_read_only = {on}"))
    };
    // First without tables, then with tables.
    read_only("on");
    for command in ["serve", "migrate"] {
        let error = refusal(&run(&[command]), 1).await;
        assert!(error.contains(&shown) && error.contains(advice) && error.contains("read-only"), "{error}");
    }
    read_only("off");
    output(&run(&["migrate"]));
    output(&run(&["user", "add", "ada"]));
    read_only("on");
    for command in [&["serve"][..], &["user", "disable", "ada"], &["user", "add", "bob"]] {
        let error = refusal(&run(command), 1).await;
        assert!(error.starts_with(&format!("hardtack: the database {shown} failed: ")), "{error}");
        assert!(error.contains(advice) && error.contains("read-only"), "{error}");
    }
}

#[tokio::test]
async fn the_password_is_never_shown() {
    let server = PostgresServer::start_new();
    let url = server.database();
    let shown_url = url.replace(&format!(":{}@", server.password()), "@");
    let dir = TestDir::new();
    dir.write("hardtack.toml", &format!("database_url = '{url}'"));
    set_mode(dir.path("hardtack.toml"), 0o644);
    let error = refusal(&dir.hardtack(["check-config"]), 2).await;
    assert!(error.ends_with("change the mode with: chmod 600 hardtack.toml"), "{error}");
    set_mode(dir.path("hardtack.toml"), 0o600);
    let shown = output(&dir.hardtack(["check-config"]));
    assert!(shown.contains(&format!("# database_url is set, without its password: {shown_url} ")), "{shown}");

    let process = start(&dir.serve([]).env("RUST_LOG", "trace")).await;
    sign_up(&mut process.client(), "someone").await;
    server.stop();
    assert_eq!(process.client().get("/healthz").send().await.status(), 503);
    let finished = process.stop().await;
    let printed = format!("{shown}{}{}", finished.stdout, finished.stderr);
    assert!(printed.contains(&shown_url), "{printed}");
    assert!(!printed.contains(server.password()), "{printed}");
}

#[tokio::test]
async fn migrate_creates_the_tables_before_serve() {
    for url in ["sqlite:app.db".to_owned(), shared().database()] {
        let dir = TestDir::new();
        let migrate = dir.hardtack(["migrate"]).env("HARDTACK_DATABASE_URL", &url);
        let printed = output(&migrate);
        for tables in ["sessions: ", "accounts: "] {
            let line = printed.lines().find_map(|line| line.strip_prefix(tables)).unwrap_or_default();
            assert!(line.ends_with(" applied"), "{printed}");
        }
        assert!(!printed.contains(shared().password()), "{printed}");
        assert!(output(&migrate).ends_with("\nsessions: up to date\naccounts: up to date\n"));
        let server = start(&dir.serve([]).env("HARDTACK_DATABASE_URL", &url)).await;
        let mut client = server.client();
        sign_up(&mut client, "someone").await;
        assert!(is_logged_in(&mut client).await);
    }
}

/// A restored backup: the server acknowledged changes that were lost, and an operator's command ended no session of it.
#[tokio::test]
async fn k07_s80_a_server_whose_database_was_replaced_is_not_healthy() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    let [database, aside] = ["hardtack.db", "aside.db"].map(|name| dir.path("hardtack-data").join(name));
    std::fs::rename(&database, &aside).unwrap();
    std::fs::copy(&aside, &database).unwrap();
    set_mode(&database, 0o600);
    assert_eq!(server.client().get("/healthz").send().await.status(), 503);
    assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
    // After `max_staleness`, the server accepts a token only if it can find the session in the store.
    let page = async || client.clone().get("/service").accept_json().send().await.status();
    wait::until("no page is served", async || page().await == 503).await;
    is_logged(&server, "was replaced or removed while it was open; restart").await;
}

/// SQLite would go on writing to a log that is lost when the server stops.
#[tokio::test]
async fn k07_s80_a_server_whose_write_ahead_log_was_removed_is_not_healthy() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    std::fs::remove_file(dir.path("hardtack-data/hardtack.db-wal")).unwrap();
    assert_eq!(server.client().get("/healthz").send().await.status(), 503);
    assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
    // Another process creates a new write-ahead log.
    dir.hardtack(["user", "list"]).run().unwrap();
    assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
    let log = server.stop().await.stderr;
    assert!(log.contains("its write-ahead log (the file with the suffix -wal) was removed"), "{log}");
    assert!(log.contains("restore a backup, and start the programs again"), "{log}");
}

/// SQLite goes on writing to a log that was moved, and other processes do not find it.
#[tokio::test]
async fn k07_s80_a_server_whose_write_ahead_log_was_moved_is_not_healthy() {
    for suffix in ["-wal", "-shm"] {
        let dir = TestDir::new();
        let server = dir.start().await;
        sign_up(&mut server.client(), "someone").await;
        let path = dir.path(&format!("hardtack-data/hardtack.db{suffix}"));
        std::fs::rename(&path, dir.path("aside")).unwrap();
        assert_eq!(server.client().get("/healthz").send().await.status(), 503, "{suffix}");
        assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503, "{suffix}");
        let log = server.stop().await.stderr;
        assert!(log.contains(&format!("(the file with the suffix {suffix}) was removed or moved")), "{log}");
    }
}

/// Other processes would use a new index, and the server would overwrite the changes that they have made.
#[tokio::test]
async fn k07_s80_a_server_whose_index_of_the_log_was_removed_is_not_healthy() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    std::fs::remove_file(dir.path("hardtack-data/hardtack.db-shm")).unwrap();
    assert_eq!(server.client().get("/healthz").send().await.status(), 503);
    assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
    // Another process creates a new index, and changes the database.
    output(&dir.hardtack(["user", "disable", "someone"]));
    assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
    // Wait longer than SQLite takes to close an index that it has removed itself.
    let until = Instant::now() + Duration::from_millis(1500);
    while Instant::now() < until {
        assert_eq!(server.client().get("/healthz").send().await.status(), 503);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let listed = output(&dir.hardtack(["user", "list"]));
    assert!(listed.contains("disabled"), "the change was overwritten: {listed}");
    let log = server.stop().await.stderr;
    assert!(log.contains("the index of its write-ahead log (the file with the suffix -shm) was removed"), "{log}");
    assert!(log.contains("restore a backup, and start the programs again"), "{log}");
}

/// A backup is copied over the file of a running server: `cp backup.db hardtack.db`.
#[tokio::test]
async fn k07_s80_a_server_whose_database_was_overwritten_is_not_healthy() {
    let dir = TestDir::new();
    let [database, backup] = ["hardtack.db", "backup.db"].map(|name| dir.path("hardtack-data").join(name));
    dir.start().await.stop().await;
    std::fs::copy(&database, &backup).unwrap();
    let server = dir.start().await;
    let run = async |statements: Vec<Statement<'static>>| {
        let pool = Pool::from(Database::open(&format!("sqlite:{}", database.display())).await.unwrap());
        for statement in statements {
            pool.execute(statement).await.unwrap();
        }
        pool.close().await;
    };
    let grow = "CREATE TABLE more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
        SELECT i, randomblob(4000) AS filler FROM n";
    let checkpoint = || Statement::new("PRAGMA wal_checkpoint(TRUNCATE)");
    run(vec![Statement::new(grow), checkpoint()]).await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    // SQLite itself may make the file shorter.
    run(vec![Statement::new("DELETE FROM more WHERE i > 200"), Statement::new("VACUUM"), checkpoint()]).await;
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    assert!(is_logged_in(&mut client).await);

    assert!(std::fs::metadata(&backup).unwrap().len() < std::fs::metadata(&database).unwrap().len());
    std::fs::copy(&backup, &database).unwrap();
    let healthy = async || server.client().get("/healthz").send().await.status() == 200;
    wait::until("the server is not healthy", async || !healthy().await).await;
    assert_eq!(log_in(&mut server.client(), "someone", PASSWORD).await, 503);
    let log = server.stop().await.stderr;
    assert!(log.contains("probably because it was overwritten while it was open; stop all programs"), "{log}");
}

/// The copied file has the same schema version as the database, but is longer.
#[tokio::test]
async fn k07_s80_a_server_whose_database_was_overwritten_with_a_longer_file_is_not_healthy() {
    let dir = TestDir::new();
    let [database, backup] = ["hardtack.db", "backup.db"].map(|name| dir.path("hardtack-data").join(name));
    let server = dir.start().await;
    sign_up(&mut server.client(), "someone").await;
    server.stop().await;
    std::fs::copy(&database, &backup).unwrap();
    set_mode(&backup, 0o600);
    let pool = Pool::from(Database::open(&format!("sqlite:{}", backup.display())).await.unwrap());
    let grow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
        INSERT INTO activity (user_id, kind, at, address) SELECT 'nobody', 'login', 0, hex(randomblob(2000)) FROM n";
    pool.execute(Statement::new(grow)).await.unwrap();
    pool.close().await;
    let length = |path| std::fs::metadata(path).unwrap().len();

    let server = dir.start().await;
    // The write-ahead log contains the first page of the database, and thus the schema version.
    sign_up(&mut server.client(), "another").await;
    let grown = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
        INSERT INTO activity (user_id, kind, at, address) SELECT 'nobody', 'login', 0, hex(randomblob(2000)) FROM n";
    let pool = Pool::from(Database::open(&format!("sqlite:{}", database.display())).await.unwrap());
    pool.execute(Statement::new(grown)).await.unwrap();
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    assert!(length(&backup) > 2 * length(&database));
    std::fs::copy(&backup, &database).unwrap();
    let healthy = async || server.client().get("/healthz").send().await.status() == 200;
    wait::until("the server is not healthy", async || !healthy().await).await;
    let log = server.stop().await.stderr;
    assert!(log.contains("probably because it was overwritten while it was open; stop all programs"), "{log}");
    pool.close().await;
}
