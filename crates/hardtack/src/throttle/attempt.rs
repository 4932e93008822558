//! The two results of taking a token.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::{Budget, Throttle};

/// A try that is allowed, and counts as a failure unless it [succeeds](Self::succeeded).
#[derive(Debug)]
#[must_use = "call `succeeded` if the try succeeds: until then it counts as a failure"]
pub struct Attempt {
    throttle: Throttle,
    budgets: Vec<Budget>,
    /// Whether the tokens were taken from the store that several servers share.
    shared: bool,
}

impl Attempt {
    pub(super) const fn new(throttle: Throttle, budgets: Vec<Budget>, shared: bool) -> Self {
        Self { throttle, budgets, shared }
    }

    /// Gives the tokens back and ends the row of failures of each budget.
    pub async fn succeeded(self) {
        self.throttle.give_back(&self.budgets, self.shared).await;
    }

    /// Leaves the try counted as a failure. Dropping the attempt does the same.
    pub fn failed(self) {}
}

/// A try that is refused. Nothing was taken, so a refused try does not prolong the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooManyAttempts {
    retry_after: Duration,
    failures_in_a_row: bool,
}

impl TooManyAttempts {
    /// Creates the refusal of a try that is allowed after a wait.
    pub const fn new(retry_after: Duration, failures_in_a_row: bool) -> Self {
        Self { retry_after, failures_in_a_row }
    }

    /// Returns after which time a try is allowed again.
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// Returns whether the wait is due to too many [failures in a row](Budget::failures_in_a_row).
    pub const fn failures_in_a_row(&self) -> bool {
        self.failures_in_a_row
    }
}

impl fmt::Display for TooManyAttempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.retry_after.as_millis().div_ceil(1000);
        write!(f, "too many attempts; the next one is allowed in {seconds} s")
    }
}

impl Error for TooManyAttempts {}
