//! A moment, as told by both the system clock and the monotonic clock.

use std::time::Duration;

use crate::clock::{Clock, MAX_SKEW, Timestamp};

/// A moment, as told by both of a machine's clocks. The system clock tells the date and can be set. The monotonic clock
/// cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The date and time of the system clock.
    pub(crate) date: Timestamp,
    /// The time on the monotonic clock, that is, the time that has passed since some fixed moment.
    pub(crate) monotonic: Duration,
}

impl Moment {
    /// Reads both clocks. Verifying a valid token does not require this function.
    pub(crate) fn now(clock: &(impl Clock + ?Sized)) -> Self {
        Self { date: clock.now(), monotonic: clock.monotonic() }
    }

    /// Returns the moment that is `span` later than this one.
    pub(crate) fn after(self, span: Duration) -> Self {
        Self { date: self.date + span, monotonic: self.monotonic.saturating_add(span) }
    }

    /// Returns whether the system clock was probably changed between `earlier` and this moment. Returns `true` if the
    /// system clock and the monotonic clock have advanced by amounts that differ by more than [`MAX_SKEW`].
    pub(crate) fn clocks_differ_since(self, earlier: Self) -> bool {
        let elapsed = self.monotonic.saturating_sub(earlier.monotonic);
        (earlier.date + elapsed).distance(self.date) > MAX_SKEW
    }

    /// Combines two moments: for each clock, takes the later of the two times.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { date: self.date.max(other.date), monotonic: self.monotonic.max(other.monotonic) }
    }

    /// Returns whether both clocks have reached this moment at `now`. If the system clock was set forward, it reaches
    /// this moment too early, so the monotonic clock decides. If the system clock was set back, it reaches this moment
    /// after the monotonic clock, so the system clock decides.
    pub(crate) fn has_passed(self, now: Self) -> bool {
        self.date <= now.date && self.monotonic <= now.monotonic
    }
}
