//! How far this process has read the store's revocation log.
//!
//! The position is published after the cache was written, and read before the cache is read.

use std::time::Duration;

use super::sync::{AtomicI64, AtomicU64, Ordering};
use crate::clock::Timestamp;

/// How far the log was read, and when the cache was last complete.
#[derive(Debug)]
pub(crate) struct LogPosition {
    read: AtomicU64,
    synced_at: AtomicI64,
}

/// Earlier than every time: stale by any bound.
const NEVER: i64 = i64::MIN;

impl Default for LogPosition {
    fn default() -> Self {
        Self { read: AtomicU64::new(0), synced_at: AtomicI64::new(NEVER) }
    }
}

impl LogPosition {
    /// The last entry that was read. It and all entries before it are in the cache.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Acquire)
    }

    /// Notes that all entries up to `position` are in the cache. Call it after they are.
    pub(crate) fn reached(&self, position: u64) {
        self.read.store(position, Ordering::Release);
    }

    /// Notes that the cache contains everything that the log contained at `at`. Call it after it does.
    pub(crate) fn synced(&self, at: Timestamp) {
        self.synced_at.store(at.unix_seconds(), Ordering::Release);
    }

    /// Notes that entries were missed: the cache is stale until the log has been read from its beginning.
    pub(crate) fn lost(&self) {
        self.synced_at.store(NEVER, Ordering::Release);
        self.read.store(0, Ordering::Release);
    }

    /// Whether the cache is at most `bound` behind the log. Ask this before reading the cache: in the other order,
    /// the cache could be read before an update, and its freshness after it.
    ///
    /// Times are whole seconds and the bound is exclusive, so rounding never extends it. If the clock was set back,
    /// the cache counts as stale.
    pub(crate) fn is_current(&self, now: Timestamp, bound: Duration) -> bool {
        let age = now.unix_seconds().checked_sub(self.synced_at.load(Ordering::Acquire));
        age.and_then(|age| u64::try_from(age).ok()).is_some_and(|age| age < bound.as_secs())
    }
}
