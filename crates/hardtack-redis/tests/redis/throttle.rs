//! Counters of tries in Redis.

use std::time::{Duration, Instant};

use hardtack::clock::SystemClock;
use hardtack::jwt::Algorithm;
use hardtack::testing::throttle_conformance;
use hardtack::throttle::{Budget, BudgetKey, Now, Rate, Throttle, ThrottleStore, Verdict};
use hardtack::{KeySet, SessionId, SigningKey};
use hardtack_redis::RedisThrottleStore;
use hardtack_test_support::services::redis::RedisServer;
use hardtack_test_support::wait;
use tokio::task::JoinSet;

use crate::{open, open_fresh, open_twice};

const HOUR: Duration = Duration::from_secs(3600);

fn hourly(burst: u32) -> Budget {
    // A session id is 128 random bits.
    let key = u128::from_str_radix(&SessionId::random().to_string(), 16).unwrap().to_be_bytes();
    Budget::new(BudgetKey::from_bytes(key), Rate::new(burst, HOUR)).failures_in_a_row(Rate::new(100, HOUR))
}

/// A store with a time limit that is long enough for a busy machine.
fn patient(store: RedisThrottleStore) -> RedisThrottleStore {
    store.with_timeout(wait::LONGEST_WAIT)
}

async fn take(store: &RedisThrottleStore, budgets: &[Budget]) -> Verdict {
    store.take(budgets, Now::of(&SystemClock)).await.unwrap()
}

#[tokio::test]
async fn counters_conform() {
    throttle_conformance(&patient(open_fresh().await.throttle()), &SystemClock, tokio::time::sleep).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s57_of_fifty_parallel_tries_as_many_pass_as_there_are_tokens() {
    let servers = open_twice().await.map(|sessions| patient(sessions.throttle()));
    let [address, account] = [hourly(20), hourly(30)];
    let mut tries = JoinSet::new();
    for racer in 0..50 {
        let store = servers[racer % 2].clone();
        tries.spawn(async move { usize::from(take(&store, &[address, account]).await == Verdict::Taken) });
    }
    assert_eq!(tries.join_all().await.into_iter().sum::<usize>(), 20);
    let mut left = 0;
    while take(&servers[0], &[account]).await == Verdict::Taken {
        left += 1;
    }
    assert_eq!(left, 10);
}

#[tokio::test]
async fn s57_a_flood_of_names_leaves_bounded_counters_and_the_account_that_is_under_attack() {
    let server = RedisServer::shared();
    let name = server.name();
    let store = patient(RedisThrottleStore::open_named(server.url(), &name).await.unwrap()).with_capacity(500);
    let alice = hourly(10);
    while take(&store, &[alice]).await == Verdict::Taken {}
    for _ in 0..3000 {
        assert_eq!(take(&store, &[hourly(10)]).await, Verdict::Taken);
    }
    assert_ne!(take(&store, &[alice]).await, Verdict::Taken);
    let rows = |server: &RedisServer| server.command(&format!("HLEN {{{name}}}:throttle"));
    assert_eq!(rows(server), ":500");
    // Counters that are full are deleted while others are added.
    let short = || Budget::new(hourly(1).key(), Rate::new(1, Rate::MIN_EVERY));
    for _ in 0..1000 {
        take(&store.clone().with_capacity(1_000_000), &[short()]).await;
    }
    let left: usize = rows(server).trim_start_matches(':').parse().unwrap();
    assert!(left < 700, "{left}");
}

#[tokio::test]
async fn s57_while_redis_hangs_or_is_down_each_server_counts_alone() {
    let server = RedisServer::start();
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let throttle = Throttle::builder(&keys).store(open(&server).await.throttle()).build();
    let budget = Budget::new(throttle.key("account", &["alice"]), Rate::new(3, HOUR));
    while throttle.take(&[budget]).await.is_ok() {}

    server.pause();
    let since = Instant::now();
    let mut passed = 0;
    while throttle.take(&[budget]).await.is_ok() {
        passed += 1;
    }
    for _ in 0..60 {
        assert!(throttle.take(&[budget]).await.is_err());
    }
    let took = since.elapsed();
    server.resume();
    assert_eq!(passed, 3, "counted in memory");
    // If each attempt asked the store, each attempt would take seconds.
    assert!(took < Duration::from_secs(30), "{took:?}");

    server.stop();
    assert!(throttle.take(&[budget]).await.is_err(), "the counters in memory are kept");
    let other = Budget::new(throttle.key("account", &["bob"]), Rate::new(3, HOUR));
    throttle.take(&[other]).await.unwrap().failed();
    server.start_again();
    let passed = async || {
        let mut passed = 0;
        while throttle.take(&[other]).await.is_ok() {
            passed += 1;
        }
        passed
    };
    wait::until("the shared counters are used", async || passed().await == 3).await;
}
