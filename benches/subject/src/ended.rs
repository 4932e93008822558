//! A store that contains only a log of ended sessions.

use hardtack::BackendError;
use hardtack::SessionId;
use hardtack::clock::{Clock, SystemClock, Timestamp};
use hardtack::session::{Revocation, RevocationKind, RevocationPage, RevokeTarget, Rotation};
use hardtack::session::{Session, SessionStore};

/// A store that accepts every session, but stores none. The time of a log-in is therefore the time of the authenticator
/// alone. The log is generated while it is read, so it takes no memory.
pub struct EndedSessions {
    count: u64,
}

impl EndedSessions {
    /// Creates a store whose log contains `count` sessions that have just ended.
    pub fn new(count: u64) -> Self {
        Self { count }
    }
}

impl SessionStore for EndedSessions {
    async fn create(&self, _: &Session, _: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        Ok(Vec::new())
    }

    async fn find(&self, _: SessionId) -> Result<Option<Session>, BackendError> {
        Ok(None)
    }

    async fn rotate(&self, _: SessionId, _: u64, _: Rotation) -> Result<Option<Session>, BackendError> {
        Ok(None)
    }

    async fn confirm(&self, _: SessionId, _: u64) -> Result<(), BackendError> {
        Ok(())
    }

    async fn revoke(&self, _: RevokeTarget<'_>, _: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        Ok(Vec::new())
    }

    async fn outdate(&self, _: &str, _: Option<&str>, _: Timestamp) -> Result<Vec<(SessionId, u64)>, BackendError> {
        Ok(Vec::new())
    }

    async fn list(&self, _: &str, _: Timestamp) -> Result<Vec<Session>, BackendError> {
        Ok(Vec::new())
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        let at = SystemClock.now();
        let entries = (after + 1..=self.count).take(limit as usize);
        let entries =
            entries.map(|sequence| Revocation::new(sequence, SessionId::random(), at, RevocationKind::Ended)).collect();
        Ok(RevocationPage::new(self.count, entries))
    }

    async fn prune(&self, _: Timestamp, _: u32) -> Result<u64, BackendError> {
        Ok(0)
    }

    /// Returns `false`, because the benchmarks read the log themselves, once.
    fn is_durable(&self) -> bool {
        false
    }
}
