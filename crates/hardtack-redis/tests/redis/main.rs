//! Sessions on a real Redis: the conformance suite, and what only a server, its failures and several
//! processes can show.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of tests")]

mod authenticators;
mod log;
mod lost_answer;
mod notifying;
mod opening;
mod outage;
mod parallel;
mod rows;

use std::time::Duration;

use hardtack::MemorySessions;
use hardtack::clock::Timestamp;
use hardtack::session::Session;
use hardtack::session::{RevokeTarget, Rotation};
use hardtack::testing::store_conformance;
use hardtack_redis::{NotifyingSessions, RedisSessions};
use hardtack_test_support::services::redis::RedisServer;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const NOBODY: RevokeTarget<'static> = RevokeTarget::Sessions(&[]);

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

/// A store of its own on the server that all share.
async fn open_fresh() -> RedisSessions {
    let server = RedisServer::shared();
    RedisSessions::open_named(server.url(), &server.name()).await.unwrap()
}

/// Two that know nothing of each other, as in two processes.
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
async fn sessions_that_notify_conform() {
    let server = RedisServer::shared();
    let fresh = || NotifyingSessions::named(MemorySessions::new(), server.url(), &server.name());
    store_conformance(async || fresh().unwrap()).await;
}
