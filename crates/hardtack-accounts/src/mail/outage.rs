//! Tracks whether the mail server seems to be working.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The first pause after a failure. Each further pause is twice as long, up to the longest pause.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// If this many different messages fail in a row, the mail server may be the cause.
const SUSPICIOUS: usize = 3;

/// How often an outage is logged.
const REPORT: Duration = Duration::from_secs(600);

/// An outage that has lasted this long is logged, even if another outage was logged less than [`REPORT`] ago.
const LASTING: Duration = Duration::from_secs(60);

/// Detects an outage of the mail server.
///
/// An outage is *certain* if an error proves it. During such an outage, only one message at a time is tried, and each
/// failure makes the pause longer. The other messages wait, and do not count as failed. As soon as the server accepts
/// or refuses a message, the outage is over, and all other messages are sent.
///
/// An outage is *suspected* if several messages fail in a row. Strangers can cause such failures by signing up with
/// addresses whose mailboxes are slow or full. For this reason, a suspected outage does not delay other messages. It
/// only limits how long the dispatcher waits before it tries a failed message again, so that failed messages are sent
/// soon after a real outage ends.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The numbers of the messages that have failed in a row. The list has at most [`SUSPICIOUS`] entries.
    failed: Vec<i64>,
    down: Option<Down>,
    /// When an outage was last logged. This value is kept when the outage ends, so that several short outages are
    /// logged no more often than one long outage.
    reported_at: Option<Instant>,
    /// When a suspected outage was last logged.
    suspected_at: Option<Instant>,
}

#[derive(Debug)]
struct Down {
    since: Instant,
    /// When to try the next message.
    until: Instant,
    pause: Duration,
    /// Whether an attempt to send a message is in progress.
    is_trying: bool,
    /// Whether this outage was logged.
    is_reported: bool,
}

/// How the mail dispatcher must react to a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) outage: Likelihood,
    /// Whether to log this failure. During an outage, or a series of short outages, only one failure every ten minutes
    /// is logged. An outage that lasts for a minute is always logged.
    pub(super) is_news: bool,
}

/// How likely it is that the mail server has an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likelihood {
    Unlikely,
    Suspected,
    Certain,
}

impl Outage {
    /// Returns how long to wait before sending a message, or zero if a message can be sent now.
    ///
    /// During an outage, only one message is tried at a time. A caller that gets zero must try a message, or call
    /// [`Self::nothing_to_try`]. Until the message is sent or fails, or `timeout` passes, no other caller gets zero.
    pub(super) fn delay(&self, now: Instant, timeout: Duration) -> Duration {
        let mut state = self.state();
        let Some(down) = &mut state.down else { return Duration::ZERO };
        let delay = down.until.saturating_duration_since(now);
        if delay.is_zero() {
            down.until = now + timeout;
            down.is_trying = true;
        }
        delay
    }

    /// Call this method if [`Self::delay`] has returned zero, but no message is waiting. The next caller of
    /// [`Self::delay`] can then try a message at once.
    pub(super) fn nothing_to_try(&self, now: Instant) {
        if let Some(down) = &mut self.state().down {
            (down.is_trying, down.until) = (false, now);
        }
    }

    /// Records that the server has accepted or refused a message, so there is no outage. Returns `true` if this ends a
    /// *certain* outage that has been logged.
    pub(super) fn end(&self) -> bool {
        let mut state = self.state();
        state.failed.clear();
        state.down.take().is_some_and(|down| down.is_reported)
    }

