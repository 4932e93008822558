//! Decides what to do with a refresh token. The decision depends on what the client has presented, the session's row,
//! the settings and the current time.

use super::{Session, SessionRules};
use crate::clock::Timestamp;

/// What a client presents to refresh a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'a> {
    /// The refresh token's `gen` claim.
    pub(crate) generation: u64,
    /// The refresh token's `auth_time` claim.
    pub(crate) auth_time: Option<Timestamp>,
    /// The [mark](Session::reauthentication_mark) of a re-authentication.
    pub(crate) mark: Option<&'a str>,
}

/// What to do with a refresh token if [`SessionStore::rotate`](super::SessionStore::rotate) returned `None` for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshVerdict {
    /// The token is the previous one. Return the current token again, byte for byte, and write nothing.
    Repeat,
    /// The token is the current one, so the row has changed between `rotate` and `find`. Try again.
    Retry,
    /// An old token was used again, so it may have been copied (RFC 9700 section 4.14.2). End the session.
    Reuse,
    /// The token is the previous one, and the time of the rotation is in the future. This server's clock is behind that
    /// of another server, so this server cannot tell how long ago the token was replaced. Refuse the token, but do not
    /// end the session.
    Early,
    /// The token is newer than the row. Either the store has lost writes, or another store is used with the same key.
    Ahead,
    /// The session is bound to a device, and the client has not proved that it has the device's key. Refuse the token,
    /// but do not end the session. The browser might have sent the request before it could send a proof.
    Unproven,
    /// The token was replaced by a re-authentication: the user typed the password again after the token was issued.
    /// Refuse the token, but do not end the session. The browser may have sent the request before it got the new
    /// tokens.
    Superseded,
    /// The session was ended.
    Revoked,
    /// The session has expired: it was idle for too long, or it has reached its maximum lifetime.
    Expired,
}

impl SessionRules {
    /// Compares what a client presents with the session's row.
    pub(crate) fn check_refresh(&self, row: &Session, presented: Presented<'_>, now: Timestamp) -> RefreshVerdict {
        if row.revoked_at.is_some() {
            return RefreshVerdict::Revoked;
        }
        if !row.is_live(now) {
            return RefreshVerdict::Expired;
        }
        if presented.generation > row.generation {
            return RefreshVerdict::Ahead;
        }
        if row.bound_key.is_some() {
            let superseded = row.supersedes(presented.auth_time) && !row.has_mark(presented.mark);
            return if superseded { RefreshVerdict::Superseded } else { RefreshVerdict::Unproven };
        }
        self.check_refresh_of_device(row, presented, now)
    }

