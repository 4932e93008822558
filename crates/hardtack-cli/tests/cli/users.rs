//! `hardtack user`, while servers run.

use hardtack_test_support::process::Program;
use hardtack_test_support::services::redis::RedisServer;

use crate::stores::{Store, TwoServers, at, on_every_store};
use crate::support::{
    PASSWORD, TestDir, is_logged_in, is_refused_eventually, is_refused_soon, log_in, output, refresh, refusal, sign_up,
    signal, start, with_copied_access_cookie,
};

on_every_store! {{
    s37_an_operator_disables_a_user_at_running_servers,
    an_operator_logs_a_user_out_at_running_servers,
}}

/// Two servers, and a `hardtack user` command for them.
pub(crate) async fn servers(store: Store) -> (TwoServers, impl Fn(&[&str]) -> Program) {
    let dir = TestDir::new();
    let env = if store == Store::Sqlite {
        let url = format!("sqlite:{}", dir.path("app.db").display());
        vec![("HARDTACK_DATABASE_URL", url)]
    } else {
        store.fresh()
    };
    let two = TwoServers::over(&env, &[]).await;
    let operator = move |args: &[&str]| {
        let program = dir.hardtack(["user"].into_iter().chain(args.iter().copied()));
        env.iter().fold(program, |program, (name, value)| program.env(name, value))
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
    assert!(is_logged_in(&mut at(&two.one, &bob)).await);
    assert_eq!(output(&operator(&["disable", "ada"])), "Ada is disabled; there were no sessions to end.\n");
    let listed = output(&operator(&["list"]));
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].starts_with("Ada  signed up 2") && lines[0].contains("Z  disabled 2"), "{listed}");
    assert!(lines[1].starts_with("bob  signed up 2") && lines[1].ends_with('Z') && lines.len() == 2, "{listed}");

    for _ in 0..2 {
        assert_eq!(output(&operator(&["enable", "ada"])), "Ada can log in.\n");
    }
    let mut again = two.other.client();
    assert_eq!(log_in(&mut again, "ada", PASSWORD).await, 200);
    assert!(is_logged_in(&mut at(&two.one, &again)).await);
    // So far, the servers refused the copies because the user was disabled. Now they refuse them because the sessions
    // have ended, as soon as they have read the log.
    for copy in &copies {
        is_refused_soon(copy, "a session that was ended").await;
    }
    assert!(!output(&operator(&["list"])).contains("disabled"));
}

