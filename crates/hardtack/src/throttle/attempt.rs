//! The two possible outcomes of an attempt: it is either allowed or refused.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Budget;
use super::counters::Counters;

/// An attempt that is allowed. It counts as a failure until you call [`succeeded`](Self::succeeded).
#[must_use = "call `succeeded` if the attempt succeeds; until then, the attempt counts as a failure"]
pub struct Attempt {
    counters: Arc<Counters>,
    budgets: Vec<Budget>,
    /// True if the tokens came from the store that several servers share. False if they came from this process's
    /// memory.
    shared: bool,
}

impl Attempt {
    pub(super) const fn new(counters: Arc<Counters>, budgets: Vec<Budget>, shared: bool) -> Self {
        Self { counters, budgets, shared }
    }

    /// Counts the attempt as a success: gives the tokens back, and resets each budget's failures in a row. If the store
    /// fails, the attempt still counts as a failure.
    pub async fn succeeded(self) {
        self.counters.give_back(&self.budgets, self.shared).await;
    }

    /// Counts the attempt as a failure. Dropping the attempt has the same effect, because every attempt counts as a
    /// failure until it succeeds.
    pub fn failed(self) {}
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("budgets", &self.budgets).finish_non_exhaustive()
    }
}

/// The error for a refused attempt. The attempt took no token, so it does not prolong the wait.
///
/// In a handler, pass this value to `auth.refuse`. The response has status 429, the code `too_many_attempts`, the
/// [sentence](Self::sentence) and `Retry-After`. A browser gets a page, and an API client gets problem details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooManyAttempts {
    retry_after: Duration,
    failures_in_a_row: bool,
    sentence: Cow<'static, str>,
}

impl TooManyAttempts {
    /// Creates the error for a refused attempt. The next attempt is allowed after `retry_after`. Pass `true` for
    /// `failures_in_a_row` if the wait is due to too many [failures in a row](Budget::failures_in_a_row).
    pub fn new(retry_after: Duration, failures_in_a_row: bool) -> Self {
        let sentence = format!("Too many attempts. Try again in {}.", Approximately(retry_after)).into();
        Self { retry_after, failures_in_a_row, sentence }
    }

    /// Replaces the sentence for the client. To say how long the client has to wait, put [`Self::wait`] into the
    /// sentence.
    #[must_use]
    pub fn with_sentence(self, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { sentence: sentence.into(), ..self }
    }

    /// Returns how long to wait until the next attempt is allowed.
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// Returns the value for a `Retry-After` header: the waiting time in seconds, rounded up.
    pub fn retry_after_seconds(&self) -> u64 {
        u64::try_from(self.retry_after.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
    }

    /// Returns the waiting time in human-readable form, such as "20 seconds" or "about 5 minutes".
    pub fn wait(&self) -> impl fmt::Display + use<> {
        Approximately(self.retry_after)
    }

    /// Returns whether the wait is due to too many [failures in a row](Budget::failures_in_a_row).
    pub const fn failures_in_a_row(&self) -> bool {
        self.failures_in_a_row
    }

    /// Returns the sentence that tells the client what is wrong and what to do.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl fmt::Display for TooManyAttempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = if self.failures_in_a_row { " after many failures in a row" } else { "" };
        write!(f, "too many attempts{row}; the next attempt is allowed in {} s", self.retry_after_seconds())
    }
}

impl Error for TooManyAttempts {}

/// Displays a duration in seconds, minutes or hours, rounded up.
struct Approximately(Duration);

impl fmt::Display for Approximately {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_millis().div_ceil(1000).max(1);
        match (seconds, seconds.div_ceil(60), seconds.div_ceil(3600)) {
            (1, ..) => f.write_str("a second"),
            (2..60, ..) => write!(f, "{seconds} seconds"),
            (_, 1, _) => f.write_str("about a minute"),
            (_, minutes @ 2..60, _) => write!(f, "about {minutes} minutes"),
            (.., 1) => f.write_str("about an hour"),
            (.., hours) => write!(f, "about {hours} hours"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up() {
        for (millis, text, seconds) in [
            (0, "a second", 0),
            (1, "a second", 1),
            (1001, "2 seconds", 2),
            (59_000, "59 seconds", 59),
            (59_001, "about a minute", 60),
            (60_001, "about 2 minutes", 61),
            (3_540_001, "about an hour", 3541),
            (3_600_001, "about 2 hours", 3601),
        ] {
            let refused = TooManyAttempts::new(Duration::from_millis(millis), false);
            assert_eq!(refused.wait().to_string(), text);
            assert_eq!(refused.sentence(), format!("Too many attempts. Try again in {text}."));
            assert_eq!(refused.retry_after_seconds(), seconds);
        }
    }
}
