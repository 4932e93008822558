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
mod throttle;

use std::time::Duration;

use hardtack::MemorySessions;
use hardtack::clock::Timestamp;
use hardtack::session::Session;
use hardtack::session::{RevokeTarget, Rotation};
use hardtack::testing::store_conformance;
use hardtack_redis::{NotifyingSessions, RedisSessions};
use hardtack_test_support::services::redis::RedisServer;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const NO_SESSIONS: RevokeTarget<'static> = RevokeTarget::Sessions(&[]);

fn session(subject: &str) -> Session {
    hardtack::testing::session(subject, NOW)
}

fn at(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn next(seconds: u64) -> Rotation {
    Rotation::new(at(seconds), at(seconds + 3600))
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
