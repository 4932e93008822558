//! Limits the log lines that clients can cause any number of times.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, SystemClock};

/// The minimum time between two lines about the same event.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// The limits that count events that were not logged, among those that belong to no authenticator.
static COUNTING: Mutex<Vec<&'static LogLimit>> = Mutex::new(Vec::new());

/// Limits the log lines about an event that clients can trigger any number of times. An example is a request that is
/// refused because the session store is down. Without a limit, a client could fill the disk with such lines.
///
/// The first event is logged. After that, at most one line per second is logged. Each line contains the number of
/// events that have not been logged since the previous line (`not_logged`), so the total is never lost. If no further
/// event occurs, a background job of the authenticator logs this number.
///
/// ```
/// use hardtack::adapter::LogLimit;
///
/// static UNSENDABLE: LogLimit = LogLimit::new("unsendable_header");
/// UNSENDABLE.add(|not_logged| tracing::error!(event = "unsendable_header", not_logged));
/// ```
#[derive(Debug)]
pub struct LogLimit {
    event: &'static str,
    code: Option<&'static str>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the last line was logged, on the monotonic clock.
    logged_at: Option<Duration>,
    not_logged: u64,
    /// Whether [`COUNTING`] contains this limit.
    is_listed: bool,
}

impl LogLimit {
    /// Creates a rate limit for the log lines about `event`.
    pub const fn new(event: &'static str) -> Self {
        Self { event, code: None, state: Mutex::new(State { logged_at: None, not_logged: 0, is_listed: false }) }
    }

    /// Creates the limit for the lines about `event` that have this code.
    pub(crate) const fn with_code(event: &'static str, code: &'static str) -> Self {
        Self { code: Some(code), ..Self::new(event) }
    }

    /// Counts an event. If it is time to log a line, calls `log` to write that line. The argument of `log` is the
    /// number of events that were not logged, or `None` if all events were logged.
    pub fn add(&'static self, log: impl FnOnce(Option<u64>)) {
        self.add_many(1, log);
    }

    /// Counts several events at once, for which `log` writes a single line.
    pub fn add_many(&'static self, events: u64, log: impl FnOnce(Option<u64>)) {
        if self.add_at(SystemClock.monotonic(), events, log) {
            return;
        }
        if !std::mem::replace(&mut self.lock().is_listed, true) {
            counting().push(self);
        }
    }

    /// Like [`Self::add_many`], at a time of a monotonic clock. Returns whether a line was due.
    pub(crate) fn add_at(&self, now: Duration, events: u64, log: impl FnOnce(Option<u64>)) -> bool {
        let mut state = self.lock();
        if state.logged_at.is_some_and(|at| now.saturating_sub(at) < PAUSE) {
            state.not_logged = state.not_logged.saturating_add(events);
            return false;
        }
        state.logged_at = Some(now);
        let not_logged = std::mem::take(&mut state.not_logged);
        // The subscriber might cause an event itself.
        drop(state);
        log((not_logged > 0).then_some(not_logged));
        true
    }

    /// Logs how many events were not logged, if there are any and a line is due.
    pub(crate) fn flush_at(&self, now: Duration) {
        if self.lock().not_logged == 0 {
            return;
        }
        let (event, code) = (self.event, self.code);
        self.add_at(now, 0, |not_logged| {
            tracing::warn!(event, code, not_logged, "this event occurred more often than it was logged");
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs the numbers of the limits that belong to no authenticator, as if it were later by `ahead`. See
/// [`LogLimit::flush_at`].
pub(crate) fn flush_all(ahead: Duration) {
    // Do not hold the lock while a subscriber runs.
    let limits = counting().clone();
    limits.into_iter().for_each(|limit| limit.flush_at(SystemClock.monotonic() + ahead));
}

fn counting() -> MutexGuard<'static, Vec<&'static LogLimit>> {
    COUNTING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_says_how_many_are_missing() {
        let limit = LogLimit::new("event");
        let mut lines = Vec::new();
        let mut add = |millis, events| {
            limit.add_at(Duration::from_millis(millis), events, |not_logged| lines.push((millis, not_logged)))
        };
        assert!(add(5000, 1));
        assert!(!add(5000, 1) && !add(5999, 3));
        assert!(add(6000, 1));
        assert!(add(7000, 1));
        assert!(!add(7001, 1));
        assert!(add(60_000, 1));
        assert_eq!(lines, [(5000, None), (6000, Some(4)), (7000, None), (60_000, Some(1))]);
    }

    #[test]
    fn the_rest_is_logged_when_a_line_is_due() {
        let limit = LogLimit::new("event");
        let seconds = Duration::from_secs;
        let not_logged = || limit.lock().not_logged;
        limit.flush_at(seconds(1));
        assert!(limit.add_at(seconds(1), 1, |_| ()));
        assert!(!limit.add_at(seconds(1), 7, |_| ()));
        limit.flush_at(seconds(1));
        assert_eq!(not_logged(), 7);
        limit.flush_at(seconds(2));
        assert_eq!(not_logged(), 0);
        // The summary is a line, too.
        assert!(!limit.add_at(seconds(2), 1, |_| ()));
    }
}
