//! The token-bucket arithmetic that all stores use.
//!
//! A bucket is stored as one number: the time at which it will be full again. In the generic cell rate algorithm (ITU-T
//! I.371), this is the "theoretical arrival time". Each attempt moves this time forward by one [`every`](Rate::every).

use std::time::Duration;

use super::store::Verdict;
use super::{Budget, Rate};

/// The state of a budget: the times at which its buckets will be full again, in milliseconds on the store's clock.
///
/// If a key has no counter, a store uses `Counter::default()`, whose buckets are full. A store can therefore delete a
/// counter whose buckets [are full](Self::is_full).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counter {
    /// The time at which the bucket of [`Budget::rate`] will be full again.
    pub full_at: i64,
    /// The time at which the bucket of [`Budget::failures`] will be full again.
    pub failures_full_at: i64,
}

impl Counter {
    /// Creates a counter from stored values.
    pub const fn new(full_at: i64, failures_full_at: i64) -> Self {
        Self { full_at, failures_full_at }
    }

    /// Returns whether both buckets are full at `now`.
    pub const fn is_full(self, now: i64) -> bool {
        self.full_at <= now && self.failures_full_at <= now
    }

    /// Returns how much of the emptier bucket has been used up, in thousandths: 0 if the bucket is full, 1000 if it is
    /// empty.
    pub fn spent(self, budget: &Budget, now: i64) -> u16 {
        let spent =
            |full_at: i64, rate: Rate| full_at.saturating_sub(now).clamp(0, rate.fill_ms()) * 1000 / rate.fill_ms();
        let failures = budget.failures().map_or(0, |rate| spent(self.failures_full_at, rate));
        u16::try_from(spent(self.full_at, budget.rate()).max(failures)).unwrap_or(1000)
    }

    /// Puts back the token that a successful attempt took, and resets the count of failures in a row.
    pub const fn give_back(&mut self, budget: &Budget) {
        self.full_at = self.full_at.saturating_sub(budget.rate().every_ms());
        self.failures_full_at = 0;
    }

    /// Limits each stored time to `now` plus the time that it takes to fill an empty bucket. A stored time exceeds this
    /// limit if the store's clock was ahead and has been set back, or if the budget has been reduced.
    fn correct(&mut self, budget: &Budget, now: i64) {
        self.full_at = self.full_at.min(now.saturating_add(budget.rate().fill_ms()));
        let failures = budget.failures().map_or(now, |rate| now.saturating_add(rate.fill_ms()));
        self.failures_full_at = self.failures_full_at.min(failures);
    }

    /// Returns how many milliseconds it takes until each bucket has a token: first for the bucket of all attempts, then
    /// for the bucket of failures in a row. Zero or less means that the bucket has a token now.
    fn waits(&self, budget: &Budget, now: i64) -> (i64, i64) {
        let wait = |full_at: i64, rate: Rate| full_at.max(now) + rate.every_ms() - rate.fill_ms() - now;
        let failures = budget.failures().map_or(0, |rate| wait(self.failures_full_at, rate));
        (wait(self.full_at, budget.rate()), failures)
    }

    fn take(&mut self, budget: &Budget, now: i64) {
        self.full_at = self.full_at.max(now) + budget.rate().every_ms();
        if let Some(rate) = budget.failures() {
            self.failures_full_at = self.failures_full_at.max(now) + rate.every_ms();
        }
    }
}

/// Takes a token from each budget, or none if any budget is empty. A store loads the counters of the budgets, calls
/// this function, and stores the counters that have changed, all in one transaction.
///
/// Store the counters even if the attempt is refused, because this function also corrects times that are too far in the
/// future. Without these corrections, a clock that was once an hour ahead could lock a user out for an hour.
pub fn take_all(counters: &mut [(Budget, Counter)], now: i64) -> Verdict {
    let (mut longest, mut failures) = (0, false);
    for (budget, counter) in &mut *counters {
        counter.correct(budget, now);
        let (tries, in_a_row) = counter.waits(budget, now);
        if tries.max(in_a_row) > longest {
            longest = tries.max(in_a_row);
            failures = in_a_row > tries;
        }
    }
    if longest > 0 {
        return Verdict::Refused { wait: Duration::from_millis(longest.unsigned_abs()), failures_in_a_row: failures };
    }
    for (budget, counter) in counters {
        counter.take(budget, now);
    }
    Verdict::Taken
}
