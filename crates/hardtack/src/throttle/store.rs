//! The interface of throttle stores.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::{Budget, BudgetKey};
use crate::error::BackendError;

/// Whether an attempt is allowed. A store returns this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One token was taken from each budget.
    Taken,
    /// A budget is empty, and no token was taken.
    Refused {
        /// How long the caller must wait until every budget has a token.
        wait: Duration,
        /// Whether the caller has to wait because of [failures in a row](Budget::failures_in_a_row).
        failures_in_a_row: bool,
    },
}

/// The current time according to the caller, for stores that have no clock of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Now {
    /// Milliseconds since 1970.
    pub unix_ms: i64,
    /// The time from [`Clock::monotonic`](crate::clock::Clock::monotonic), in milliseconds. It never goes backward.
    pub monotonic_ms: i64,
}

impl Now {
    /// Reads a clock.
    pub fn of(clock: &impl crate::clock::Clock) -> Self {
        let monotonic_ms = i64::try_from(clock.monotonic().as_millis()).unwrap_or(i64::MAX);
        Self { unix_ms: clock.unix_millis(), monotonic_ms }
    }
}

/// Where counters are kept. [`MemoryThrottleStore`](super::MemoryThrottleStore) serves one process. `hardtack-sqlx` and
/// `hardtack-redis` have stores that several servers share.
///
/// A store must follow these rules:
///
/// - Each operation is one transaction. If 50 parallel calls each try to take a token from a budget that has ten,
///   exactly ten calls succeed. [`take_all`](super::take_all) and [`Counter`](super::Counter) do the arithmetic.
/// - If the database behind the store does not respond, an operation fails after about a second, because a request is
///   waiting for the result. The [`Throttle`](super::Throttle) then counts in memory.
/// - The store deletes counters that [are full](super::Counter::is_full). Because clients choose which names and
///   addresses are counted, the store also limits the number of counters. If there are too many, it deletes the least
///   [spent](super::Counter::spent) ones.
/// - The store passes the tests of `hardtack::testing::throttle_conformance` (feature `testing`).
pub trait ThrottleStore: Send + Sync + 'static {
    /// Takes a token from each budget, or none if any budget is empty. The budgets are sorted by key, and no key occurs
    /// twice.
    ///
    /// A store that several servers share should use its own clock and ignore `now`.
    fn take(&self, budgets: &[Budget], now: Now) -> impl Future<Output = Result<Verdict, BackendError>> + Send;

    /// Puts one token back into each budget, up to the budget's burst, and resets the budget's count of failures in a
    /// row. The budgets are sorted by key, and no key occurs twice.
    fn give_back(&self, budgets: &[Budget], now: Now) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// Refills all buckets of the counters that have these keys.
    fn clear(&self, keys: &[BudgetKey]) -> impl Future<Output = Result<(), BackendError>> + Send;
}

pub(super) type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// The object-safe form of [`ThrottleStore`].
pub(super) trait ErasedThrottleStore: Send + Sync {
    fn take<'a>(&'a self, budgets: &'a [Budget], now: Now) -> Pending<'a, Verdict>;
    fn give_back<'a>(&'a self, budgets: &'a [Budget], now: Now) -> Pending<'a, ()>;
    fn clear<'a>(&'a self, keys: &'a [BudgetKey]) -> Pending<'a, ()>;
}

impl<S: ThrottleStore> ErasedThrottleStore for S {
    fn take<'a>(&'a self, budgets: &'a [Budget], now: Now) -> Pending<'a, Verdict> {
        Box::pin(ThrottleStore::take(self, budgets, now))
    }

    fn give_back<'a>(&'a self, budgets: &'a [Budget], now: Now) -> Pending<'a, ()> {
        Box::pin(ThrottleStore::give_back(self, budgets, now))
    }

    fn clear<'a>(&'a self, keys: &'a [BudgetKey]) -> Pending<'a, ()> {
        Box::pin(ThrottleStore::clear(self, keys))
    }
}
