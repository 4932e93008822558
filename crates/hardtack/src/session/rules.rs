//! What the server does with a refresh token of some generation: a pure decision about the session's row.

use std::time::Duration;

use super::Session;
use crate::clock::Timestamp;

/// The lifetimes and windows of sessions, resolved from the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionRules {
    /// A session that is not used for this long ends (ASVS 5.0 V7.3.1).
    pub(crate) idle: Duration,
    /// A session of this age ends (ASVS 5.0 V7.3.2).
    pub(crate) absolute: Duration,
    /// How long after a rotation the previous token still gets the current one, for tabs that race.
    pub(crate) race_window: Duration,
    /// The same until the new token has been seen, for a response that was lost.
    pub(crate) lost_response_window: Duration,
}

#[cfg(any(test, feature = "testing"))]
impl Default for SessionRules {
    fn default() -> Self {
        let policy = super::SessionPolicy::default();
        policy.rules(Duration::from_secs(24 * 60 * 60), policy.absolute_lifetime)
    }
}

/// What to do with a refresh token whose compare-and-swap missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshVerdict {
    /// Its parent: answer with the current token, byte for byte, and write nothing.
    Repeat,
    /// It is the current one after all; somebody rotated and the row was read in between.
    Retry,
    /// An old token came back: somebody has a copy (RFC 9700 §4.14.2). End the session.
    Reuse,
    /// A token from the future: the store lost rows, or keys are shared with another store.
    Ahead,
    /// The session was ended.
    Revoked,
    /// The session went unused, or grew too old.
    Expired,
}

impl SessionRules {
    /// Judges a refresh token of `generation` against the row as it stands.
    pub(crate) fn check_refresh(&self, row: &Session, generation: u64, now: Timestamp) -> RefreshVerdict {
        if row.revoked_at.is_some() {
            return RefreshVerdict::Revoked;
        }
        if !row.is_live(now) {
            return RefreshVerdict::Expired;
        }
        if generation > row.generation {
            return RefreshVerdict::Ahead;
        }
        let window = if row.confirmed { self.race_window } else { self.lost_response_window };
        match row.generation - generation {
            0 => RefreshVerdict::Retry,
            // Whole seconds: a window of none has to be none within the same second, too.
            1 if !window.is_zero() && now.since(row.rotated_at) <= window => RefreshVerdict::Repeat,
            _ => RefreshVerdict::Reuse,
        }
    }

    /// When a session used at `now` goes idle.
    pub(crate) fn idle_end(&self, now: Timestamp, absolute_end: Timestamp) -> Timestamp {
        (now + self.idle).min(absolute_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn row(generation: u64, confirmed: bool) -> Session {
        let rules = SessionRules::default();
        Session { generation, confirmed, ..Session::begin("alice", NOW, &rules) }
    }

    fn judge(row: &Session, generation: u64, seconds: u64) -> RefreshVerdict {
        SessionRules::default().check_refresh(row, generation, NOW + Duration::from_secs(seconds))
    }

    #[test]
    fn s31_the_parent_gets_the_current_token_for_thirty_seconds() {
        assert_eq!(judge(&row(5, true), 4, 0), RefreshVerdict::Repeat);
        assert_eq!(judge(&row(5, true), 4, 30), RefreshVerdict::Repeat);
        assert_eq!(judge(&row(5, true), 4, 31), RefreshVerdict::Reuse);
    }

    #[test]
    fn s32_a_lost_response_is_recovered_for_ten_minutes() {
        assert_eq!(judge(&row(5, false), 4, 600), RefreshVerdict::Repeat);
        assert_eq!(judge(&row(5, false), 4, 601), RefreshVerdict::Reuse);
    }

    #[test]
    fn without_a_window_a_parent_is_reuse_at_once() {
        let strict =
            SessionRules { race_window: Duration::ZERO, lost_response_window: Duration::ZERO, ..Default::default() };
        assert_eq!(strict.check_refresh(&row(5, false), 4, NOW), RefreshVerdict::Reuse);
        assert_eq!(strict.check_refresh(&row(5, true), 4, NOW), RefreshVerdict::Reuse);
    }

    #[test]
    fn s30_a_grandparent_is_reuse_at_once() {
        assert_eq!(judge(&row(5, false), 3, 0), RefreshVerdict::Reuse);
        assert_eq!(judge(&row(5, true), 1, 0), RefreshVerdict::Reuse);
    }

    #[test]
    fn a_token_of_the_future_is_none_of_ours() {
        assert_eq!(judge(&row(5, true), 6, 0), RefreshVerdict::Ahead);
    }

    #[test]
    fn s33_s34_the_end_is_the_earlier_of_idle_and_absolute() {
        let rules = SessionRules::default();
        assert_eq!(rules.idle_end(NOW, NOW + Duration::from_secs(5)), NOW + Duration::from_secs(5));
        assert_eq!(rules.idle_end(NOW, NOW + rules.absolute), NOW + rules.idle);
        assert_eq!(judge(&row(1, true), 1, rules.idle.as_secs()), RefreshVerdict::Expired);
        assert_eq!(judge(&Session { revoked_at: Some(NOW), ..row(1, true) }, 1, 0), RefreshVerdict::Revoked);
    }
}
