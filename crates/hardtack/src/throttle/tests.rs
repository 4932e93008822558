//! Tests for the throttle within a single process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::store::{Now, ThrottleStore, Verdict};
use super::*;
use crate::clock::Clock;
use crate::error::BackendError;
use crate::jwt::{Algorithm, KeySet, SigningKey};
use crate::testing::{TestClock, throttle_conformance};

const HOUR: Duration = Duration::from_secs(3600);
const LOG_INS: Rate = Rate::new(10, Duration::from_secs(30));
const IN_A_ROW: Rate = Rate::new(100, HOUR);

/// Runs a future that never waits.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

fn keys() -> KeySet {
    KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())
}

fn throttle(clock: &TestClock) -> Throttle {
    Throttle::builder(&keys()).clock(clock.clone()).build()
}

fn account(throttle: &Throttle, name: &str) -> Budget {
    Budget::new(throttle.key("account", &[name]), LOG_INS).failures_in_a_row(IN_A_ROW)
}

/// Makes failed attempts until the throttle refuses one. Returns how many attempts the throttle allowed.
fn guess(throttle: &Throttle, budgets: &[Budget]) -> u32 {
    let mut guesses = 0;
    while let Ok(attempt) = run(throttle.take(budgets)) {
        attempt.failed();
        guesses += 1;
    }
    guesses
}

#[test]
fn memory_conforms() {
    let clock = TestClock::start_now();
    run(throttle_conformance(&MemoryThrottleStore::new(), &clock, async |span| clock.advance(span)));
}

/// A day of guessing: ten attempts at once, two a minute up to a hundred, and then one an hour.
#[test]
fn s57_after_a_hundred_failures_one_guess_an_hour_is_left_and_the_wait_never_grows() {
    let clock = TestClock::start_now();
    let throttle = throttle(&clock);
    let alice = account(&throttle, "alice");
    let mut guesses = 0;
    for second in 0..24 * 3600 {
        if let Ok(attempt) = run(throttle.take(&[alice])) {
            attempt.failed();
            guesses += 1;
        } else {
            let wait = run(throttle.take(&[alice])).unwrap_err();
            let limit = if guesses < 100 { LOG_INS.every() } else { HOUR };
            assert!(wait.retry_after() <= limit, "{second}: {wait}");
        }
        clock.advance(Duration::from_secs(1));
    }
    // The first hundred attempts take almost an hour, and one more attempt becomes available during this hour. After
    // that, one attempt becomes available each hour.
    assert!((100 + 23..=100 + 25).contains(&guesses), "{guesses}");
    // Pausing gains nothing: after a day-long pause, only 24 attempts are allowed.
    clock.advance(24 * HOUR);
    let mut after_pause = 0;
    for _ in 0..60 {
        after_pause += guess(&throttle, &[alice]);
        clock.advance(Duration::from_secs(30));
    }
    assert!((24..=25).contains(&after_pause), "{after_pause}");
    // When the owner logs in, the count of failures in a row is reset.
    clock.advance(HOUR);
    run(run(throttle.take(&[alice])).unwrap().succeeded());
    assert!(guess(&throttle, &[alice]) >= 9);
}

#[test]
fn an_attempt_that_is_dropped_is_a_failure_and_one_that_succeeds_costs_nothing() {
    let throttle = throttle(&TestClock::start_now());
    let [alice, address] = [account(&throttle, "alice"), Budget::new(throttle.key("address", &["::1"]), LOG_INS)];
    for _ in 0..200 {
        run(run(throttle.take(&[alice, address])).unwrap().succeeded());
    }
    for _ in 0..10 {
        drop(run(throttle.take(&[alice, address])).unwrap());
    }
    let refused = run(throttle.take(&[alice, address])).unwrap_err();
    assert_eq!(refused.retry_after(), Duration::from_secs(30));
    assert_eq!(refused.sentence(), "Too many attempts. Try again in 30 seconds.");
    assert!(!refused.failures_in_a_row());
    assert_eq!(guess(&throttle, &[account(&throttle, "bob")]), 10);
    run(throttle.clear(&[alice.key()])).unwrap();
    assert_eq!(guess(&throttle, &[alice]), 10);
    assert_eq!(guess(&throttle, &[address, address]), 0, "of budgets with the same key, one counts");
}

#[test]
fn keys_differ_by_label_parts_and_secret() {
    let [one, other] = [Throttle::new(&keys()), Throttle::new(&keys())];
    let key = one.key("account", &["alice"]);
    assert_eq!(key, one.key("account", &[b"alice"]));
    for different in [
        other.key("account", &["alice"]),
        one.key("address", &["alice"]),
        one.key("account", &["alice", ""]),
        one.key("account", &["ali", "ce"]),
        one.key("accountalice", &[] as &[&str]),
    ] {
        assert_ne!(key, different);
    }
    let shared = keys();
    let two_servers = [Throttle::new(&shared), Throttle::new(&shared)];
    assert_eq!(two_servers[0].key("a", &["b"]), two_servers[1].key("a", &["b"]));
    assert_eq!(format!("{:?}", BudgetKey::from_bytes([0xa5; 16])), format!("BudgetKey({})", "a5".repeat(16)));
}

