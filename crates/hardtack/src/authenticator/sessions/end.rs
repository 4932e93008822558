//! Sessions ended, listed and forgotten.

use std::borrow::Cow;
use std::time::Duration;

use crate::authenticator::Authenticator;
use crate::clock::Timestamp;
use crate::event::{Client, EventKind};
use crate::session::{Ends, Revoked, Session, SessionId, StoreError};

impl Authenticator {
    /// Ends sessions: in the store first, then in this process, and only then is anybody answered.
    pub(crate) async fn end(&self, ends: Ends<'_>, now: Timestamp) -> Result<Vec<SessionId>, StoreError> {
        let mut ended = Vec::new();
        if let Some(store) = self.store() {
            let doubt = self.doubt(store, ends).await?;
            ended = store.revoke(ends, now).await?;
            doubt.dispel();
        }
        self.end_locally(&ended, ends, now);
        Ok(ended)
    }

    /// Ends sessions for this process: those that the store has ended, and those that were named, even
    /// where the store knew them dead or not at all.
    pub(super) fn end_locally(&self, ended: &[SessionId], ends: Ends<'_>, now: Timestamp) {
        let until = now + self.token_memory();
        for id in ended.iter().chain(named(ends).iter()) {
            self.learn(*id, ends.what(*id), until, now);
        }
    }

    /// Notes what happened to a session, for as long as its access tokens could look good.
    pub(super) fn learn(&self, id: SessionId, what: Revoked, until: Timestamp, now: Timestamp) {
        match what {
            Revoked::Ended => self.revocations().end(id, until, now),
            Revoked::Replaced => self.revocations().replace(id, until, now),
            Revoked::Outdated(generation) => self.revocations().outdate(id, generation, until, now),
        }
    }

    /// How long an ended session's tokens could still look good.
    pub(super) fn token_memory(&self) -> Duration {
        let settings = self.settings();
        let longest = match (settings.access_lifetime.duration(), settings.refresh_lifetime.duration()) {
            (Some(access), _) if self.store().is_some() => Some(access),
            // Nobody else remembers that its refresh token is dead.
            (Some(access), Some(refresh)) => Some(access.max(refresh)),
            _ => None,
        };
        longest.map_or(Duration::from_secs(u64::from(u32::MAX)), |span| span.saturating_add(settings.leeway))
    }

    /// The live sessions of a subject, the newest first; none without a store.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions(&self, subject: &str) -> Result<Vec<Session>, StoreError> {
        match self.store() {
            Some(store) => store.list(subject, self.now()).await,
            None => Ok(Vec::new()),
        }
    }

    /// Ends one session of a subject; false if it is not theirs or not live (ASVS 5.0 V7.5.2).
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_session(&self, subject: &str, id: SessionId) -> Result<bool, StoreError> {
        let now = self.now();
        let row = match self.store() {
            Some(store) => store.find(id).await?,
            None => None,
        };
        if row.is_none_or(|row| row.subject != subject || !row.is_live(now)) {
            return Ok(false);
        }
        self.revoke(Ends::These(&[id]), subject).await.map(|ended| ended > 0)
    }

    /// Ends all sessions of a subject but one; answers how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_other_sessions(&self, subject: &str, kept: SessionId) -> Result<usize, StoreError> {
        self.revoke(Ends::OthersOf(subject, kept), subject).await
    }

    /// Ends all sessions of a subject: for a user who was disabled or deleted. Answers how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_all_sessions(&self, subject: &str) -> Result<usize, StoreError> {
        self.revoke(Ends::AllOf(subject), subject).await
    }

    async fn revoke(&self, ends: Ends<'_>, subject: &str) -> Result<usize, StoreError> {
        let ended = self.end(ends, self.now()).await?;
        for id in &ended {
            self.tell(EventKind::Revoked, subject, Some(*id), &Client::default());
        }
        Ok(ended.len())
    }

    /// Forgets up to `limit` rows that no token can need any more; answers how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn prune_sessions(&self, limit: u32) -> Result<u64, StoreError> {
        match self.store() {
            Some(store) => store.prune(self.now() - self.token_memory() - self.0.rules.idle, limit).await,
            None => Ok(0),
        }
    }
}

/// The sessions that are named by their ids.
pub(super) fn named(ends: Ends<'_>) -> Cow<'_, [SessionId]> {
    match ends {
        Ends::These(ids) | Ends::Replacing(ids) => ids.into(),
        Ends::Renewing(_, id) => vec![id].into(),
        Ends::AllOf(_) | Ends::OthersOf(..) => (&[]).into(),
    }
}
