//! Counters of tries on both databases.

use std::time::{Duration, Instant};

use hardtack::clock::SystemClock;
use hardtack::error::WithCauses;
use hardtack::jwt::Algorithm;
use hardtack::testing::{TestClock, throttle_conformance};
use hardtack::throttle::{Budget, BudgetKey, Now, Rate, Throttle, ThrottleStore, Verdict};
use hardtack::{KeySet, SessionId, SigningKey};
use hardtack_db::{Pool, Statement};
use hardtack_sqlx::SqlThrottleStore;
use hardtack_test_support::services::PostgresServer;
use hardtack_test_support::wait;
use tokio::task::JoinSet;

use crate::test_database::TestDatabase;

const HOUR: Duration = Duration::from_secs(3600);

fn key() -> BudgetKey {
    // A session id is 128 random bits.
    BudgetKey::from_bytes(u128::from_str_radix(&SessionId::random().to_string(), 16).unwrap().to_be_bytes())
}

fn hourly(burst: u32) -> Budget {
    Budget::new(key(), Rate::new(burst, HOUR)).failures_in_a_row(Rate::new(100, HOUR))
}

/// A store with a time limit that is long enough for a busy machine.
async fn store(database: &TestDatabase) -> SqlThrottleStore {
    database.sessions().await.throttle().with_timeout(wait::LONGEST_WAIT)
}

async fn take(store: &SqlThrottleStore, budgets: &[Budget], clock: &TestClock) -> Verdict {
    let mut budgets = budgets.to_vec();
    budgets.sort_by_key(Budget::key);
    store.take(&budgets, Now::of(clock)).await.unwrap()
}

async fn rows(database: &TestDatabase) -> i64 {
    let pool = Pool::from(database.open().await);
    let count: Vec<(i64,)> = pool.fetch(Statement::new("SELECT count(*) FROM throttle")).await.unwrap();
    count[0].0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_conform() {
    let [sqlite, postgres] = TestDatabase::both();
    let clock = TestClock::start_now();
    throttle_conformance(&store(&sqlite).await, &clock, async |span| clock.advance(span)).await;
    throttle_conformance(&store(&postgres).await, &SystemClock, tokio::time::sleep).await;
}

/// Two servers, and tries of two accounts from one address, in both orders of the keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s57_of_fifty_parallel_tries_as_many_pass_as_there_are_tokens() {
    for database in TestDatabase::both() {
        let servers = [store(&database).await, store(&database).await];
        let clock = TestClock::start_now();
        let [address, one, other, fourth] = [hourly(20), hourly(12), hourly(12), hourly(10)];
        let mut tries = JoinSet::new();
        for racer in 0..50 {
            let (store, clock) = (servers[racer % 2].clone(), clock.clone());
            let account = if racer % 3 == 0 { one } else { other };
            tries.spawn(async move {
                let both = take(&store, &[address, account], &clock).await;
                let single = take(&store, &[fourth], &clock).await;
                [both, single].map(|verdict| usize::from(verdict == Verdict::Taken))
            });
        }
        let passed = tries.join_all().await.into_iter().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
        assert_eq!(passed, [20, 10]);
        // Nothing was taken from an account if the address was refused.
        let mut left = 0;
        for account in [one, other] {
            while take(&servers[0], &[account], &clock).await == Verdict::Taken {
                left += 1;
            }
        }
        assert_eq!(left, 4);
        // Give-backs and tries at once: none is lost.
        let mut tries = JoinSet::new();
        for server in [0, 1, 0, 1, 0, 1, 0, 1] {
            let (store, clock) = (servers[server].clone(), clock.clone());
            tries.spawn(async move {
                let mut budgets = [address, fourth];
                budgets.sort_by_key(Budget::key);
                store.give_back(&budgets, Now::of(&clock)).await.unwrap();
                usize::from(take(&store, &[address, fourth], &clock).await == Verdict::Taken)
            });
        }
        let passed: usize = tries.join_all().await.into_iter().sum();
        let mut left = 0;
        while take(&servers[1], &[address, fourth], &clock).await == Verdict::Taken {
            left += 1;
        }
        assert_eq!(passed + left, 8);
    }
}

/// The counters survive a restart. A clock that was wrong locks nobody out, whichever way it is set.
#[tokio::test]
async fn a_clock_that_is_set_delays_a_try_by_one_interval_at_most() {
    let every = Duration::from_secs(30);
    let budget = Budget::new(key(), Rate::new(3, every)).failures_in_a_row(Rate::new(100, HOUR));
    let [sqlite, postgres] = TestDatabase::both();
    let clock = TestClock::start_now();
    clock.set_forward(HOUR);
    for set in [TestClock::set_back, TestClock::set_back, TestClock::set_forward] {
        let store = store(&sqlite).await;
        while take(&store, &[budget], &clock).await == Verdict::Taken {}
        set(&clock, HOUR);
        let store = self::store(&sqlite).await;
        if let Verdict::Refused { wait, .. } = take(&store, &[budget], &clock).await {
            assert!(wait <= every, "{wait:?}");
            clock.advance(wait);
            assert_eq!(take(&store, &[budget], &clock).await, Verdict::Taken);
        }
    }
    // PostgreSQL's clock was an hour ahead when the counter was written.
    let store = store(&postgres).await;
    let slow = Budget::new(key(), Rate::new(3, HOUR)).failures_in_a_row(Rate::new(100, HOUR));
    while take(&store, &[slow], &clock).await == Verdict::Taken {}
    let ahead = "UPDATE throttle SET full_at = full_at + 36000000, failures_full_at = failures_full_at + 3600000000";
    Pool::from(postgres.open().await).execute(Statement::new(ahead)).await.unwrap();
    for _ in 0..3 {
        let Verdict::Refused { wait, .. } = take(&store, &[slow], &clock).await else { panic!("a token") };
        assert!(wait <= HOUR, "{wait:?}");
    }
    let sql = "SELECT full_at, failures_full_at FROM throttle";
    let corrected: Vec<(i64, i64)> = Pool::from(postgres.open().await).fetch(Statement::new(sql)).await.unwrap();
    let latest = Now::of(&SystemClock).unix_ms + 3_600_000 * 100;
    assert!(corrected[0].0 <= latest && corrected[0].1 <= latest, "{corrected:?}");
}

