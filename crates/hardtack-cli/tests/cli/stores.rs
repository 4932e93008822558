//! Two servers that share a store, whichever it is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use hardtack_test_support::Client;
use hardtack_test_support::process::{Process, Program};
use hardtack_test_support::services::postgres;
use hardtack_test_support::services::redis::RedisServer;

use crate::support::{Place, output, start};

/// Where the sessions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// In a file that both open.
    Sqlite,
    /// With the accounts, on one server.
    Postgres,
    /// On a Redis; the accounts are on PostgreSQL.
    Redis,
    /// On PostgreSQL, and word of what has ended goes through a Redis.
    Notice,
}

/// Makes a test for each store of each function.
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

/// A database of the Redis that all tests share.
fn redis_database() -> String {
    static SHARED: OnceLock<RedisServer> = OnceLock::new();
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    let server = SHARED.get_or_init(|| RedisServer::start_with(&["--databases", &REDIS_DATABASES.to_string()]));
    let number = TAKEN.fetch_add(1, Ordering::Relaxed);
    assert!(number < REDIS_DATABASES, "more tests than databases");
    format!("{}/{number}", server.url().trim_end_matches("/0"))
}

impl Store {
    /// What a server is told of a store of its own, empty one.
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

/// What a server is told that keeps its sessions on a Redis.
pub(crate) fn on_redis(database: String, redis: String) -> Vec<(&'static str, String)> {
    vec![("HARDTACK_DATABASE_URL", database), ("HARDTACK_REDIS_URL", redis)]
}

/// Two servers that are one to their users.
pub(crate) struct Two {
    pub(crate) one: Process,
    pub(crate) other: Process,
    _places: Vec<Place>,
}

impl Two {
    pub(crate) async fn start(store: Store) -> Self {
        Self::start_with(store, &[]).await
    }

    pub(crate) async fn start_with(store: Store, args: &[&str]) -> Self {
        if store != Store::Sqlite {
            return Self::over(&store.fresh(), args).await;
        }
        // One folder, with the database and the keys.
        let place = Place::new();
        let program = place.serve(args.iter().copied());
        let (one, other) = (start(&program).await, start(&program).await);
        Self { one, other, _places: vec![place] }
    }

    /// On two machines, so to speak: a folder each, and one key from the environment.
    pub(crate) async fn over(told: &[(&str, String)], args: &[&str]) -> Self {
        let places = [Place::new(), Place::new()];
        let secret = output(&places[0].hardtack(["keys", "generate"]));
        let programs = places.each_ref().map(|place| -> Program {
            let program = place.serve(args.iter().copied()).env("JWT_SECRET_KEY", secret.trim());
            told.iter().fold(program, |program, (name, value)| program.env(name, value))
        });
        // At once, on an empty database: each migrates.
        let (one, other) = tokio::join!(start(&programs[0]), start(&programs[1]));
        Self { one, other, _places: places.into() }
    }

    pub(crate) fn both(&self) -> [&Process; 2] {
        [&self.one, &self.other]
    }
}

/// The same browser at another server: a load balancer sent it there.
pub(crate) fn at(server: &Process, client: &Client) -> Client {
    let mut moved = server.client();
    *moved.jar() = client.clone().jar().clone();
    moved
}
