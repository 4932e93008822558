//! Lists, ends and prunes sessions.

use std::borrow::Cow;
use std::time::Duration;

use crate::authenticator::Authenticator;
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::event::{Client, EventKind};
use crate::session::{
    ErasedStore, RevocationKind, RevokeTarget, Session, SessionCursor, SessionId, SessionsPage, StoreAbility,
};

/// How many sessions a page of [`Authenticator::sessions_page`] has.
const SESSIONS_PAGE: u32 = 50;

/// How many sessions are read at once where only their ids are needed.
const IDS_PAGE: u32 = 500;

impl Authenticator {
    /// Ends sessions in the store first and then in this process's cache, before it returns.
    pub(crate) async fn end(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        let mut ended = Vec::new();
        if let Some(store) = self.store() {
            let write = self.begin_uncertain_write(store, ends).await?;
            ended = store.revoke(ends, now).await?;
            write.confirm();
        }
        self.end_locally(&ended, ends, now);
        Ok(ended)
    }

    /// Ends sessions in this process's cache: those that the store has just ended, and those that `ends` lists by id,
    /// even if the store had already ended them or does not have them.
    pub(super) fn end_locally(&self, ended: &[SessionId], ends: RevokeTarget<'_>, now: Timestamp) {
        let until = now + self.token_memory();
        for id in ended.iter().chain(named(ends).iter()) {
            self.learn(*id, ends.kind(*id), until, now);
        }
    }

    /// Records in the cache what happened to a session, for as long as its access tokens could be valid.
    pub(super) fn learn(&self, id: SessionId, what: RevocationKind, until: Timestamp, now: Timestamp) {
        match what {
            RevocationKind::Ended => self.0.revocation_cache.end(id, until, now),
            RevocationKind::Replaced => self.0.revocation_cache.replace(id, until, now),
            RevocationKind::Outdated(generation) => self.0.revocation_cache.outdate(id, generation, until, now),
        }
    }

    /// How long the tokens of an ended session could still be valid.
    pub(super) fn token_memory(&self) -> Duration {
        let settings = self.settings();
        let longest = match (settings.access_lifetime.duration(), settings.refresh_lifetime.duration()) {
            (Some(access), _) if self.store().is_some() => Some(access),
            // Without a store, this cache alone records that the refresh token is revoked.
            (Some(access), Some(refresh)) => Some(access.max(refresh)),
            _ => None,
        };
        longest.map_or(Duration::from_secs(u64::from(u32::MAX)), |span| span.saturating_add(settings.claims.leeway))
    }

    /// Returns the live sessions of a subject, the newest first. Without a store, there are none.
    ///
    /// To show them to the user, call [`Self::sessions_page`] instead: how many there are is limited by
    /// [`SessionPolicy::max_sessions`](crate::session::SessionPolicy::max_sessions) only.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions(&self, subject: &str) -> Result<Vec<Session>, BackendError> {
        match self.store() {
            Some(store) => store.list(subject, self.now()).await,
            None => Ok(Vec::new()),
        }
    }

    /// Returns a page of the live sessions of a subject: the newest ones, or those after a position. A page has 50
    /// sessions at most. Without a store, there are none.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions_page(
        &self,
        subject: &str,
        after: Option<SessionCursor>,
    ) -> Result<SessionsPage, BackendError> {
        let Some(store) = self.store() else { return Ok(SessionsPage::default()) };
        let mut sessions = self.some_sessions(store, subject, after, SESSIONS_PAGE + 1).await?;
        let has_more = sessions.len() > SESSIONS_PAGE as usize;
        sessions.truncate(SESSIONS_PAGE as usize);
        let next = sessions.last().filter(|_| has_more).map(SessionCursor::after);
        Ok(SessionsPage { sessions, next })
    }

    /// Returns a live session of a subject; `None` if the session is not live or belongs to another subject.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session(&self, subject: &str, id: SessionId) -> Result<Option<Session>, BackendError> {
        let Some(store) = self.store() else { return Ok(None) };
        let row = store.find(id).await?;
        Ok(row.filter(|row| row.subject == subject && row.is_live(self.now())))
    }

    /// The ids of all live sessions of a subject, without holding all rows in memory.
    pub(super) async fn session_ids(
        &self,
        store: &dyn ErasedStore,
        subject: &str,
    ) -> Result<Vec<SessionId>, BackendError> {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = self.some_sessions(store, subject, after, IDS_PAGE).await?;
            ids.extend(page.iter().map(|row| row.id));
            match page.last() {
                Some(last) if page.len() == IDS_PAGE as usize => after = Some(SessionCursor::after(last)),
                _ => return Ok(ids),
            }
        }
    }

    /// Up to `limit` sessions after a position. A store that cannot list pages returns all sessions first.
    async fn some_sessions(
        &self,
        store: &dyn ErasedStore,
        subject: &str,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, BackendError> {
        let now = self.now();
        if store.can(StoreAbility::ListPages) {
            return store.list_page(subject, now, after, limit).await;
        }
        let mut sessions = store.list(subject, now).await?;
        sessions.retain(|row| after.is_none_or(|after| after.precedes(row)));
        sessions.truncate(limit as usize);
        Ok(sessions)
    }

    /// Ends one session of a subject (ASVS 5.0 V7.5.2). Returns `false` if the session is not live or belongs to
    /// another subject.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_session(&self, subject: &str, id: SessionId) -> Result<bool, BackendError> {
        if self.session(subject, id).await?.is_none() {
            return Ok(false);
        }
        self.revoke(RevokeTarget::Sessions(&[id]), subject).await.map(|ended| ended > 0)
    }

    /// Ends all sessions of a subject except one, and returns how many ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_other_sessions(&self, subject: &str, kept: SessionId) -> Result<usize, BackendError> {
        self.revoke(RevokeTarget::AllExcept(subject, kept), subject).await
    }

    /// Ends all sessions of a subject, and returns how many ended. Use it when a user is disabled or deleted.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_all_sessions(&self, subject: &str) -> Result<usize, BackendError> {
        self.revoke(RevokeTarget::AllOf(subject), subject).await
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, subject: &str) -> Result<usize, BackendError> {
        let ended = self.end(ends, self.now()).await?;
        for id in &ended {
            self.emit(EventKind::Revoked, subject, Some(*id), &Client::default());
        }
        Ok(ended.len())
    }

    /// Deletes up to `limit` old sessions and log entries to which no valid token can refer any more, and returns how
    /// many it deleted.
    ///
    /// # Errors
    /// The store failed.
    pub async fn prune_sessions(&self, limit: u32) -> Result<u64, BackendError> {
        match self.store() {
            Some(store) => store.prune(self.now() - self.token_memory() - self.0.rules.idle, limit).await,
            None => Ok(0),
        }
    }
}

/// Returns the sessions that a target lists by id.
pub(super) fn named(ends: RevokeTarget<'_>) -> Cow<'_, [SessionId]> {
    match ends {
        RevokeTarget::Sessions(ids) | RevokeTarget::Replaced(ids) => ids.into(),
        RevokeTarget::Renewed(_, id) => vec![id].into(),
        RevokeTarget::AllOf(_) | RevokeTarget::AllExcept(..) => (&[]).into(),
    }
}
