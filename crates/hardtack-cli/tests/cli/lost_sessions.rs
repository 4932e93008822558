//! The store has lost the rows of sessions: an older backup was restored, or Redis was restarted without its data.

use hardtack_db::{Pool, Statement};
use hardtack_sqlx::Database;
use hardtack_test_support::Client;
use hardtack_test_support::process::Program;
use hardtack_test_support::services::postgres;
use hardtack_test_support::services::redis::RedisServer;
use hardtack_test_support::wait;
use serde_json::json;

use crate::settings_table::Settings;
use crate::stores::{ServerOnRedis, Store, TwoServers, at, on_every_store, on_redis};
use crate::support::{
    PASSWORD, TestDir, is_logged, is_logged_in, is_refused_eventually, is_refused_soon, log_in, log_out, output,
    refresh, sign_up, start, with_copied_access_cookie,
};

on_every_store! {{
    s28_a_log_out_ends_a_session_whose_row_was_lost,
    s27_a_log_in_ends_a_session_whose_row_was_lost,
    s35_a_password_change_ends_a_session_whose_row_was_lost,
    s36_a_used_reset_link_ends_the_browsers_session_whose_row_was_lost,
}}

/// Two servers, and their store.
struct Servers {
    two: TwoServers,
    dir: TestDir,
    env: Vec<(&'static str, String)>,
    /// The Redis with the sessions, if they are not in the database.
    redis: Option<RedisServer>,
}

impl Servers {
    async fn start(store: Store) -> Self {
        let dir = TestDir::new();
        let redis = (store == Store::Redis).then(RedisServer::start);
        let env = match (store, &redis) {
            (Store::Sqlite, _) => {
                vec![("HARDTACK_DATABASE_URL", format!("sqlite:{}", dir.path("app.db").display()))]
            }
            (_, Some(redis)) => on_redis(postgres::shared().database(), redis.url()),
            _ => store.fresh(),
        };
        Self { two: TwoServers::over(&env, &[]).await, dir, env, redis }
    }

    /// Deletes the rows of all sessions.
    async fn lose_sessions(&self) {
        match &self.redis {
            Some(redis) => {
                let script = "return redis.call('DEL', unpack(redis.call('KEYS', '*:session:*')))";
                assert_ne!(redis.command(&format!("EVAL \"{script}\" 0")), ":0");
            }
            None => assert!(execute(&self.env[0].1, "DELETE FROM sessions").await > 0),
        }
    }

    /// Logs someone in at one server, and loses the session. Returns the browser, and a copy of the access cookie at
    /// the other server. Both servers still accept it.
    async fn lost_session(&self) -> (Client, Client) {
        let mut client = self.two.one.client();
        sign_up(&mut client, "someone").await;
        for _ in 0..10 {
            let copy = with_copied_access_cookie(&client, &self.two.other);
            self.lose_sessions().await;
            // If a server is too busy to keep up with the log, it checks the session in the store and refuses it.
            if is_logged_in(&mut client.clone()).await && is_logged_in(&mut copy.clone()).await {
                return (client, copy);
            }
            assert_eq!(log_in(&mut client, "someone", PASSWORD).await, 200);
        }
        panic!("the servers are too busy");
    }

