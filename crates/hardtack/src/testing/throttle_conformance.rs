//! The conformance suite for throttle stores.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking with the name of the broken rule")]

use std::time::Duration;

use super::store_conformance::all;
use crate::clock::Clock;
use crate::throttle::{Budget, BudgetKey, Now, Rate, ThrottleStore, Verdict};

const HOUR: Duration = Duration::from_secs(3600);

/// How long a bucket takes to gain one token, in the tests that wait for tokens. This time is short so that the suite
/// runs quickly. With a slow store, a call can take longer than that, so a bucket can gain tokens during a test.
const MOMENT: Duration = Duration::from_millis(500);

/// Tests that a store follows the rules of [`ThrottleStore`], as far as one task with one handle can test this. The
/// suite passes the time of `clock` to the store. `sleep` must advance `clock` by the given time, or, if the store has
/// its own clock, advance that clock instead.
///
/// The suite uses new random keys, so other code can use the store while the suite runs. The suite makes concurrent
/// calls, but only from a single task. If your store can be used from several threads or processes at once, write your
/// own tests for that.
///
/// ```
/// use hardtack::testing::{TestClock, throttle_conformance};
/// use hardtack::throttle::MemoryThrottleStore;
///
/// async fn my_store_is_a_throttle_store() {
///     let clock = TestClock::start_now();
///     throttle_conformance(&MemoryThrottleStore::new(), &clock, async |span| clock.advance(span)).await;
/// }
/// # let mut test = std::pin::pin!(my_store_is_a_throttle_store());
/// # assert!(test.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready());
/// # use std::future::Future;
/// ```
///
/// # Panics
/// Panics if the store breaks a rule. The panic message names that rule.
pub async fn throttle_conformance<S: ThrottleStore>(store: &S, clock: &impl Clock, sleep: impl AsyncFn(Duration)) {
    let subject = Subject { store, clock };
    subject.a_bucket_holds_its_burst().await;
    subject.a_refused_try_prolongs_no_wait().await;
    subject.all_budgets_or_none().await;
    subject.a_success_gives_one_token_back().await;
    subject.after_many_failures_the_slow_rate_counts().await;
    subject.clear_fills_the_buckets().await;
    subject.racing_tries_pass_as_often_as_there_are_tokens().await;
    subject.racing_tries_of_two_budgets_take_both_or_none().await;
    subject.tokens_are_added(&sleep).await;
    subject.a_slow_rate_adds_tokens(&sleep).await;
    subject.impossible_times_are_corrected(&sleep).await;
}

/// The store under test. If it returns an error, the test fails.
struct Subject<'a, S, C> {
    store: &'a S,
    clock: &'a C,
}

