//! Decides what to do with a refresh token. The decision depends only on the token's generation and the session's row.

use super::{Session, SessionRules};
use crate::clock::Timestamp;

/// What to do with a refresh token if [`SessionStore::rotate`](super::SessionStore::rotate) returned `None` for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshVerdict {
    /// The token is the previous one. Return the current token again, byte for byte, and write nothing.
    Repeat,
    /// The token is the current one, so the row has changed between `rotate` and `find`. Try again.
    Retry,
    /// An old token was used again, so it may have been copied (RFC 9700 section 4.14.2). End the session.
    Reuse,
    /// The token is the previous one, and the time of the rotation is in the future. This server's clock is behind
    /// another server's clock, so this server cannot tell how long ago the token was replaced. Refuse the token, but do
    /// not end the session.
    Early,
    /// The token is newer than the row. Either the store has lost writes, or another store is used with the same key.
    Ahead,
    /// The session is bound to a device, and the client has not proved that it has the device's key. Refuse the token,
    /// but do not end the session. Its browser may have sent the request before the browser could make a proof.
    Unproven,
    /// The session was ended.
    Revoked,
    /// The session has expired: it was idle for too long, or it has reached its maximum lifetime.
    Expired,
}

impl SessionRules {
    /// Compares a refresh token of `generation` with the session's row.
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
        if row.bound_key.is_some() {
            return RefreshVerdict::Unproven;
        }
        self.check_refresh_of_device(row, generation, now)
    }

    /// Compares the generation of a refresh token with the row of its session. The session must be live, and the token
    /// must not be newer than the row. Call this method only if the session is not bound, or if the client has proved
    /// that it has the device's key.
    pub(crate) fn check_refresh_of_device(&self, row: &Session, generation: u64, now: Timestamp) -> RefreshVerdict {
        let window = if row.confirmed { self.race_window } else { self.lost_response_window };
        match row.generation.saturating_sub(generation) {
            0 => RefreshVerdict::Retry,
            1 if !window.is_zero() && self.is_early(row.rotated_at, now) => RefreshVerdict::Early,
            // Times are whole seconds. If the window is zero, `<=` alone would accept the previous token for up to one
            // second.
            1 if !window.is_zero() && now.since(row.rotated_at) <= window => RefreshVerdict::Repeat,
            _ => RefreshVerdict::Reuse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn row(generation: u64, confirmed: bool) -> Session {
        let rules = SessionRules::default();
        Session { generation, confirmed, ..Session::begin("alice", NOW, &rules) }
    }

    fn verdict(row: &Session, generation: u64, seconds: u64) -> RefreshVerdict {
        SessionRules::default().check_refresh(row, generation, NOW + Duration::from_secs(seconds))
    }

    #[test]
    fn s31_the_parent_gets_the_current_token_for_thirty_seconds() {
        assert_eq!(verdict(&row(5, true), 4, 0), RefreshVerdict::Repeat);
        assert_eq!(verdict(&row(5, true), 4, 30), RefreshVerdict::Repeat);
        assert_eq!(verdict(&row(5, true), 4, 31), RefreshVerdict::Reuse);
    }

    #[test]
    fn s32_a_lost_response_is_recovered_for_ten_minutes() {
        assert_eq!(verdict(&row(5, false), 4, 600), RefreshVerdict::Repeat);
        assert_eq!(verdict(&row(5, false), 4, 601), RefreshVerdict::Reuse);
    }

    #[test]
    fn without_a_window_a_parent_token_is_reuse_at_once() {
        let strict =
            SessionRules { race_window: Duration::ZERO, lost_response_window: Duration::ZERO, ..Default::default() };
        assert_eq!(strict.check_refresh(&row(5, false), 4, NOW), RefreshVerdict::Reuse);
        assert_eq!(strict.check_refresh(&row(5, true), 4, NOW), RefreshVerdict::Reuse);
    }

    #[test]
    fn s70_a_clock_that_is_behind_ends_nothing() {
        let before = |generation, seconds| {
            let now = NOW - Duration::from_secs(seconds);
            SessionRules::default().check_refresh(&row(5, true), generation, now)
        };
        assert_eq!([1, 3].map(|seconds| before(4, seconds)), [RefreshVerdict::Repeat; 2]);
        assert_eq!([4, 3600].map(|seconds| before(4, seconds)), [RefreshVerdict::Early; 2]);
        assert_eq!([2, 3600].map(|seconds| before(5, seconds)), [RefreshVerdict::Retry; 2]);
        // The token was replaced twice, so it is reused no matter what the clock shows.
        assert_eq!([2, 3600].map(|seconds| before(3, seconds)), [RefreshVerdict::Reuse; 2]);
    }

    #[test]
    fn s30_a_grandparent_is_reuse_at_once() {
        assert_eq!(verdict(&row(5, false), 3, 0), RefreshVerdict::Reuse);
        assert_eq!(verdict(&row(5, true), 1, 0), RefreshVerdict::Reuse);
    }

    #[test]
    fn s89_a_bound_session_needs_a_proof_and_is_not_ended_without_one() {
        let bound = |generation| Session { bound_key: Some("key".into()), ..row(generation, true) };
        for generation in 1..=5 {
            for age in [0, 3600] {
                assert_eq!(verdict(&bound(5), generation, age), RefreshVerdict::Unproven);
            }
        }
        assert_eq!(verdict(&bound(5), 6, 0), RefreshVerdict::Ahead);
        assert_eq!(verdict(&Session { revoked_at: Some(NOW), ..bound(5) }, 5, 0), RefreshVerdict::Revoked);
    }

    #[test]
    fn a_generation_that_was_never_issued_is_ahead() {
        assert_eq!(verdict(&row(5, true), 6, 0), RefreshVerdict::Ahead);
    }

    #[test]
    fn s33_s34_the_end_is_the_earlier_of_idle_and_absolute() {
        let rules = SessionRules::default();
        let begun = |rules: &SessionRules| Session::begin("alice", NOW, rules).expires_at;
        assert_eq!(begun(&SessionRules { absolute: Duration::from_secs(5), ..rules }), NOW + Duration::from_secs(5));
        assert_eq!(begun(&rules), NOW + rules.idle);
        assert_eq!(verdict(&row(1, true), 1, rules.idle.as_secs()), RefreshVerdict::Expired);
        assert_eq!(verdict(&Session { revoked_at: Some(NOW), ..row(1, true) }, 1, 0), RefreshVerdict::Revoked);
    }
}
