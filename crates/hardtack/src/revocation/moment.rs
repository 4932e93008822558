//! A moment on both clocks.

use std::time::Duration;

use crate::clock::{Clock, MAX_SKEW, Timestamp};

/// A moment on both clocks of a machine: the one that tells the date, which can be set, and the monotonic one, which
/// cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The date.
    pub(crate) date: Timestamp,
    /// The time that has passed since some fixed moment.
    pub(crate) monotonic: Duration,
}

impl Moment {
    /// Reads both clocks. Requests with a valid token do not need this.
    pub(crate) fn now(clock: &(impl Clock + ?Sized)) -> Self {
        Self { date: clock.now(), monotonic: clock.monotonic() }
    }

    /// The moment when this much time has passed.
    pub(crate) fn after(self, span: Duration) -> Self {
        Self { date: self.date + span, monotonic: self.monotonic.saturating_add(span) }
    }

    /// Whether the clock that tells the date was set between `earlier` and this moment: the two clocks have advanced by
    /// amounts that differ by more than [`MAX_SKEW`].
    pub(crate) fn clocks_differ_since(self, earlier: Self) -> bool {
        let elapsed = self.monotonic.saturating_sub(earlier.monotonic);
        (earlier.date + elapsed).distance(self.date) > MAX_SKEW
    }

    /// On each clock, the later of the two.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { date: self.date.max(other.date), monotonic: self.monotonic.max(other.monotonic) }
    }

    /// Whether both clocks have reached this moment. If the date was set forward, the time must still elapse; if it was
    /// set back, the date must be reached again.
    pub(crate) fn has_passed(self, now: Self) -> bool {
        self.date <= now.date && self.monotonic <= now.monotonic
    }
}