impl<S: ThrottleStore, C: Clock> Subject<'_, S, C> {
    async fn take(&self, budgets: &[Budget]) -> Verdict {
        self.store.take(&sorted(budgets), Now::of(self.clock)).await.expect("take: must succeed")
    }

    /// Returns whether an attempt is allowed.
    async fn passes(&self, budgets: &[Budget]) -> bool {
        self.take(budgets).await == Verdict::Taken
    }

    /// Takes tokens until an attempt is refused, but at most `limit` tokens. Returns how many tokens were taken.
    async fn take_until_refused(&self, budget: Budget, limit: usize) -> usize {
        let mut taken = 0;
        while taken < limit && self.passes(&[budget]).await {
            taken += 1;
        }
        taken
    }

    async fn give_back(&self, budgets: &[Budget]) {
        self.store.give_back(&sorted(budgets), Now::of(self.clock)).await.expect("give_back: must succeed");
    }

    async fn a_bucket_holds_its_burst(&self) {
        let budget = hourly(3);
        for _ in 0..3 {
            same("take: a new budget must have `burst` tokens", self.passes(&[budget]).await, true);
        }
        let wait = refused(self.take(&[budget]).await).0;
        within("take: the wait must be the time until one token is added", wait, HOUR);
        same("take: another key must have tokens of its own", self.passes(&[hourly(3)]).await, true);
        same("take: without budgets, an attempt must be allowed", self.passes(&[]).await, true);
    }

    async fn a_refused_try_prolongs_no_wait(&self) {
        let budget = hourly(1).failures_in_a_row(Rate::new(1, HOUR));
        same("take: a new budget must have a token", self.passes(&[budget]).await, true);
        let mut last = HOUR;
        for _ in 0..20 {
            let wait = refused(self.take(&[budget]).await).0;
            within("take: a refused attempt must not prolong the wait", wait, last);
            last = wait;
        }
    }

    async fn all_budgets_or_none(&self) {
        let [empty, other] = [hourly(1), hourly(5)];
        same("take: two new budgets must have tokens", self.passes(&[empty, other]).await, true);
        for _ in 0..10 {
            same("take: must refuse if one of two budgets is empty", self.passes(&[empty, other]).await, false);
        }
        let rule = "take: must take no token of the other budget if one budget is empty";
        same(rule, self.take_until_refused(other, 10).await, 4);
    }

    async fn a_success_gives_one_token_back(&self) {
        let budget = hourly(3).failures_in_a_row(Rate::new(50, HOUR));
        for _ in 0..2 {
            same("take: a new budget must have `burst` tokens", self.passes(&[budget]).await, true);
        }
        self.give_back(&[budget]).await;
        let rule = "give_back: must give back one token, and not the tokens of other attempts";
        same(rule, self.take_until_refused(budget, 10).await, 2);
        for _ in 0..5 {
            self.give_back(&[budget]).await;
        }
        same("give_back: must not exceed the burst", self.take_until_refused(budget, 10).await, 3);
        let [one, other] = [hourly(1), hourly(1)];
        self.give_back(&[one]).await;
        same("give_back: must do nothing to a full bucket", self.take_until_refused(one, 10).await, 1);
        same("take: a new budget must have a token", self.passes(&[other]).await, true);
        self.give_back(&[one, other]).await;
        same("give_back: must give back a token of each budget", self.passes(&[one, other]).await, true);
    }

    async fn after_many_failures_the_slow_rate_counts(&self) {
        let budget = Budget::new(random_key(), Rate::new(1000, HOUR)).failures_in_a_row(Rate::new(100, HOUR));
        let rule = "take: must refuse once the allowed number of failures in a row is reached";
        same(rule, self.take_until_refused(budget, 200).await, 100);
        let mut last = HOUR;
        for _ in 0..20 {
            let (wait, failures) = refused(self.take(&[budget]).await);
            same("take: must name the failures in a row as the cause", failures, true);
            within("take: the wait after many failures must not grow", wait, last);
            last = wait;
        }
        self.give_back(&[budget]).await;
        let rule = "give_back: must end the series of failures, and give back only one token";
        same(rule, self.take_until_refused(budget, 200).await, 100);
    }

    async fn clear_fills_the_buckets(&self) {
        let [one, other] = [hourly(2).failures_in_a_row(Rate::new(2, HOUR)), hourly(2)];
        for budget in [one, other] {
            same("take: a new budget must have `burst` tokens", self.take_until_refused(budget, 10).await, 2);
        }
        self.store.clear(&[one.key(), random_key()]).await.expect("clear: must succeed");
        same("clear: must fill both buckets of a key", self.take_until_refused(one, 10).await, 2);
        same("clear: must leave other keys alone", self.passes(&[other]).await, false);
    }

    async fn racing_tries_pass_as_often_as_there_are_tokens(&self) {
        let budget = hourly(10);
        let passed = all((0..50).map(async |_| self.passes(&[budget]).await)).await;
        let rule = "take: of 50 concurrent attempts, exactly as many must succeed as there are tokens";
        same(rule, passed.into_iter().filter(|passed| *passed).count(), 10);
        all((0..4).map(async |_| self.give_back(&[budget]).await)).await;
        let rule = "give_back: concurrent calls must give back one token each";
        same(rule, self.take_until_refused(budget, 50).await, 4);
    }

    async fn racing_tries_of_two_budgets_take_both_or_none(&self) {
        let [address, one, other] = [hourly(10), hourly(6), hourly(6)];
        let passed = all((0..50).map(async |racer| {
            let account = if racer % 2 == 0 { one } else { other };
            usize::from(self.passes(&[address, account]).await)
        }));
        let passed: usize = passed.await.into_iter().sum();
        same("take: concurrent attempts must not take more tokens than their shared budget has", passed, 10);
        let left = self.take_until_refused(one, 20).await + self.take_until_refused(other, 20).await;
        same("take: a concurrent attempt must take a token from all of its budgets or from none", left, 2);
    }

    async fn tokens_are_added(&self, sleep: &impl AsyncFn(Duration)) {
        let budget = Budget::new(random_key(), Rate::new(2, MOMENT));
        let wait = self.empty(budget, MOMENT).await;
        sleep(wait).await;
        same("take: must allow an attempt after the wait that it returned", self.passes(&[budget]).await, true);
        sleep(MOMENT * 2).await;
        let full = self.passes(&[budget]).await && self.passes(&[budget]).await;
        same("take: a bucket must be full again after a while", full, true);
    }

    async fn a_slow_rate_adds_tokens(&self, sleep: &impl AsyncFn(Duration)) {
        let budget = Budget::new(random_key(), Rate::new(1000, HOUR)).failures_in_a_row(Rate::new(2, MOMENT));
        let wait = self.empty(budget, MOMENT).await;
        sleep(wait).await;
        let rule = "take: after many failures, must allow an attempt when the wait is over";
        same(rule, self.passes(&[budget]).await, true);
    }

    /// Tests that a store corrects times that are too far in the future. A store contains such times if its clock was
    /// ahead for a while. To store such a time, the test first takes tokens from a large budget. It then uses a smaller
    /// budget with the same key, for which the stored time is too far in the future.
    async fn impossible_times_are_corrected(&self, sleep: &impl AsyncFn(Duration)) {
        let ahead = Rate::new(1000, HOUR);
        let key = random_key();
        let larger = Budget::new(key, ahead).failures_in_a_row(ahead);
        same("take: a budget must have `burst` tokens", self.take_until_refused(larger, 20).await, 20);
        let smaller = Budget::new(key, Rate::new(2, MOMENT)).failures_in_a_row(Rate::new(2, MOMENT));
        let wait = self.empty(smaller, MOMENT).await;
        sleep(wait).await;
        let rule = "take: must store corrected times even if it refuses the attempt, so that the wait ends";
        same(rule, self.passes(&[smaller]).await, true);
    }

    /// Takes tokens until an attempt is refused. Returns how long the caller has to wait.
    async fn empty(&self, budget: Budget, every: Duration) -> Duration {
        for _ in 0..10_000 {
            if let Verdict::Refused { wait, .. } = self.take(&[budget]).await {
                within("take: the wait must be the time until one token is added", wait, every);
                return wait;
            }
        }
        panic!("throttle_conformance: take: must refuse an attempt if the bucket is empty");
    }
}

