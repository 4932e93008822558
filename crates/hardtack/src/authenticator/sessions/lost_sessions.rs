//! Sessions that the store has lost. The revocation log does not contain them (decision 50).

use std::time::Duration;

use crate::authenticator::Authenticator;
use crate::revocation::Moment;
use crate::session::RevocationPage;

impl Authenticator {
    /// Records that the store has lost sessions, or may have lost some. Call this method if an older backup was
    /// restored, or if the sessions are now in a different store. Otherwise, access tokens of the lost sessions would
    /// be accepted until they expire, because the revocation log does not contain these sessions.
    ///
    /// Until all access tokens issued before this call have expired, each request is checked against the store, and a
    /// session that has no row there is refused. The authenticator also detects some losses itself: if entries of the
    /// log are missing, if the newest entry has a lower number than before, or if the store reports that it has lost
    /// sessions ([`RevocationPage::complete_for`]).
    ///
    /// A process that starts during this period does not know that sessions may have been lost. Store the remaining
    /// time ([`Self::store_checks_left`]) outside the session store, and pass it to [`Self::check_store_for`] in the
    /// new process.
    pub fn store_lost_sessions(&self) {
        self.check_store_for(self.store_check_period());
    }

    /// Returns how long requests are checked against the store after [`Self::store_lost_sessions`]: the lifetime of
    /// access tokens, plus leeway and clock skew.
    pub fn store_check_period(&self) -> Duration {
        self.token_memory()
    }

    /// Checks every request against the store for at least `time`, as measured by the monotonic clock.
    /// [`Self::store_lost_sessions`] does the same until all access tokens issued before its call have expired.
    pub fn check_store_for(&self, time: Duration) {
        if time > Duration::ZERO && self.has_store() {
            self.0.log.lost_sessions(self.moment().after(time));
        }
    }

    /// Returns how much longer every request will be checked against the store because the store may have lost
    /// sessions. Returns zero if no sessions may have been lost, or if all access tokens issued before the loss have
    /// expired.
    pub fn store_checks_left(&self) -> Duration {
        self.0.log.lost_sessions_left(self.moment())
    }

    /// Returns whether the log tells of each session whose access tokens have not expired and that has ended. This is
    /// not certain if the store has lost rows or log entries within the lifetime of access tokens.
    pub(super) fn covers_all_tokens(&self, page: &RevocationPage, now: Moment) -> bool {
        if let Some(span) = page.complete_for {
            // The store's clock might be set forward later, so this process's clock decides when the period ends.
            self.check_store_for(self.token_memory().saturating_sub(span));
        }
        self.0.log.lost_no_sessions(now)
    }
}