    fn operator(&self, args: &[&str]) -> Program {
        let program = self.dir.hardtack(["user"].into_iter().chain(args.iter().copied()));
        self.env.iter().fold(program, |program, (name, value)| program.env(name, value))
    }
}

/// Runs a statement on the database, and returns how many rows it changed.
async fn execute(url: &str, sql: &'static str) -> u64 {
    let database = Pool::from(Database::open(url).await.unwrap());
    let changed = database.execute(Statement::new(sql)).await.unwrap();
    database.close().await;
    changed
}

async fn s28_a_log_out_ends_a_session_whose_row_was_lost(store: Store) {
    let servers = Servers::start(store).await;
    let (mut client, copy) = servers.lost_session().await;
    log_out(&mut client).await;
    is_refused_soon(&copy, "a session that was logged out").await;
}

async fn s27_a_log_in_ends_a_session_whose_row_was_lost(store: Store) {
    let servers = Servers::start(store).await;
    let (mut client, copy) = servers.lost_session().await;
    assert_eq!(log_in(&mut client, "someone", PASSWORD).await, 200);
    is_refused_soon(&copy, "a session that was replaced").await;
    assert!(is_logged_in(&mut at(&servers.two.other, &client)).await);
}

async fn s35_a_password_change_ends_a_session_whose_row_was_lost(store: Store) {
    let servers = Servers::start(store).await;
    let (mut client, copy) = servers.lost_session().await;
    let body = json!({ "current_password": PASSWORD, "new_password": "canary-password-9a7c" });
    let response = client.post("/account/password").accept_json().csrf().json(&body).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    is_refused_soon(&copy, "the session that changed the password").await;
}

async fn s36_a_used_reset_link_ends_the_browsers_session_whose_row_was_lost(store: Store) {
    let servers = Servers::start(store).await;
    let (mut client, copy) = servers.lost_session().await;
    let site = servers.two.one.base_url().to_owned();
    let link = output(&servers.operator(&["reset-link", "someone", "--base-url", &site]));
    let token = link.trim().rsplit_once("/password/reset?token=").unwrap().1;
    let body = json!({ "token": token, "new_password": "canary-password-9a7c" });
    let response = client.post("/password/reset").accept_json().json(&body).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    is_refused_soon(&copy, "the session of the browser that used the link").await;
}

/// An older copy of the database has a shorter log.
#[tokio::test]
async fn s71_a_log_that_went_back_is_an_error_that_says_what_to_do() {
    let servers = Servers::start(Store::Sqlite).await;
    let (url, server) = (&servers.env[0].1, &servers.two.other);
    for name in ["one", "two"] {
        let mut client = servers.two.one.client();
        sign_up(&mut client, name).await;
        let copy = with_copied_access_cookie(&client, server);
        log_out(&mut client).await;
        is_refused_soon(&copy, "the server has read the log").await;
    }
    execute(url, "DELETE FROM revocations WHERE sequence > 1").await;
    assert_eq!(execute(url, "UPDATE revocation_head SET sequence = 1").await, 1);
    is_logged(server, "log_went_back").await;
    assert!(server.stderr().contains("hardtack keys rotate --discard-old"), "{}", server.stderr());
    // The server follows the restored log.
    let mut client = server.client();
    sign_up(&mut client, "three").await;
    let copy = with_copied_access_cookie(&client, &servers.two.one);
    log_out(&mut client).await;
    is_refused_soon(&copy, "after the restoration").await;
}

/// Redis is restarted without its data, and then one of two servers is restarted. Commands used to be refused until the
/// other server was restarted, too.
#[tokio::test]
async fn k07_servers_agree_again_after_redis_has_lost_its_data() {
    let redis = RedisServer::start_with(&["--appendonly", "no"]);
    let ServerOnRedis { redis, dir, program, server: one, mut ada } = ServerOnRedis::over(redis).await;
    let other = start(&program).await;
    redis.kill();
    redis.start_again();
    other.stop().await;
    let other = start(&program).await;
    let command = dir.hardtack(["user", "log-out", "ada", "--redis-url", &redis.url()]);
    wait::until("the servers agree", async || command.run().unwrap().status.success()).await;
    assert!(one.stderr().contains("sessions_lost"), "{}", one.stderr());
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    assert_eq!(output(&command), "ada is logged out; 1 session was ended.\n");
    is_refused_soon(&with_copied_access_cookie(&ada, &other), "logged out by an operator").await;
}

/// Nothing in Redis says which sessions it has lost. The access tokens of these sessions used to be accepted until they
/// expired, although a password change had told the user that all devices were logged out.
#[tokio::test]
async fn s35_s71_tokens_of_sessions_that_redis_has_lost_are_refused_at_once() {
    let ServerOnRedis { redis, dir: _dir, program, server, mut ada } = ServerOnRedis::start().await;
    let mut bob = server.client();
    sign_up(&mut bob, "bob").await;
    let copy = with_copied_access_cookie(&ada, &server);
    assert_eq!(redis.command("FLUSHALL"), "+OK");
    is_refused_soon(&copy, "after Redis was emptied").await;
    assert_eq!(log_in(&mut ada, "ada", PASSWORD).await, 200);
    assert!(is_logged_in(&mut ada).await);
    // A server that did not run when Redis was emptied.
    server.stop().await;
    assert_eq!(redis.command("FLUSHALL"), "+OK");
    let server = start(&program).await;
    for client in [&ada, &bob] {
        assert!(!is_logged_in(&mut at(&server, client)).await);
    }
}

/// An older snapshot of Redis is restored, while the server runs and while the server is stopped. The id of the session
/// store stays the same.
#[tokio::test]
async fn k07_s71_sessions_that_have_ended_do_not_live_again_in_an_older_redis() {
    for restarts in [false, true] {
        let ServerOnRedis { redis, dir, program, server, mut ada } = ServerOnRedis::start().await;
        let mut bob = server.client();
        sign_up(&mut bob, "bob").await;
        let copy = ada.clone();
        let session = session_of(&mut ada).await;
        let keys = [format!("{{hardtack}}:session:{session}"), "{hardtack}:count".to_owned()];
        for key in &keys {
            assert_eq!(redis.command(&format!("COPY {key} {key}:older")), ":1");
        }
        log_out(&mut ada).await;
        server.stop().await;
        // Each start of a server increases the number in Redis.
        start(&program).await.stop().await;
        Settings::of(&dir).await.let_a_minute_pass().await;
        let server = start(&program).await;
        let running = match restarts {
            true => {
                server.stop().await;
                None
            }
            false => Some(server),
        };
        for key in &keys {
            assert_eq!(redis.command(&format!("COPY {key}:older {key} REPLACE")), ":1");
        }
        let server = match running {
            Some(server) => server,
            None => start(&program).await,
        };
        is_logged(&server, "sessions_went_back").await;
        let mut again = at(&server, &copy);
        again.jar().remove("access_token_cookie");
        assert_eq!(refresh(&mut again).await, 401, "restarts: {restarts}");
        let mut bob = at(&server, &bob);
        bob.jar().remove("access_token_cookie");
        assert_eq!(refresh(&mut bob).await, 401, "it is not known which sessions had ended");
        // Sessions that begin later are not ended.
        assert_eq!(log_in(&mut bob, "bob", PASSWORD).await, 200);
        let carol = start(&program).await;
        assert_eq!(refresh(&mut at(&carol, &bob)).await, 200);
    }
}

/// Returns the id of the session of a browser.
async fn session_of(client: &mut Client) -> String {
    let listed = client.get("/account/sessions").accept_json().send().await.json();
    let current = listed["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true);
    current.unwrap()["id"].as_str().unwrap().to_owned()
}

/// While the server of the site runs, another server is tried out with another Redis, and is stopped. The server of the
/// site is then killed, before it has recorded again where it keeps its sessions.
#[tokio::test]
async fn k07_a_trial_does_not_hide_the_place_of_a_server_that_was_killed() {
    let trial = RedisServer::start();
    let ServerOnRedis { redis, dir, server, .. } = ServerOnRedis::start().await;
    let url = format!("sqlite:{}", dir.path("hardtack-data/hardtack.db").display());
    for kills_trial in [false, true] {
        let tried = start(&dir.serve(["--redis-url", &trial.url()])).await;
        match kills_trial {
            true => drop(tried.kill()),
            false => drop(tried.stop().await),
        }
    }
    server.kill();
    // Some time later, neither of the two servers counts as running.
    let passed = "UPDATE hardtack_settings SET value = '1 ' || SUBSTR(value, INSTR(value, ' ') + 1)
        WHERE name LIKE 'session_place_of_server:%'";
    assert!(execute(&url, passed).await > 0);
    let command = dir.hardtack(["user", "log-out", "ada", "--redis-url", &redis.url()]);
    assert_eq!(output(&command), "ada is logged out; 1 session was ended.\n");
}

/// A server that was started with another Redis used to remove the intentions, although the sessions are not in its
/// Redis.
#[tokio::test]
async fn e01_a_server_with_another_redis_leaves_intentions_alone() {
    let trial = RedisServer::start();
    let ServerOnRedis { redis, dir, program, server, ada } = ServerOnRedis::start().await;
    let url = format!("sqlite:{}", dir.path("hardtack-data/hardtack.db").display());
    server.stop().await;
    redis.stop();
    let later = output(&dir.hardtack(["user", "log-out", "ada", "--redis-url", &redis.url()]));
    assert_eq!(
        later,
        "ada is logged out; the servers will end the sessions as soon as they can reach the session store.\n"
    );

    let server = start(&dir.serve(["--redis-url", &trial.url()])).await;
    // The server carries out intentions in order. When it has carried out this one, it has also seen the first.
    execute(&url, "INSERT INTO pending_ends (subject, created_at) VALUES ('nobody', 0)").await;
    let carried_out = "UPDATE pending_ends SET subject = subject WHERE subject = 'nobody'";
    wait::until("the intention is carried out", async || execute(&url, carried_out).await == 0).await;
    server.stop().await;
    let left = "UPDATE pending_ends SET subject = subject";
    assert_eq!(execute(&url, left).await, 1, "the intention for the other Redis");

    redis.start_again();
    let server = start(&program).await;
    is_refused_eventually(&with_copied_access_cookie(&ada, &server), "logged out").await;
    wait::until("the intention is carried out", async || execute(&url, left).await == 0).await;
}
