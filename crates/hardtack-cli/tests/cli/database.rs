//! Which database: chosen, refused, brought up to date, and never shown with its password.

use hardtack_conformance::services::PostgresServer;
use hardtack_conformance::services::postgres::shared;

use crate::support::{Place, is_let_in, output, refusal, set_mode, sign_up, start};

#[tokio::test]
async fn sqlite_can_be_elsewhere() {
    let place = Place::new();
    let server = start(&place.serve(["--database-url", "sqlite:people.db"])).await;
    sign_up(&mut server.client(), "someone").await;
    assert!(place.path("people.db").is_file());
    assert!(!place.path("hardtack-data/hardtack.db").exists());
    let shown = output(&place.hardtack(["check-config", "--database-url", "sqlite:people.db"]));
    assert!(shown.contains("database_url = \"sqlite:people.db\""), "{shown}");
    let shown = output(&place.hardtack(["check-config"]));
    assert!(shown.contains("database_url = \"sqlite:./hardtack-data/hardtack.db\""), "{shown}");
}

#[tokio::test]
async fn a_database_that_will_not_do_is_named_without_its_password() {
    let place = Place::new();
    for (url, expected) in [
        ("mysql://me:canary@host/app", "its scheme is unknown; expected sqlite:PATH or postgres://USER:PASSWORD@HOST"),
        ("canary", "its scheme is unknown"),
        ("sqlite:", "it names no file"),
        ("postgres://me:canary@host:port/app", "invalid port number"),
    ] {
        for command in ["serve", "check-config", "migrate"] {
            let said = refusal(&place.hardtack([command]).env("HARDTACK_DATABASE_URL", url), 2).await;
            assert!(said.starts_with("hardtack: HARDTACK_DATABASE_URL: the database URL cannot be used: "), "{said}");
            assert!(said.contains(expected) && !said.contains("canary"), "{said}");
        }
    }
    let url = "postgres://me:canary@127.0.0.1:1/app";
    for command in ["serve", "migrate"] {
        let program = place.hardtack([command]).env("HARDTACK_LISTEN", "127.0.0.1:0").env("HARDTACK_DATABASE_URL", url);
        let said = refusal(&program, 1).await;
        assert!(said.contains("cannot open the database postgres://me@127.0.0.1:1/app; "), "{said}");
        assert!(said.contains("refused") && !said.contains("canary"), "{said}");
    }
}

#[tokio::test]
async fn the_password_is_never_shown() {
    let server = PostgresServer::start_new();
    let url = server.database();
    let shown_url = url.replace(&format!(":{}@", server.password()), "@");
    let place = Place::new();
    place.write("hardtack.toml", &format!("database_url = '{url}'"));
    set_mode(place.path("hardtack.toml"), 0o644);
    let said = refusal(&place.hardtack(["check-config"]), 2).await;
    assert!(said.ends_with("set it with: chmod 600 hardtack.toml"), "{said}");
    set_mode(place.path("hardtack.toml"), 0o600);
    let shown = output(&place.hardtack(["check-config"]));
    assert!(shown.contains(&format!("# database_url is set, not shown: {shown_url} ")), "{shown}");

    let process = start(&place.serve([]).env("RUST_LOG", "trace")).await;
    sign_up(&mut process.client(), "someone").await;
    server.stop();
    assert_eq!(process.client().get("/healthz").send().await.status(), 503);
    let finished = process.stop().await;
    let said = format!("{shown}{}{}", finished.stdout, finished.stderr);
    assert!(said.contains(&shown_url), "{said}");
    assert!(!said.contains(server.password()), "{said}");
}

#[tokio::test]
async fn tables_can_be_made_beforehand() {
    for url in ["sqlite:app.db".to_owned(), shared().database()] {
        let place = Place::new();
        let migrate = place.hardtack(["migrate"]).env("HARDTACK_DATABASE_URL", &url);
        let said = output(&migrate);
        for tables in ["sessions: ", "accounts: "] {
            let line = said.lines().find_map(|line| line.strip_prefix(tables)).unwrap_or_default();
            assert!(line.ends_with(" applied"), "{said}");
        }
        assert!(!said.contains(shared().password()), "{said}");
        assert!(output(&migrate).ends_with("\nsessions: up to date\naccounts: up to date\n"));
        let server = start(&place.serve([]).env("HARDTACK_DATABASE_URL", &url)).await;
        let mut client = server.client();
        sign_up(&mut client, "someone").await;
        assert!(is_let_in(&mut client).await);
    }
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let url = shared().database();
    let place = Place::new();
    let migrate = place.hardtack(["migrate"]).env("HARDTACK_DATABASE_URL", &url);
    output(&migrate);
    shared().psql(&url, "INSERT INTO hardtack_migrations VALUES ('accounts', 99, 0)");
    for program in [migrate, place.serve([]).env("HARDTACK_DATABASE_URL", &url)] {
        let said = refusal(&program, 1).await;
        assert!(said.contains("the tables of `accounts` are at version 99"), "{said}");
        assert!(said.contains("run a newer program"), "{said}");
    }
}
