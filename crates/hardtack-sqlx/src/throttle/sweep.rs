//! Deletes counters that are no longer needed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hardtack_db::{Pool, Statement};

/// How many attempts the throttle counts between two steps of the sweep.
const PERIOD: u64 = 64;

/// How many rows one step of the sweep reads. Between two steps, fewer rows than this are inserted.
const ROWS: usize = 500;

/// Walks through the table in key order, [`ROWS`] rows per step, and deletes the counters whose buckets are full.
///
/// Keys are random, so the range of keys that a step covers indicates roughly how many rows the table has. If there are
/// too many rows, the step also deletes half of the counters it has read: those with the fullest buckets. If an account
/// is under attack, its bucket is almost empty, so its counter is kept.
#[derive(Debug)]
pub(super) struct Sweep {
    capacity: u32,
    tries: AtomicU64,
    /// The last key that the previous step read.
    position: Mutex<Vec<u8>>,
}

impl Sweep {
    pub(super) const fn new(capacity: u32) -> Self {
        Self { capacity, tries: AtomicU64::new(1), position: Mutex::new(Vec::new()) }
    }

    /// Counts an attempt, and returns whether it is time for the next step.
    pub(super) fn is_due(&self) -> bool {
        self.tries.fetch_add(1, Ordering::Relaxed).is_multiple_of(PERIOD)
    }

    pub(super) async fn run(&self, pool: &Pool, now: i64) {
        if let Err(error) = self.step(pool, now).await {
            // A failure does no harm, because the next step tries again.
            tracing::debug!(event = "throttle_sweep_failed", error = &error as &dyn std::error::Error);
        }
    }

    async fn step(&self, pool: &Pool, now: i64) -> Result<(), sqlx::Error> {
        let start = self.position.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sql = "SELECT key, spent FROM throttle WHERE key > $1 ORDER BY key LIMIT $2";
        let statement = Statement::new(sql).bind(start.as_slice()).bind(ROWS as i64);
        let mut rows: Vec<(Vec<u8>, i64)> = pool.fetch(statement).await?;
        let at_end = rows.len() < ROWS;
        let end = rows.last().map(|(key, _)| key.clone()).unwrap_or_default();
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = if at_end { Vec::new() } else { end.clone() };
        if rows.is_empty() {
            return Ok(());
        }
        let width = if at_end { 1.0 - fraction(&start) } else { fraction(&end) - fraction(&start) };
        let too_many = rows.len() as f64 > f64::from(self.capacity) * width;
        rows.sort_by_key(|(_, spent)| *spent);
        let least_spent = if too_many { rows.get(rows.len() / 2).map_or(-1, |(_, spent)| *spent) } else { -1 };
        // If an attempt has locked a row, that row's counter is in use. Skip the row instead of waiting.
        let delete = Statement::per_database(
            "DELETE FROM throttle WHERE key > $1 AND key <= $2
             AND (full_at <= $3 AND failures_full_at <= $3 OR spent <= $4)",
            "DELETE FROM throttle WHERE key IN (
                SELECT key FROM throttle WHERE key > $1 AND key <= $2
                AND (full_at <= $3 AND failures_full_at <= $3 OR spent <= $4) FOR UPDATE SKIP LOCKED)",
        );
        pool.execute(delete.bind(start).bind(end).bind(now).bind(least_spent)).await.map(drop)
    }
}

/// Returns a key's position among all possible keys: 0 for the lowest key, nearly 1 for the highest.
fn fraction(key: &[u8]) -> f64 {
    key.iter().take(8).rev().fold(0.0, |sum, byte| (sum + f64::from(*byte)) / 256.0)
}
