//! A store with nothing behind it but a log of ended sessions.

use hardtack::session::{Ends, Revocation, RevocationPage, Revoked, Rotation, StoreError};
use hardtack::{Clock, Session, SessionId, SessionStore, SystemClock, Timestamp};

/// Takes every session and keeps none: what is left of a log-in is the engine's own work. Its log is made up as it
/// is read, so that nothing of it is kept either.
pub struct EndedSessions {
    count: u64,
}

impl EndedSessions {
    /// With a log of this many sessions that ended just now.
    pub fn new(count: u64) -> Self {
        Self { count }
    }
}

impl SessionStore for EndedSessions {
    async fn create(&self, _: &Session, _: Ends<'_>) -> Result<Vec<SessionId>, StoreError> {
        Ok(Vec::new())
    }

    async fn find(&self, _: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(None)
    }

    async fn rotate(&self, _: SessionId, _: u64, _: Rotation) -> Result<Option<Session>, StoreError> {
        Ok(None)
    }

    async fn confirm(&self, _: SessionId, _: u64) -> Result<(), StoreError> {
        Ok(())
    }

    async fn revoke(&self, _: Ends<'_>, _: Timestamp) -> Result<Vec<SessionId>, StoreError> {
        Ok(Vec::new())
    }

    async fn outdate(&self, _: &str, _: Option<&str>, _: Timestamp) -> Result<Vec<(SessionId, u64)>, StoreError> {
        Ok(Vec::new())
    }

    async fn list(&self, _: &str, _: Timestamp) -> Result<Vec<Session>, StoreError> {
        Ok(Vec::new())
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, StoreError> {
        let at = SystemClock.now();
        let entries = (after + 1..=self.count).take(limit as usize);
        let entries = entries
            .map(|sequence| Revocation { sequence, session: SessionId::random(), at, what: Revoked::Ended })
            .collect();
        Ok(RevocationPage { head: self.count, entries })
    }

    async fn prune(&self, _: Timestamp, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}