/// Returns a new budget that gains no token while the suite runs.
fn hourly(burst: u32) -> Budget {
    Budget::new(random_key(), Rate::new(burst, HOUR))
}

fn random_key() -> BudgetKey {
    BudgetKey::from_bytes(rand::random())
}

fn sorted(budgets: &[Budget]) -> Vec<Budget> {
    let mut budgets = budgets.to_vec();
    budgets.sort_by_key(Budget::key);
    budgets
}

/// Returns how long the caller has to wait, and whether this is because of too many failures in a row.
#[track_caller]
fn refused(verdict: Verdict) -> (Duration, bool) {
    match verdict {
        Verdict::Refused { wait, failures_in_a_row } => (wait, failures_in_a_row),
        Verdict::Taken => panic!("throttle_conformance: take: must refuse an attempt if a bucket is empty"),
    }
}

#[track_caller]
fn same<T: PartialEq + std::fmt::Debug>(rule: &str, found: T, expected: T) {
    assert_eq!(found, expected, "throttle_conformance: {rule} (left: from the store, right: expected)");
}

#[track_caller]
fn within(rule: &str, wait: Duration, limit: Duration) {
    assert!(
        wait > Duration::ZERO && wait <= limit,
        "throttle_conformance: {rule}: the store returned {wait:?}; expected more than zero and at most {limit:?}"
    );
}