    /// Compares a refresh token's generation with its session's row. The session must be live, and the token must not
    /// be newer than the row. Call this method only if the session is not bound, or if the client has proved that it
    /// has the device's key.
    ///
    /// If a re-authentication has replaced the token, the token is refused at once (ASVS 5.0 V7.2.4). After an ordinary
    /// refresh, the previous token is accepted for a short time. For just as long, a token that a re-authentication
    /// replaced is refused, but not treated as a sign of theft: the browser may have sent the request before it got the
    /// new tokens.
    ///
    /// Until the new tokens have been used, the browser may not have received them at all. For example, the client may
    /// have disconnected while the store was still committing the re-authentication. Until then, a token that the
    /// re-authentication replaced is therefore never a sign of theft, no matter how much time has passed. This gives a
    /// thief nothing, because the token is refused in any case.
    ///
    /// The mark of the re-authentication shows that the browser has received the new tokens. If the browser
    /// nevertheless presents the tokens that the re-authentication has replaced, the response to an earlier refresh has
    /// arrived late and has overwritten the new tokens. To the browser, this is the same as a lost response.
    pub(crate) fn check_refresh_of_device(
        &self,
        row: &Session,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> RefreshVerdict {
        let window = if row.confirmed { self.race_window } else { self.lost_response_window };
        let behind = row.generation.saturating_sub(presented.generation);
        let superseded = row.supersedes(presented.auth_time);
        // If the access token has expired, a request that re-authenticates must refresh the tokens first, so it
        // replaces the tokens twice.
        let may_be_in_flight = behind == 1 || (behind == 2 && superseded);
        match behind {
            0 => RefreshVerdict::Retry,
            _ if may_be_in_flight && superseded && !row.confirmed && !row.has_mark(presented.mark) => {
                RefreshVerdict::Superseded
            }
            // Times are whole seconds. If the window is zero, `<=` alone would accept the previous token for up to one
            // second.
            _ if !may_be_in_flight || window.is_zero() => RefreshVerdict::Reuse,
            _ if self.is_early(row.rotated_at, now) => RefreshVerdict::Early,
            _ if now.since(row.rotated_at) > window => RefreshVerdict::Reuse,
            _ if superseded && (behind > 1 || !row.has_mark(presented.mark)) => RefreshVerdict::Superseded,
            _ => RefreshVerdict::Repeat,
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
        check(&SessionRules::default(), row, generation, NOW + Duration::from_secs(seconds))
    }

    fn check(rules: &SessionRules, row: &Session, generation: u64, now: Timestamp) -> RefreshVerdict {
        rules.check_refresh(row, Presented { generation, auth_time: Some(row.auth_time), mark: None }, now)
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
        assert_eq!(check(&strict, &row(5, false), 4, NOW), RefreshVerdict::Reuse);
        assert_eq!(check(&strict, &row(5, true), 4, NOW), RefreshVerdict::Reuse);
    }

    #[test]
    fn s70_a_clock_that_is_behind_ends_nothing() {
        let before = |generation, seconds| {
            let now = NOW - Duration::from_secs(seconds);
            check(&SessionRules::default(), &row(5, true), generation, now)
        };
        assert_eq!([1, 3].map(|seconds| before(4, seconds)), [RefreshVerdict::Repeat; 2]);
        assert_eq!([4, 3600].map(|seconds| before(4, seconds)), [RefreshVerdict::Early; 2]);
        assert_eq!([2, 3600].map(|seconds| before(5, seconds)), [RefreshVerdict::Retry; 2]);
        // The token was replaced twice, so this is reuse, no matter what the clock shows.
        assert_eq!([2, 3600].map(|seconds| before(3, seconds)), [RefreshVerdict::Reuse; 2]);
    }

    #[test]
    fn s27_a_re_authentication_that_refreshes_first_ends_no_session_of_a_request_in_flight() {
        let rules = SessionRules::default();
        let row = Session { auth_time: NOW, ..row(5, true) };
        let verdict = |generation, seconds| {
            let earlier = Some(NOW - Duration::from_secs(1000));
            let presented = Presented { generation, auth_time: earlier, mark: None };
            rules.check_refresh(&row, presented, NOW + Duration::from_secs(seconds))
        };
        assert_eq!([4, 3].map(|generation| verdict(generation, 30)), [RefreshVerdict::Superseded; 2]);
        assert_eq!([4, 3].map(|generation| verdict(generation, 31)), [RefreshVerdict::Reuse; 2]);
        assert_eq!(verdict(2, 0), RefreshVerdict::Reuse);
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
    fn s27_the_parent_of_a_reauthentication_is_refused_at_once() {
        let typed = |row: Session| Session { auth_time: NOW, ..row };
        let of = |row: &Session, generation, auth_time, seconds| {
            let now = NOW + Duration::from_secs(seconds);
            let presented = Presented { generation, auth_time: Some(auth_time), mark: None };
            SessionRules::default().check_refresh(row, presented, now)
        };
        let before = NOW - Duration::from_secs(1);
        // If the new tokens have not been used, the browser may not have received them.
        for (confirmed, later) in [(true, RefreshVerdict::Reuse), (false, RefreshVerdict::Superseded)] {
            let row = typed(row(5, confirmed));
            for age in [0, 30] {
                assert_eq!(of(&row, 4, before, age), RefreshVerdict::Superseded);
            }
            for age in [31, 601, 3600] {
                assert_eq!(of(&row, 4, before, age), later);
            }
            assert_eq!(of(&row, 2, before, 0), RefreshVerdict::Reuse);
            assert_eq!(of(&row, 5, NOW, 0), RefreshVerdict::Retry);
            // The session was refreshed after the re-authentication.
            assert_eq!(of(&row, 4, NOW, 0), RefreshVerdict::Repeat);
            let bound = Session { bound_key: Some("key".into()), ..row };
            assert_eq!(of(&bound, 4, before, 0), RefreshVerdict::Superseded);
            assert_eq!(of(&bound, 5, NOW, 0), RefreshVerdict::Unproven);
        }
    }

    #[test]
    fn s27_with_its_mark_the_parent_of_a_reauthentication_is_like_any_parent() {
        let before = Some(NOW - Duration::from_secs(1));
        for (confirmed, window) in [(true, 30), (false, 600)] {
            let row = Session { auth_time: NOW, ..row(5, confirmed) };
            let mark = row.reauthentication_mark();
            let older = Session { auth_time: NOW - Duration::from_secs(1), ..row.clone() }.reauthentication_mark();
            let verdict = |generation, mark, seconds| {
                let presented = Presented { generation, auth_time: before, mark: Some(mark) };
                SessionRules::default().check_refresh(&row, presented, NOW + Duration::from_secs(seconds))
            };
            for age in [0, window] {
                assert_eq!(verdict(4, &*mark, age), RefreshVerdict::Repeat);
                assert_eq!(verdict(4, &*older, age), RefreshVerdict::Superseded);
                assert_eq!(verdict(3, &*mark, age), RefreshVerdict::Superseded, "not the parent");
            }
            assert_eq!(verdict(4, &*mark, window + 1), RefreshVerdict::Reuse);
            assert_eq!(verdict(2, &*mark, 0), RefreshVerdict::Reuse);
        }
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