async fn an_operator_logs_a_user_out_at_running_servers(store: Store) {
    let (two, operator) = servers(store).await;
    let (mut ada, mut bob) = (two.one.client(), two.one.client());
    sign_up(&mut ada, "ada").await;
    sign_up(&mut bob, "bob").await;
    let mut phone = two.other.client();
    assert_eq!(log_in(&mut phone, "ada", PASSWORD).await, 200);
    let copies = [&ada, &phone].map(|client| with_copied_access_cookie(client, &two.one));
    assert_eq!(output(&operator(&["log-out", "ada"])), "ada is logged out; 2 sessions were ended.\n");
    for copy in &copies {
        is_refused_soon(copy, "a user who was logged out").await;
    }
    assert_eq!(refresh(&mut phone).await, 401);
    assert!(is_logged_in(&mut bob).await);
    // They can log in again, and their activity shows what happened.
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    let activity = ada.get("/account/activity").accept_json().send().await.json();
    let kinds: Vec<_> = activity["activity"].as_array().unwrap().iter().map(|row| row["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "revoked").count(), 2, "{kinds:?}");
}

#[tokio::test]
async fn a_missing_database_and_an_unknown_user_have_their_own_errors() {
    let dir = TestDir::new();
    for args in [vec!["user", "list"], vec!["user", "disable", "ada"]] {
        let error = refusal(&dir.hardtack(args), 2).await;
        let expected = "hardtack: the database ./hardtack-data/hardtack.db does not exist; set --data-dir or \
                        --database-url to the value that the servers use";
        assert_eq!(error, expected);
    }
    assert!(!dir.path("hardtack-data").exists(), "nothing is created");
    // The commands used to say that a file does not exist if they could not look for it.
    dir.write("file", "");
    let error = refusal(&dir.hardtack(["user", "list", "--database-url", "sqlite:file/app.db"]), 1).await;
    assert!(error.contains("cannot create or access the database file ") && error.contains("Not a dir"), "{error}");
    let rotated = dir.hardtack(["keys", "rotate", "--database-url", "sqlite:file/app.db"]).run().unwrap();
    assert!(rotated.stderr.contains("warning: cannot create or access the database file "), "{}", rotated.stderr);

    output(&dir.hardtack(["migrate"]));
    assert_eq!(output(&dir.hardtack(["user", "list"])), "There are no users yet.\n");
    for command in ["disable", "enable", "log-out", "delete"] {
        for name in ["ada", "a\u{301}", "'; DROP TABLE users; --"] {
            let error = refusal(&dir.hardtack(["user", command, name]), 2).await;
            assert_eq!(error, format!("hardtack: no user is named {name:?}; list the users with: hardtack user list"));
        }
    }
    let error = refusal(&dir.hardtack(["user", "list", "--redis-for", "notice"]), 2).await;
    assert!(error.contains("but no Redis server is set"), "{error}");
}

/// More users than one query reads, in the order of their names.
#[tokio::test]
async fn all_users_are_listed() {
    let dir = TestDir::new();
    output(&dir.hardtack(["migrate"]));
    let url = format!("sqlite:{}", dir.path("hardtack-data/hardtack.db").display());
    let database = hardtack_db::Pool::from(hardtack_sqlx::Database::open(&url).await.unwrap());
    for number in 0..1001 {
        let sql = "INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, \
                   email, created_at) VALUES ($1, $1, $1, '', 1, '', '', 0)";
        let name = format!("u{number:04}");
        database.execute(hardtack_db::Statement::new(sql).bind(name)).await.unwrap();
    }
    database.close().await;
    let listed = output(&dir.hardtack(["user", "list", "--data-dir", "hardtack-data"]));
    let expected: Vec<String> =
        (0..1001).map(|number| format!("u{number:04}  signed up 1970-01-01T00:00:00Z")).collect();
    assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
}

/// A server that was started beside the others with wrong settings. Commands then looked where it kept its sessions.
#[tokio::test]
async fn k07_a_trial_server_does_not_mislead_commands() {
    let redis = RedisServer::start();
    let dir = TestDir::new();
    let server = start(&dir.serve(["--redis-url", &redis.url()])).await;
    let mut ada = server.client();
    sign_up(&mut ada, "ada").await;
    let log_out = || dir.hardtack(["user", "log-out", "ada", "--redis-url", &redis.url()]);
    let wrong = ["user", "log-out", "ada"];
    dir.start().await.stop().await;
    let error = refusal(&dir.hardtack(wrong), 2).await;
    assert!(error.starts_with("hardtack: the servers store their sessions in the Redis at "), "{error}");
    assert_eq!(output(&log_out()), "ada is logged out; 1 session was ended.\n");
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);

    // While it runs, or if it was killed a moment ago, nobody knows which is right.
    let mut trial = Some(dir.start().await);
    for running in [true, false] {
        if !running {
            trial.take().unwrap().kill();
        }
        for program in [log_out(), dir.hardtack(wrong)] {
            let error = refusal(&program, 2).await;
            assert!(error.starts_with("hardtack: some servers store their sessions in the "), "{error}");
        }
    }
    let url = format!("sqlite:{}", dir.path("hardtack-data/hardtack.db").display());
    let database = hardtack_db::Pool::from(hardtack_sqlx::Database::open(&url).await.unwrap());
    let sql = "UPDATE hardtack_settings SET value = '1 database'
        WHERE name LIKE 'session_place_of_server:%' AND value LIKE '% database'";
    assert_eq!(database.execute(hardtack_db::Statement::new(sql)).await.unwrap(), 1);
    database.close().await;
    assert_eq!(output(&log_out()), "ada is logged out; 1 session was ended.\n");
    is_refused_soon(&ada, "logged out").await;
}

/// After all servers have stopped, commands looked where the server that was started last kept its sessions, even if
/// that was a trial server that had stopped before the others.
#[tokio::test]
async fn k07_a_trial_server_that_stopped_first_does_not_mislead_commands() {
    let (redis, other) = (RedisServer::start(), RedisServer::start());
    let dir = TestDir::new();
    let server = start(&dir.serve(["--redis-url", &redis.url()])).await;
    sign_up(&mut server.client(), "ada").await;
    dir.start().await.stop().await;
    start(&dir.serve(["--redis-url", &other.url()])).await.stop().await;
    server.stop().await;
    for wrong in [&["user", "log-out", "ada"][..], &["user", "log-out", "ada", "--redis-url", &other.url()]] {
        let error = refusal(&dir.hardtack(wrong.iter().copied()), 2).await;
        let place = format!("the servers store their sessions in the Redis at redis://127.0.0.1:{}/0", redis.port());
        assert!(error.starts_with(&format!("hardtack: {place}")), "{error}");
    }
    let right = ["user", "log-out", "ada", "--redis-url", &redis.url()];
    assert_eq!(output(&dir.hardtack(right)), "ada is logged out; 1 session was ended.\n");
}

/// Two servers name the same Redis differently. While Redis is down, a command with the address of either server
/// leaves the sessions to the servers.
#[tokio::test]
async fn k07_the_address_of_any_running_server_is_right() {
    let redis = RedisServer::start();
    let dir = TestDir::new();
    let addresses = [redis.url(), redis.url().replace("127.0.0.1", "localhost")];
    let one = start(&dir.serve(["--redis-url", &addresses[0]])).await;
    let other = start(&dir.serve(["--redis-url", &addresses[1]])).await;
    sign_up(&mut one.client(), "ada").await;
    redis.stop();
    for address in &addresses {
        assert_eq!(
            output(&dir.hardtack(["user", "log-out", "ada", "--redis-url", address])),
            "ada is logged out; the servers will end the sessions as soon as they can reach the session store.\n"
        );
    }
    // An address that no server uses may lead anywhere.
    let unknown = redis.url().replace("127.0.0.1", "127.0.0.2");
    let error = refusal(&dir.hardtack(["user", "log-out", "ada", "--redis-url", &unknown]), 1).await;
    let shown = [&addresses[0], &unknown].map(|url| format!("redis://{}", url.split('@').nth(1).unwrap()));
    assert!(error.contains("; nothing was changed, because this command cannot find out whether"), "{error}");
    assert!(error.contains(&format!("whether {} is the servers' Redis; if you write", shown[1])), "{error}");
    let localhost = shown[0].replace("127.0.0.1", "localhost");
    assert!(
        [&shown[0], &localhost].iter().any(|own| error.contains(&format!("as the servers do ({own}),"))),
        "{error}"
    );
    drop((one, other));
}

/// `hardtack user` used to report that it had ended sessions when it had ended none.
#[tokio::test]
async fn k07_sessions_are_not_looked_for_where_the_servers_do_not_keep_them() {
    let redis = RedisServer::start();
    let other = RedisServer::start();
    let dir = TestDir::new();
    let server = start(&dir.serve(["--redis-url", &redis.url()])).await;
    let mut ada = server.client();
    sign_up(&mut ada, "ada").await;
    for args in [&["log-out", "ada"][..], &["disable", "ada"], &["rename", "ada", "eve"], &["delete", "ada", "--yes"]] {
        let command = || ["user"].into_iter().chain(args.iter().copied());
        let error = refusal(&dir.hardtack(command()), 2).await;
        assert_eq!(
            error,
            format!(
                "hardtack: the servers store their sessions in the Redis at redis://127.0.0.1:{}/0, but this command \
                 would search the database for sessions; set --redis-url or HARDTACK_REDIS_URL to the value that the \
                 servers use",
                redis.port()
            )
        );
        let other = other.url();
        let error = refusal(&dir.hardtack(command().chain(["--redis-url", &other])), 2).await;
        assert!(error.contains(" is a different Redis; set --redis-url or HARDTACK_REDIS_URL to the value"), "{error}");
        assert!(is_logged_in(&mut ada).await, "{args:?}");
    }
    assert!(!output(&dir.hardtack(["user", "list"])).contains("disabled"));
    // The address of the servers leads this command to another Redis, or to one that has lost its data.
    let id = "{hardtack}:id";
    assert_eq!(redis.command(&format!("RENAME {id} {id}-aside")), "+OK");
    redis.command(&format!("SET {id} other"));
    // Stop the server, because it would use the other id from then on if it saw that id.
    signal(&server, "STOP");
    let with_same_address = |args: &[&str]| {
        dir.hardtack(["user"].into_iter().chain(args.iter().copied()).chain(["--redis-url", &redis.url()]))
    };
    for args in [&["log-out", "ada"][..], &["disable", "ada"], &["rename", "ada", "eve"], &["delete", "ada", "--yes"]] {
        let error = refusal(&with_same_address(args), 2).await;
        assert!(error.contains(" than the servers do; run the command on a machine where"), "{error}");
    }
    redis.command(&format!("DEL {id}"));
    let later = output(&with_same_address(&["log-out", "ada"]));
    assert_eq!(
        later,
        "ada is logged out; the servers will end the sessions as soon as they can reach the session store.\n"
    );
    assert_eq!(redis.command(&format!("RENAME {id}-aside {id}")), "+OK");
    signal(&server, "CONT");
    // Servers leave an intention to the process that wrote it for two seconds.
    is_refused_eventually(&ada, "logged out by the server").await;
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);

    // The same Redis under another address.
    let localhost = redis.url().replace("127.0.0.1", "localhost");
    let args = ["user", "log-out", "ada", "--redis-url", &localhost];
    assert_eq!(output(&dir.hardtack(args)), "ada is logged out; 1 session was ended.\n");
    is_refused_soon(&ada, "logged out").await;
    server.stop().await;

    // The next server keeps them in the database.
    let server = start(&dir.serve([])).await;
    let mut ada = server.client();
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    let error = refusal(&dir.hardtack(["user", "log-out", "ada", "--redis-url", &redis.url()]), 2).await;
    assert!(
        error.starts_with("hardtack: the servers store their sessions in the database, but this command"),
        "{error}"
    );
    assert_eq!(output(&dir.hardtack(["user", "log-out", "ada"])), "ada is logged out; 1 session was ended.\n");
    is_refused_soon(&ada, "logged out").await;
}
