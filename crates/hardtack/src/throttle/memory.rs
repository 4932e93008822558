//! Counters in this process's memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::RngExt;

use super::store::{Now, ThrottleStore, Verdict};
use super::{Budget, BudgetKey, Counter, take_all};
use crate::error::BackendError;

/// If the store is full, it compares this many random rows to choose one to delete.
const SAMPLE: usize = 16;

/// A [`ThrottleStore`] in this process's memory. Clones share the counters. A restart deletes them.
///
/// The store holds at most [`Self::DEFAULT_CAPACITY`] counters, which take about 10 MB. If there is no space for a new
/// counter, the store examines a random sample of counters and deletes the one whose buckets are fullest, that is, a
/// counter with few recent attempts. An attacker who tries many new names therefore does not push out the counter of an
/// account under attack.
#[derive(Clone, Debug)]
pub struct MemoryThrottleStore(Arc<Mutex<Rows>>);

#[derive(Debug)]
struct Rows {
    rows: Vec<Row>,
    places: HashMap<BudgetKey, usize>,
    capacity: usize,
    /// The row at which the search for full buckets resumes.
    sweep: usize,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    budget: Budget,
    counter: Counter,
}

impl Default for MemoryThrottleStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryThrottleStore {
    /// The maximum number of counters that a store holds, unless [`with_capacity`](Self::with_capacity) sets a
    /// different number.
    pub const DEFAULT_CAPACITY: usize = 100_000;

    /// Creates an empty store.
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// Creates an empty store that holds at most `capacity` counters.
    pub fn with_capacity(capacity: usize) -> Self {
        let rows = Rows { rows: Vec::new(), places: HashMap::new(), capacity: capacity.max(1), sweep: 0 };
        Self(Arc::new(Mutex::new(rows)))
    }

    /// Returns how many counters the store holds.
    pub fn len(&self) -> usize {
        self.rows().rows.len()
    }

    /// Returns whether the store holds no counters.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn take_now(&self, budgets: &[Budget], now: i64) -> Verdict {
        let mut rows = self.rows();
        let mut counters: Vec<_> = budgets.iter().map(|budget| (*budget, rows.find(budget.key()))).collect();
        let verdict = take_all(&mut counters, now);
        for (budget, counter) in counters {
            if counter != rows.find(budget.key()) {
                rows.set(budget, counter, now);
            }
        }
        verdict
    }

    pub(super) fn give_back_now(&self, budgets: &[Budget], now: i64) {
        let mut rows = self.rows();
        for budget in budgets {
            let Some(place) = rows.places.get(&budget.key()).copied() else { continue };
            let Some(row) = rows.rows.get_mut(place) else { continue };
            row.counter.give_back(budget);
            if row.counter.is_full(now) {
                rows.remove(place);
            }
        }
    }

    pub(super) fn clear_now(&self, keys: &[BudgetKey]) {
        let mut rows = self.rows();
        for key in keys {
            if let Some(place) = rows.places.get(key).copied() {
                rows.remove(place);
            }
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // Using a poisoned lock is safe, because every operation leaves the rows consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn find(&self, key: BudgetKey) -> Counter {
        let row = self.places.get(&key).and_then(|place| self.rows.get(*place));
        row.map_or_else(Counter::default, |row| row.counter)
    }

    fn set(&mut self, budget: Budget, counter: Counter, now: i64) {
        let place = self.rows.len();
        match self.places.entry(budget.key()) {
            Entry::Occupied(entry) => {
                if let Some(row) = self.rows.get_mut(*entry.get()) {
                    *row = Row { budget, counter };
                }
            }
            Entry::Vacant(entry) => {
                entry.insert(place);
                self.rows.push(Row { budget, counter });
                self.make_room(now, place);
            }
        }
    }

    /// If there are too many rows, compares a random sample of rows, and deletes the row whose buckets are fullest.
    /// Each call also examines the next two rows in the store, and deletes those whose buckets are full.
    fn make_room(&mut self, now: i64, new: usize) {
        if self.rows.len() > self.capacity {
            let sample = (0..SAMPLE).map(|_| rand::rng().random_range(0..new.max(1)));
            let fullest = sample.min_by_key(|place| self.spent(*place, now));
            self.remove(fullest.unwrap_or(0));
        }
        for _ in 0..2 {
            // Go from the last row to the first. If a row is removed, the last row takes its place, and that row has
            // already been examined.
            self.sweep = self.sweep.checked_sub(1).unwrap_or(self.rows.len()).min(self.rows.len());
            if self.rows.get(self.sweep).is_some_and(|row| row.counter.is_full(now)) {
                self.remove(self.sweep);
            }
        }
    }

    fn spent(&self, place: usize, now: i64) -> u16 {
        self.rows.get(place).map_or(u16::MAX, |row| row.counter.spent(&row.budget, now))
    }

    fn remove(&mut self, place: usize) {
        if place >= self.rows.len() {
            return;
        }
        let removed = self.rows.swap_remove(place);
        self.places.remove(&removed.budget.key());
        if let Some(moved) = self.rows.get(place) {
            self.places.insert(moved.budget.key(), place);
        }
    }
}

impl ThrottleStore for MemoryThrottleStore {
    async fn take(&self, budgets: &[Budget], now: Now) -> Result<Verdict, BackendError> {
        Ok(self.take_now(budgets, now.monotonic_ms))
    }

    async fn give_back(&self, budgets: &[Budget], now: Now) -> Result<(), BackendError> {
        self.give_back_now(budgets, now.monotonic_ms);
        Ok(())
    }

    async fn clear(&self, keys: &[BudgetKey]) -> Result<(), BackendError> {
        self.clear_now(keys);
        Ok(())
    }
}