/// In-memory counters do not depend on the system clock.
#[test]
fn a_clock_that_is_set_locks_nobody_out() {
    let clock = TestClock::start_now();
    let throttle = throttle(&clock);
    let alice = account(&throttle, "alice");
    for set in [TestClock::set_forward, TestClock::set_back, TestClock::set_back] {
        guess(&throttle, &[alice]);
        set(&clock, HOUR);
        let refused = run(throttle.take(&[alice])).unwrap_err();
        assert!(refused.retry_after() <= Duration::from_secs(30), "{refused}");
        clock.advance(refused.retry_after());
        assert!(run(throttle.take(&[alice])).is_ok());
    }
}

/// Tries 200,000 unknown names while one account is attacked. The memory stays bounded, and the attack stays limited.
#[test]
fn s57_a_flood_of_names_evicts_no_account_that_is_under_attack() {
    let clock = TestClock::start_now();
    let memory = MemoryThrottleStore::with_capacity(20_000);
    let throttle = Throttle::builder(&keys()).clock(clock.clone()).memory(memory.clone()).build();
    let alice = account(&throttle, "alice");
    assert_eq!(guess(&throttle, &[alice]), 10);
    for number in 0_u32..200_000 {
        let name = account(&throttle, &number.to_string());
        run(throttle.take(&[name])).unwrap().failed();
        if number % 10_000 == 0 {
            assert_eq!(guess(&throttle, &[alice]), 0, "after {number} names");
        }
    }
    assert_eq!(memory.len(), 20_000);
    // Once the old names' buckets are full again, new names replace the old ones, and the store shrinks.
    clock.advance(200 * HOUR);
    for number in 0_u32..20_000 {
        run(throttle.take(&[account(&throttle, &format!("new {number}"))])).unwrap().failed();
        clock.advance(Duration::from_secs(30));
    }
    assert!(memory.len() < 1000, "{}", memory.len());
}

/// A shared store that a test can turn off. Clones share the counters, like servers that share a database.
#[derive(Clone, Default)]
struct Shared {
    memory: MemoryThrottleStore,
    down: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
}

impl Shared {
    fn check(&self) -> Result<(), BackendError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) { Err(BackendError::new("connection refused")) } else { Ok(()) }
    }
}

impl ThrottleStore for Shared {
    async fn take(&self, budgets: &[Budget], now: Now) -> Result<Verdict, BackendError> {
        self.check()?;
        self.memory.take(budgets, now).await
    }

    async fn give_back(&self, budgets: &[Budget], now: Now) -> Result<(), BackendError> {
        self.check()?;
        self.memory.give_back(budgets, now).await
    }

    async fn clear(&self, keys: &[BudgetKey]) -> Result<(), BackendError> {
        self.check()?;
        self.memory.clear(keys).await
    }
}

#[test]
fn two_servers_share_a_store_and_count_alone_while_it_is_down() {
    let (clock, shared, keys) = (TestClock::start_now(), Shared::default(), keys());
    let servers = [0, 1].map(|_| Throttle::builder(&keys).clock(clock.clone()).store(shared.clone()).build());
    let alice = account(&servers[0], "alice");
    for turn in 0..10 {
        run(servers[turn % 2].take(&[alice])).unwrap().failed();
    }
    assert!(servers.iter().all(|server| guess(server, &[alice]) == 0));

    shared.down.store(true, Ordering::SeqCst);
    let before = shared.calls.load(Ordering::SeqCst);
    assert_eq!(guess(&servers[0], &[alice]), 10, "each server counts in its own memory");
    assert_eq!(shared.calls.load(Ordering::SeqCst), before + 1, "a store that failed is left alone for a while");
    assert_eq!(guess(&servers[1], &[alice]), 10);
    // A token that was taken from memory is returned to memory, even after the shared store works again.
    clock.advance(Duration::from_secs(30));
    let [kept, given_back] = [(); 2].map(|()| account(&servers[0], "bob"));
    let attempt = run(servers[0].take(&[given_back])).unwrap();
    shared.down.store(false, Ordering::SeqCst);
    clock.advance(Duration::from_secs(2));
    run(attempt.succeeded());
    assert_eq!(guess(&servers[0], &[kept]), 10);
    assert_eq!(guess(&servers[1], &[kept]), 0, "the shared store is used again");
    assert!(run(servers[0].clear(&[kept.key()])).is_ok());
    shared.down.store(true, Ordering::SeqCst);
    assert!(run(servers[0].clear(&[kept.key()])).is_err(), "a count that was not cleared is reported");
}

#[test]
fn a_rate_is_clamped() {
    assert_eq!(Rate::new(0, Duration::ZERO), Rate::new(1, Rate::MIN_EVERY));
    assert_eq!(Rate::new(u32::MAX, Duration::MAX), Rate::new(Rate::MAX_BURST, Rate::MAX_EVERY));
    assert_eq!(Rate::new(u32::MAX, Duration::MAX).time_to_fill(), Duration::from_secs(86_400 * 1_000_000));
    assert_eq!(Rate::new(3, Duration::from_micros(1999)), Rate::new(3, Duration::from_millis(1)));
    assert!(Now::of(&TestClock::start_now()).unix_ms > 0);
    assert_eq!(TestClock::start_now().unix_millis() % 1000, 0);
}
