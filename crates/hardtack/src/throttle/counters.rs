//! Counts attempts in a shared store. While the shared store is failing, counts them in this process.

use std::sync::atomic::{AtomicI64, Ordering};

use super::store::{ErasedThrottleStore, Now, Verdict};
use super::{Budget, BudgetKey, MemoryThrottleStore};
use crate::clock::Clock;
use crate::error::BackendError;

/// How long the shared store is left unused after a failure, in milliseconds.
const PAUSE_MS: i64 = 2000;

/// A throttle's counters.
pub(super) struct Counters {
    shared: Option<Box<dyn ErasedThrottleStore>>,
    /// The counters in this process's memory. They are used if there is no shared store, or while the shared store is
    /// failing.
    local: MemoryThrottleStore,
    clock: Box<dyn ErasedClock>,
    /// When to try the shared store again after a failure, in milliseconds on the monotonic clock. Zero while the store
    /// works.
    ask_again: AtomicI64,
}

/// The object-safe form of a clock.
pub(super) trait ErasedClock: Send + Sync {
    fn read(&self) -> Now;
}

impl<C: Clock> ErasedClock for C {
    fn read(&self) -> Now {
        Now::of(self)
    }
}

impl Counters {
    pub(super) const fn new(
        shared: Option<Box<dyn ErasedThrottleStore>>,
        local: MemoryThrottleStore,
        clock: Box<dyn ErasedClock>,
    ) -> Self {
        Self { shared, local, clock, ask_again: AtomicI64::new(0) }
    }

    /// Returns whether there is a shared store.
    pub(super) const fn has_store(&self) -> bool {
        self.shared.is_some()
    }

    /// Takes a token from each budget. Returns the verdict, and whether it came from the shared store.
    pub(super) async fn take(&self, budgets: &[Budget]) -> (Verdict, bool) {
        let now = self.clock.read();
        if let Some(store) = &self.shared
            && self.may_ask(now)
        {
            match store.take(budgets, now).await {
                Ok(verdict) => {
                    self.worked();
                    return (verdict, true);
                }
                Err(error) => self.failed(&error),
            }
        }
        let now = self.clock.read();
        (self.local.take_now(budgets, now.monotonic_ms), false)
    }

    /// Puts a token back into each budget. `shared` says whether the tokens were taken from the shared store.
    pub(super) async fn give_back(&self, budgets: &[Budget], shared: bool) {
        let now = self.clock.read();
        match &self.shared {
            Some(store) if shared => {
                if self.may_ask(now) {
                    match store.give_back(budgets, now).await {
                        Ok(()) => self.worked(),
                        Err(error) => self.failed(&error),
                    }
                }
            }
            _ => self.local.give_back_now(budgets, now.monotonic_ms),
        }
    }

    /// Refills the buckets that have these keys.
    pub(super) async fn clear(&self, keys: &[BudgetKey]) -> Result<(), BackendError> {
        self.local.clear_now(keys);
        match &self.shared {
            Some(store) => store.clear(keys).await,
            None => Ok(()),
        }
    }

    /// Returns whether to use the shared store. While the store is failing, only one operation every [`PAUSE_MS`]
    /// milliseconds tries to use it.
    fn may_ask(&self, now: Now) -> bool {
        let ask_again = self.ask_again.load(Ordering::Relaxed);
        let next = now.monotonic_ms.saturating_add(PAUSE_MS);
        ask_again == 0
            || now.monotonic_ms >= ask_again
                && self.ask_again.compare_exchange(ask_again, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn worked(&self) {
        if self.ask_again.load(Ordering::Relaxed) != 0 && self.ask_again.swap(0, Ordering::Relaxed) != 0 {
            tracing::info!(event = "throttle_store_recovered", "attempts are counted in the shared store again");
        }
    }

    fn failed(&self, error: &BackendError) {
        let next = self.clock.read().monotonic_ms.saturating_add(PAUSE_MS).max(1);
        if self.ask_again.swap(next, Ordering::Relaxed) == 0 {
            let text = "the shared store failed, so each server counts attempts on its own until the store works again";
            tracing::error!(event = "throttle_store_failed", error = error as &dyn std::error::Error, "{text}");
        }
    }
}
