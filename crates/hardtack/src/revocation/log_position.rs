//! Where this process stands in the store's log.
//!
//! What is published here is published after the map was written, and asked for before the map is read.

use std::time::Duration;

use super::sync::{AtomicI64, AtomicU64, Ordering};
use crate::clock::Timestamp;

/// What this process has read of the log, and when it last knew all of it.
#[derive(Debug)]
pub(crate) struct LogPosition {
    read: AtomicU64,
    synced_at: AtomicI64,
}

/// Before every time: not current by any bound.
const NEVER: i64 = i64::MIN;

impl Default for LogPosition {
    fn default() -> Self {
        Self { read: AtomicU64::new(0), synced_at: AtomicI64::new(NEVER) }
    }
}

impl LogPosition {
    /// Up to which entry it is read: every one before is in the map.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Acquire)
    }

    /// Every entry up to `position` is in the map of ended sessions. Call it after they are.
    pub(crate) fn reached(&self, position: u64) {
        self.read.store(position, Ordering::Release);
    }

    /// The map held, at some time after `at`, all that the log held at `at`. Call it after it does.
    pub(crate) fn synced(&self, at: Timestamp) {
        self.synced_at.store(at.unix_seconds(), Ordering::Release);
    }

    /// Entries were missed: nothing is known until the log was read from its beginning.
    pub(crate) fn lost(&self) {
        self.synced_at.store(NEVER, Ordering::Release);
        self.read.store(0, Ordering::Release);
    }

    /// Whether the map is at most `bound` behind the log. Ask before the map is read: whoever reads the
    /// map first may read an old one and then be told of a new synchronisation.
    ///
    /// Times are whole seconds and the bound is exclusive, so that a fraction that was cut off never
    /// lengthens it. A clock that was set back counts as behind.
    pub(crate) fn is_current(&self, now: Timestamp, bound: Duration) -> bool {
        let age = now.unix_seconds().checked_sub(self.synced_at.load(Ordering::Acquire));
        age.and_then(|age| u64::try_from(age).ok()).is_some_and(|age| age < bound.as_secs())
    }
}
