//! The lifetimes and windows of sessions, resolved from the settings.

use std::time::Duration;

use crate::clock::Timestamp;

/// The lifetimes and windows of sessions, resolved from the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionRules {
    /// A session ends if it is not used for this long (ASVS 5.0 V7.3.1).
    pub(crate) idle: Duration,
    /// The idle timeout of a session whose user chose to stay logged in.
    pub(crate) remembered_idle: Duration,
    /// The maximum age of a session (ASVS 5.0 V7.3.2).
    pub(crate) absolute: Duration,
    /// How long after a rotation the previous token is still accepted, because concurrent requests might have sent it.
    pub(crate) race_window: Duration,
    /// The window that applies instead of `race_window` until a client has used the new token. Until then, the response
    /// with the new token might have been lost.
    pub(crate) lost_response_window: Duration,
    /// How far in the future the times in a row may be. The clock of the server that wrote the row might be ahead.
    pub(crate) clock_skew: Duration,
}

impl SessionRules {
    /// The idle timeout of a session.
    pub(crate) const fn idle(&self, persistent: bool) -> Duration {
        if persistent { self.remembered_idle } else { self.idle }
    }

    /// Returns whether users who chose to stay logged in have a longer idle timeout than other users.
    pub(crate) fn favours_remembered(&self) -> bool {
        self.remembered_idle > self.idle
    }

    /// Returns whether a row's time is further in the future than the clock skew that is allowed between two servers.
    pub(crate) fn is_early(&self, time: Timestamp, now: Timestamp) -> bool {
        time > now + self.clock_skew
    }
}
