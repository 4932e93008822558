//! The lifetimes and windows of sessions, resolved from the settings.

use std::time::Duration;

use crate::clock::Timestamp;

/// The lifetimes and windows of sessions, resolved from the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionRules {
    /// A session that is not used for this long ends (ASVS 5.0 V7.3.1).
    pub(crate) idle: Duration,
    /// A session of this age ends (ASVS 5.0 V7.3.2).
    pub(crate) absolute: Duration,
    /// How long after a rotation the previous token is still exchanged for the current one, for concurrent refreshes.
    pub(crate) race_window: Duration,
    /// Like `race_window`, until a client has used the new token: the response that carried it may have been lost.
    pub(crate) lost_response_window: Duration,
}

impl SessionRules {
    /// When a session that is used at `now` ends unless it is used again.
    pub(crate) fn idle_end(&self, now: Timestamp, absolute_end: Timestamp) -> Timestamp {
        (now + self.idle).min(absolute_end)
    }
}
