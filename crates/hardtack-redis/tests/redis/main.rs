//! Sessions in a real Redis: the conformance suite, and tests with server failures and several processes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "test helpers")]

mod log;
mod lost_response;
mod notifying;
mod opening;
mod outage;
mod parallel;
mod rows;
mod servers;

use std::time::Duration;

use hardtack::session::{Ends, Rotation, SessionRules};
use hardtack::testing::store_conformance;
use hardtack::{MemorySessions, Session, Timestamp};
use hardtack_conformance::services::redis::RedisServer;
use hardtack_redis::{NotifyingSessions, RedisSessions};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const NO_SESSIONS: Ends<'static> = Ends::These(&[]);

fn session(subject: &str) -> Session {
    Session::begin(subject, NOW, &SessionRules::default())
}

fn at(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn next(seconds: u64) -> Rotation {
    Rotation { now: at(seconds), expires_at: at(seconds + 3600), auth_time: None }
}

async fn open(server: &RedisServer) -> RedisSessions {
    RedisSessions::open(server.url()).await.unwrap()
}

/// Opens a new, empty store on the shared server.
async fn open_fresh() -> RedisSessions {
    let server = RedisServer::shared();
    RedisSessions::open_named(server.url(), &server.name()).await.unwrap()
}

/// Opens a new store twice, as two processes would.
async fn open_twice() -> [RedisSessions; 2] {
    let server = RedisServer::shared();
    let name = server.name();
    let open = || RedisSessions::open_named(server.url(), &name);
    [open().await.unwrap(), open().await.unwrap()]
}

#[tokio::test]
async fn sessions_on_redis_conform() {
    store_conformance(open_fresh).await;
}

#[tokio::test]
async fn notifying_sessions_conform() {
    let server = RedisServer::shared();
    let fresh = || NotifyingSessions::named(MemorySessions::new(), server.url(), &server.name());
    store_conformance(async || fresh().unwrap()).await;
}
