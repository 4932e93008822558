//! Two servers that share a store, of each kind.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use hardtack_test_support::Client;
use hardtack_test_support::process::{Process, Program};
use hardtack_test_support::services::postgres;
use hardtack_test_support::services::redis::RedisServer;

use crate::support::{TestDir, output, sign_up, start};

/// Where the sessions are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// In an SQLite file that both servers open.
    Sqlite,
    /// In PostgreSQL, as the accounts are.
    Postgres,
    /// In Redis; the accounts are in PostgreSQL.
    Redis,
    /// In PostgreSQL; Redis announces which sessions have ended.
    Notice,
}

/// Generates a test for each function and each store.
macro_rules! on_every_store {
    ($tests:tt) => {
        hardtack_test_support::on_every_store! {
            [
                on_sqlite: crate::stores::Store::Sqlite,
                on_postgres: crate::stores::Store::Postgres,
                on_redis: crate::stores::Store::Redis,
                on_postgres_with_notice: crate::stores::Store::Notice,
            ]
            $tests
        }
    };
}
pub(crate) use on_every_store;

const REDIS_DATABASES: usize = 64;

/// An unused database of the Redis that all tests share.
fn redis_database() -> String {
    static SHARED: OnceLock<RedisServer> = OnceLock::new();
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let server = SHARED.get_or_init(|| RedisServer::start_with(&["--databases", &REDIS_DATABASES.to_string()]));
    let number = TAKEN.fetch_add(1, Ordering::Relaxed);
    assert!(number < REDIS_DATABASES, "more tests than databases");
    format!("{}/{number}", server.url().trim_end_matches("/0"))
}

impl Store {
    /// The environment variables for a new, empty store.
    pub(crate) fn fresh(self) -> Vec<(&'static str, String)> {
        let database = || ("HARDTACK_DATABASE_URL", postgres::shared().database());
        match self {
            Self::Sqlite => Vec::new(),
            Self::Postgres => vec![database()],
            Self::Redis => on_redis(postgres::shared().database(), redis_database()),
            Self::Notice => {
                vec![database(), ("HARDTACK_REDIS_URL", redis_database()), ("HARDTACK_REDIS_FOR", "notice".to_owned())]
            }
        }
    }
}

/// The environment variables of a server that stores its sessions in Redis.
pub(crate) fn on_redis(database: String, redis: String) -> Vec<(&'static str, String)> {
    vec![("HARDTACK_DATABASE_URL", database), ("HARDTACK_REDIS_URL", redis)]
}

/// A server that stores its sessions in a Redis of its own, and a browser in which a user is logged in.
pub(crate) struct ServerOnRedis {
    pub(crate) redis: RedisServer,
    pub(crate) dir: TestDir,
    /// The program that was started as `server`.
    pub(crate) program: Program,
    pub(crate) server: Process,
    /// The browser of the user `ada`.
    pub(crate) ada: Client,
}

impl ServerOnRedis {
    pub(crate) async fn start() -> Self {
        Self::over(RedisServer::start()).await
    }

    pub(crate) async fn over(redis: RedisServer) -> Self {
        let dir = TestDir::new();
        let program = dir.serve(["--redis-url", &redis.url()]);
        let server = start(&program).await;
        let mut ada = server.client();
        sign_up(&mut ada, "ada").await;
        Self { redis, dir, program, server, ada }
    }
}

/// Two servers with one store and one key.
pub(crate) struct TwoServers {
    pub(crate) one: Process,
    pub(crate) other: Process,
    _dirs: Vec<TestDir>,
}

impl TwoServers {
    pub(crate) async fn start(store: Store) -> Self {
        Self::start_with(store, &[]).await
    }

    pub(crate) async fn start_with(store: Store, args: &[&str]) -> Self {
        if store != Store::Sqlite {
            return Self::over(&store.fresh(), args).await;
        }
        // Both share the folder with the database and the keys.
        let dir = TestDir::new();
        let program = dir.serve(args.iter().copied());
        let (one, other) = (start(&program).await, start(&program).await);
        Self { one, other, _dirs: vec![dir] }
    }

    /// Starts servers as if on two machines: each with a folder of its own, and the key from the environment.
    pub(crate) async fn over(env: &[(&str, String)], args: &[&str]) -> Self {
        let dirs = [TestDir::new(), TestDir::new()];
        let secret = output(&dirs[0].hardtack(["keys", "generate"]));
        let programs = dirs.each_ref().map(|dir| -> Program {
            let program = dir.serve(args.iter().copied()).env("JWT_SECRET_KEY", secret.trim());
            env.iter().fold(program, |program, (name, value)| program.env(name, value))
        });
        // Both migrate the empty database at the same time.
        let (one, other) = tokio::join!(start(&programs[0]), start(&programs[1]));
        Self { one, other, _dirs: dirs.into() }
    }

    pub(crate) fn both(&self) -> [&Process; 2] {
        [&self.one, &self.other]
    }
}

/// The same browser at another server, as if a load balancer had sent it there.
pub(crate) fn at(server: &Process, client: &Client) -> Client {
    let mut moved = server.client();
    *moved.jar() = client.clone().jar().clone();
    moved
}