/// The server whose clock is behind lowered the times that the other one had stored, as if its own clock had been set
/// back. That filled the buckets for the other one, again and again.
#[tokio::test]
async fn s57_servers_whose_clocks_differ_give_each_other_no_tokens() {
    let database = TestDatabase::both().into_iter().next().unwrap();
    let servers = [store(&database).await, store(&database).await];
    let clocks = [TestClock::start_now(), TestClock::start_now()];
    let apart = Duration::from_secs(400);
    clocks[1].set_forward(apart);
    let budget = Budget::new(key(), Rate::new(10, Duration::from_secs(30))).failures_in_a_row(Rate::new(100, HOUR));
    let mut taken = 0;
    for _ in 0..40 {
        for (server, clock) in servers.iter().zip(&clocks) {
            taken += u32::from(take(server, &[budget], clock).await == Verdict::Taken);
        }
    }
    // The first try of the server that is ahead counts as 400 seconds later, in which the bucket has become full.
    assert!((10..=11).contains(&taken), "{taken}");
    // Nor do they take tokens from each other for longer than the difference.
    clocks.iter().for_each(|clock| clock.advance(apart + Duration::from_secs(30)));
    assert_eq!(take(&servers[0], &[budget], &clocks[0]).await, Verdict::Taken);
    assert_eq!(take(&servers[1], &[budget], &clocks[1]).await, Verdict::Taken);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s57_a_store_waits_for_a_slow_database_as_long_as_it_is_told() {
    let [sqlite, _] = TestDatabase::both();
    let (patient, clock) = (store(&sqlite).await, TestClock::start_now());
    let default = patient.clone().with_timeout(SqlThrottleStore::DEFAULT_TIMEOUT);
    let writer = Pool::from(sqlite.open().await).begin().await.unwrap();
    let waiting = tokio::spawn({
        let clock = clock.clone();
        async move { take(&patient, &[hourly(10)], &clock).await }
    });
    let error = default.take(&[hourly(10)], Now::of(&clock)).await.unwrap_err();
    let error = WithCauses(&error).to_string();
    assert!(error.contains("the database has not responded for 1 s"), "{error}");
    drop(writer);
    assert_eq!(waiting.await.unwrap(), Verdict::Taken);
}

#[tokio::test]
async fn s57_a_flood_of_names_leaves_a_bounded_table_and_the_account_that_is_under_attack() {
    for database in TestDatabase::both() {
        let store = store(&database).await.with_capacity(100);
        let clock = TestClock::start_now();
        let alice = hourly(10);
        while take(&store, &[alice], &clock).await == Verdict::Taken {}
        for _ in 0..400 {
            assert_eq!(take(&store, &[hourly(10)], &clock).await, Verdict::Taken);
        }
        assert_ne!(take(&store, &[alice], &clock).await, Verdict::Taken);
        // A sweep runs beside the tries.
        let shrinks_to = async |bound| {
            take(&store, &[hourly(10)], &clock).await;
            rows(&database).await <= bound
        };
        wait::until("rows are deleted", async || shrinks_to(250).await).await;
        // When the buckets are full again, their rows are deleted.
        let past = "UPDATE throttle SET full_at = 0, failures_full_at = 0";
        Pool::from(database.open().await).execute(Statement::new(past)).await.unwrap();
        wait::until("rows of full buckets are deleted", async || shrinks_to(100).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s57_while_a_database_hangs_or_is_down_each_server_counts_alone() {
    let server = PostgresServer::start_new();
    let sessions = hardtack_sqlx::PostgresSessions::open(&server.database()).await.unwrap();
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
    let throttle = Throttle::builder(&keys).store(sessions.throttle()).build();
    let budget = Budget::new(throttle.key("account", &["alice"]), Rate::new(3, HOUR));
    while throttle.take(&[budget]).await.is_ok() {}

    server.halt(true);
    let since = Instant::now();
    let mut passed = 0;
    while throttle.take(&[budget]).await.is_ok() {
        passed += 1;
    }
    for _ in 0..60 {
        assert!(throttle.take(&[budget]).await.is_err());
    }
    let took = since.elapsed();
    server.halt(false);
    assert_eq!(passed, 3, "counted in memory");
    // If each attempt asked the store, each attempt would take seconds.
    assert!(took < Duration::from_secs(30), "{took:?}");

    server.kill();
    assert!(throttle.take(&[budget]).await.is_err(), "the counters in memory are kept");
    let other = Budget::new(throttle.key("account", &["bob"]), Rate::new(3, HOUR));
    throttle.take(&[other]).await.unwrap().failed();
    server.start();
    // The shared store is asked again after a pause: it does not know the try of the outage.
    let passed = async || {
        let mut passed = 0;
        while throttle.take(&[other]).await.is_ok() {
            passed += 1;
        }
        passed
    };
    wait::until("the shared counters are used", async || passed().await == 3).await;
    assert!(throttle.take(&[budget]).await.is_err(), "the shared counters survived");
}