    /// Records that a message could not be sent. `is_certain` says whether the error by itself proves an outage.
    pub(super) fn note(&self, now: Instant, message: i64, is_certain: bool) -> Failure {
        let mut guard = self.state();
        let state = &mut *guard;
        if state.failed.len() < SUSPICIOUS && !state.failed.contains(&message) {
            state.failed.push(message);
        }
        if let Some(down) = &mut state.down {
            if std::mem::take(&mut down.is_trying) {
                down.pause = (2 * down.pause).min(LONGEST_PAUSE);
                down.until = now + down.pause;
            }
            if !down.is_reported && now.duration_since(down.since) >= LASTING {
                state.reported_at = None;
            }
            let is_news = is_due(&mut state.reported_at, now);
            down.is_reported |= is_news;
            return Failure { outage: Likelihood::Certain, is_news };
        }
        if is_certain {
            let is_reported = is_due(&mut state.reported_at, now);
            let (since, until) = (now, now + FIRST_PAUSE);
            let down = Down { since, until, pause: FIRST_PAUSE, is_trying: false, is_reported };
            state.down = Some(down);
            return Failure { outage: Likelihood::Certain, is_news: is_reported };
        }
        if state.failed.len() < SUSPICIOUS {
            return Failure { outage: Likelihood::Unlikely, is_news: true };
        }
        Failure { outage: Likelihood::Suspected, is_news: is_due(&mut state.suspected_at, now) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether the outage should be logged now. If so, stores `now` in `reported_at`.
fn is_due(reported_at: &mut Option<Instant>, now: Instant) -> bool {
    let is_due = reported_at.is_none_or(|at| now.duration_since(at) >= REPORT);
    if is_due {
        *reported_at = Some(now);
    }
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(20);

    #[test]
    fn l3_an_outage_is_probed_until_one_message_is_sent() {
        let (outage, mut now) = (Outage::default(), Instant::now());
        assert_eq!(outage.note(now, 1, true), Failure { outage: Likelihood::Certain, is_news: true });
        // Messages that were already being sent do not prolong the outage.
        for message in 2..8 {
            assert_eq!(outage.note(now, message, true), Failure { outage: Likelihood::Certain, is_news: false });
        }
        let (end, mut tries) = (now + Duration::from_secs(1200), 0);
        while now < end {
            let delay = outage.delay(now, TIMEOUT);
            assert!(delay <= LONGEST_PAUSE, "{delay:?}");
            if delay.is_zero() {
                assert_eq!(outage.delay(now, TIMEOUT), TIMEOUT, "another message is tried meanwhile");
                tries += 1;
                outage.note(now, 8, true);
            }
            now += delay;
        }
        assert!((55..75).contains(&tries), "{tries}");
        // If the outcome of an attempt is never reported, other attempts wait only until the timeout passes.
        while !outage.delay(now, TIMEOUT).is_zero() {
            now += Duration::from_secs(1);
        }
        assert!(outage.delay(now + TIMEOUT, TIMEOUT).is_zero());
        assert!(outage.end() && !outage.end());
        assert!(outage.delay(now, TIMEOUT).is_zero() && outage.delay(now, TIMEOUT).is_zero());
    }

    #[test]
    fn l3_s77_outages_that_come_and_go_are_logged_once() {
        let (outage, mut now) = (Outage::default(), Instant::now());
        let mut logged = (0, 0, 0);
        for _ in 0..50 {
            logged.0 += i32::from(outage.note(now, 1, true).is_news);
            logged.1 += i32::from(outage.end());
            logged.2 += (1..4)
                .filter(|message| {
                    let failure = outage.note(now, *message, false);
                    failure.outage == Likelihood::Suspected && failure.is_news
                })
                .count();
            assert!(!outage.end());
            now += Duration::from_secs(10);
        }
        assert_eq!(logged, (1, 1, 1));
    }

    #[test]
    fn l3_s77_an_outage_that_lasts_is_logged_within_a_minute_of_another() {
        let (outage, now) = (Outage::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        assert!(outage.note(now, 1, true).is_news && outage.end());
        // Another outage begins ten seconds later.
        assert!(!outage.note(at(10), 1, true).is_news && !outage.note(at(69), 1, true).is_news);
        assert!(outage.note(at(70), 1, true).is_news);
        // The outage is logged again ten minutes later, and its end is logged as well.
        assert!(!outage.note(at(669), 1, true).is_news && outage.note(at(670), 1, true).is_news);
        assert!(outage.end());
    }

    #[test]
    fn l3_messages_that_fail_in_a_row_delay_no_other_message() {
        let (outage, now) = (Outage::default(), Instant::now());
        for number in 0..10 {
            assert_eq!(outage.note(now, number % 2, false).outage, Likelihood::Unlikely);
        }
        assert!(!outage.end(), "one was sent");
        for message in 1..3 {
            assert_eq!(outage.note(now, message, false).outage, Likelihood::Unlikely, "{message}");
        }
        for message in 3..100 {
            let failure = outage.note(now, message, false);
            assert_eq!(failure, Failure { outage: Likelihood::Suspected, is_news: message == 3 });
            assert!(outage.delay(now, TIMEOUT).is_zero());
        }
        // Suspected outages are logged again every ten minutes.
        let later = now + REPORT;
        assert!(outage.note(later, 4, false).is_news && !outage.note(later, 4, false).is_news);
        assert!(!outage.end());
        assert_eq!(outage.note(later, 1, false), Failure { outage: Likelihood::Unlikely, is_news: true });
    }
}
