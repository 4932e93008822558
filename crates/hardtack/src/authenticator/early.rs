//! Warns if a token or a session's row contains a time that is in the future.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// How long to wait before logging the warning again.
const PAUSE: Duration = Duration::from_secs(60);

/// The time of the last warning, in milliseconds on the monotonic clock, plus one. The value is zero if no warning has
/// been logged.
#[derive(Debug, Default)]
pub(super) struct EarlyTokens(AtomicU64);

impl EarlyTokens {
    /// Returns whether a warning is due. If several threads call this method at once, only one of them gets `true`.
    fn is_due(&self, monotonic: Duration) -> bool {
        let now = u64::try_from(monotonic.as_millis()).unwrap_or(u64::MAX - 1) + 1;
        let last = self.0.load(Ordering::Relaxed);
        let due = last == 0 || now.saturating_sub(last) >= PAUSE.as_millis() as u64;
        due && self.0.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Warns, at most once a minute, that a time in an otherwise valid token or in a session's row is in the future.
    /// Such a time means that two servers' clocks differ.
    #[cold]
    pub(super) fn warn(&self, clock: &dyn Clock, tolerated: Duration, time: Timestamp, now: Timestamp) {
        if !self.is_due(clock.monotonic()) {
            return;
        }
        let (ahead, tolerated) = (time.since(now).as_secs(), tolerated.as_secs());
        tracing::warn!(
            event = "clocks_differ",
            seconds = ahead,
            "the time in a token or session is {ahead} s ahead of this server's clock, but only {tolerated} s are \
             tolerated; synchronize the servers' clocks, for example with NTP",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_is_repeated_once_a_minute() {
        let (early, at) = (EarlyTokens::default(), Duration::from_secs);
        assert_eq!(
            [0, 0, 59, 60, 61, 119, 120].map(|second| early.is_due(at(second))),
            [true, false, false, true, false, false, true]
        );
    }
}
