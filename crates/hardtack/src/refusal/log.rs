//! The log lines about refused requests.

use std::time::Duration;

use super::{FailureKind, Reason};
use crate::developer_notice;
use crate::error::WithCauses;
use crate::log_limit::LogLimit;

/// Limits the lines at level `ERROR`, because a client can cause any number of them, for example during an outage of the
/// session store.
#[derive(Debug)]
pub(crate) struct RefusalLog {
    store: LogLimit,
    outcome: LogLimit,
    issue: LogLimit,
    set_up: LogLimit,
    /// The limit for the lines about redirects that would lead back to the refused page.
    pub(super) redirect_loop: LogLimit,
}

impl RefusalLog {
    pub(crate) const fn new() -> Self {
        Self {
            store: LogLimit::with_code("refused", "store_unavailable"),
            outcome: LogLimit::with_code("refused", "outcome_unknown"),
            issue: LogLimit::with_code("refused", "cannot_issue"),
            set_up: LogLimit::with_code("refused", "not_set_up"),
            redirect_loop: LogLimit::new("redirect_loop"),
        }
    }

    /// Returns the limit for the lines about this reason. Returns `None` if the level of these lines is below `ERROR`.
    fn limit(&self, reason: &Reason) -> Option<&LogLimit> {
        match reason.kind() {
            FailureKind::Unavailable if matches!(reason, Reason::OutcomeUnknown(_)) => Some(&self.outcome),
            FailureKind::Unavailable => Some(&self.store),
            FailureKind::Internal if matches!(reason, Reason::NotSetUp(_)) => Some(&self.set_up),
            FailureKind::Internal => Some(&self.issue),
            _ => None,
        }
    }

    /// Logs how many refusals were not logged. `now` is a time of the monotonic clock.
    pub(crate) fn flush(&self, now: Duration) {
        let Self { store, outcome, issue, set_up, redirect_loop } = self;
        [store, outcome, issue, set_up, redirect_loop].into_iter().for_each(|limit| limit.flush_at(now));
    }
}

/// The limits for refusals outside of an authenticator.
static OUTSIDE: RefusalLog = RefusalLog::new();

impl Reason {
    /// Logs the reason. The level is `ERROR` if the operator might have to fix something. It is `INFO` if a log-in is
    /// refused or the user lacks a permission, and `TRACE` if a token is missing, has expired or must be refreshed. In
    /// all other cases, it is `DEBUG`. `now` is a time of the monotonic clock.
    pub(crate) fn log(&self, refusals: &RefusalLog, now: Duration) {
        self.log_by(refusals, |limit| {
            limit.add_at(now, 1, |not_logged| self.log_error(not_logged));
        });
    }

    /// Logs the reason for a refusal outside of an authenticator.
    pub(super) fn log_outside(&self) {
        self.log_by(&OUTSIDE, |limit| limit.add(|not_logged| self.log_error(not_logged)));
    }

    /// Logs the reason. If the level is `ERROR`, calls `count` with the limit for these lines.
    fn log_by<'a>(&self, refusals: &'a RefusalLog, count: impl FnOnce(&'a LogLimit)) {
        match refusals.limit(self) {
            Some(limit) => {
                count(limit);
                self.print_notice();
            }
            None => self.log_below_error(),
        }
    }

    fn log_error(&self, not_logged: Option<u64>) {
        let (code, reason) = (self.code(), WithCauses(self));
        match self.kind() {
            FailureKind::Unavailable if !matches!(self, Self::OutcomeUnknown(_)) => tracing::error!(
                event = "refused", code, not_logged, %reason,
                "a request got 503; check that the store is running, can be reached, and has free disk space"
            ),
            _ => tracing::error!(event = "refused", code, not_logged, %reason),
        }
    }

    fn print_notice(&self) {
        let name = if let Self::NotSetUp(advice) = self { advice } else { self.code() };
        developer_notice::print(name, &WithCauses(self));
    }

    fn log_below_error(&self) {
        match self.kind() {
            // Log the event, as ASVS 5.0 V16.3.1 requires. Do not log the text, because it can contain what the user
            // typed.
            FailureKind::LogInRefused => tracing::info!(event = "refused", code = self.code()),
            FailureKind::Missing | FailureKind::Expired | FailureKind::RefreshNeeded => {
                tracing::trace!(event = "refused", code = self.code());
            }
            // Log the event, as ASVS 5.0 V16.3.2 requires. The text names the claim that the token lacks.
            FailureKind::Forbidden => tracing::info!(event = "refused", code = self.code(), reason = %self),
            _ => tracing::debug!(event = "refused", code = self.code()),
        }
    }
}
