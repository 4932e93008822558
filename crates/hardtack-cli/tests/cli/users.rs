//! Users, as an operator has to do with them while servers run.

use hardtack_conformance::process::Program;

use crate::stores::{Store, Two, at, on_every_store};
use crate::support::{
    PASSWORD, Place, is_let_in, is_refused_soon, log_in, output, refresh, refusal, sign_up, with_copied_access_cookie,
};

on_every_store! {{
    s37_an_operator_disables_a_user_at_running_servers,
    an_operator_logs_somebody_out_at_running_servers,
}}

/// Two servers, and how an operator calls `hardtack user` for them.
async fn servers(store: Store) -> (Two, impl Fn(&[&str]) -> Program) {
    let place = Place::new();
    let told = if store == Store::Sqlite {
        let url = format!("sqlite:{}", place.path("app.db").display());
        vec![("HARDTACK_DATABASE_URL", url)]
    } else {
        store.fresh()
    };
    let two = Two::over(&told, &[]).await;
    let operator = move |args: &[&str]| {
        let program = place.hardtack(["user"].into_iter().chain(args.iter().copied()));
        told.iter().fold(program, |program, (name, value)| program.env(name, value))
    };
    (two, operator)
}

async fn s37_an_operator_disables_a_user_at_running_servers(store: Store) {
    let (two, operator) = servers(store).await;
    let (mut ada, mut bob) = (two.one.client(), two.other.client());
    sign_up(&mut ada, "Ada").await;
    sign_up(&mut bob, "bob").await;
    let copies = [&two.one, &two.other].map(|server| with_copied_access_cookie(&ada, server));

    assert_eq!(output(&operator(&["disable", "ADA"])), "Ada is disabled; 1 session was ended.\n");
    for copy in &copies {
        is_refused_soon(copy, "a disabled user").await;
    }
    assert_eq!(refresh(&mut ada.clone()).await, 401);
    assert_eq!(log_in(&mut two.other.client(), "ada", PASSWORD).await, 401);
    assert!(is_let_in(&mut at(&two.one, &bob)).await);
    assert_eq!(output(&operator(&["disable", "ada"])), "Ada is disabled; there was no session to end.\n");
    let listed = output(&operator(&["list"]));
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].starts_with("Ada  signed up 2") && lines[0].contains("Z  disabled 2"), "{listed}");
    assert!(lines[1].starts_with("bob  signed up 2") && lines[1].ends_with('Z') && lines.len() == 2, "{listed}");

    for _ in 0..2 {
        assert_eq!(output(&operator(&["enable", "ada"])), "Ada may log in.\n");
    }
    let mut again = two.other.client();
    assert_eq!(log_in(&mut again, "ada", PASSWORD).await, 200);
    assert!(is_let_in(&mut at(&two.one, &again)).await);
    // Until now it was the disabled user that was refused; the session's end comes with the log.
    for copy in &copies {
        is_refused_soon(copy, "a session that was ended").await;
    }
    assert!(!output(&operator(&["list"])).contains("disabled"));
}

async fn an_operator_logs_somebody_out_at_running_servers(store: Store) {
    let (two, operator) = servers(store).await;
    let (mut ada, mut bob) = (two.one.client(), two.one.client());
    sign_up(&mut ada, "ada").await;
    sign_up(&mut bob, "bob").await;
    let mut telephone = two.other.client();
    assert_eq!(log_in(&mut telephone, "ada", PASSWORD).await, 200);
    let copies = [&ada, &telephone].map(|client| with_copied_access_cookie(client, &two.one));
    assert_eq!(output(&operator(&["log-out", "ada"])), "ada is logged out; 2 sessions were ended.\n");
    for copy in &copies {
        is_refused_soon(copy, "whoever was logged out").await;
    }
    assert_eq!(refresh(&mut telephone).await, 401);
    assert!(is_let_in(&mut bob).await);
    // Nothing keeps them from coming back, and the device page says what happened.
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    let activity = ada.get("/account/activity").accept_json().send().await.json();
    let kinds: Vec<_> = activity["activity"].as_array().unwrap().iter().map(|row| row["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "revoked").count(), 2, "{kinds:?}");
}

#[tokio::test]
async fn who_is_not_there_is_told_apart_from_a_database_that_is_not() {
    let place = Place::new();
    for args in [vec!["user", "list"], vec!["user", "disable", "ada"]] {
        let said = refusal(&place.hardtack(args), 2).await;
        let expected = "hardtack: there is no database ./hardtack-data/hardtack.db; expected --data-dir or \
                        --database-url as the servers have it";
        assert_eq!(said, expected);
    }
    assert!(!place.path("hardtack-data").exists(), "nothing is made");

    output(&place.hardtack(["migrate"]));
    assert_eq!(output(&place.hardtack(["user", "list"])), "Nobody has signed up.\n");
    for command in ["disable", "enable", "log-out"] {
        for name in ["ada", "a\u{301}", "'; DROP TABLE users; --"] {
            let said = refusal(&place.hardtack(["user", command, name]), 2).await;
            assert_eq!(said, format!("hardtack: nobody is called {name:?}; see: hardtack user list"));
        }
    }
    let said = refusal(&place.hardtack(["user", "list", "--redis-for", "notice"]), 2).await;
    assert!(said.contains("without a Redis"), "{said}");
}

/// More than are read at once, in the order of their names.
#[tokio::test]
async fn everybody_is_listed() {
    let place = Place::new();
    output(&place.hardtack(["migrate"]));
    let url = format!("sqlite:{}", place.path("hardtack-data/hardtack.db").display());
    let database = hardtack_db::Pool::from(hardtack_sqlx::Database::open(&url).await.unwrap());
    for number in 0..1001 {
        let sql = "INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, \
                   email, created_at) VALUES ($1, $1, $1, '', 1, '', '', 0)";
        let name = format!("u{number:04}");
        database.execute(hardtack_db::Statement::new(sql).bind(name)).await.unwrap();
    }
    database.close().await;
    let listed = output(&place.hardtack(["user", "list", "--data-dir", "hardtack-data"]));
    let expected: Vec<String> =
        (0..1001).map(|number| format!("u{number:04}  signed up 1970-01-01T00:00:00Z")).collect();
    assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
}
