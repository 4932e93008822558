//! A store that fails when it is told to, and counts what it is asked.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation, Session, SessionStore};
use hardtack::{MemorySessions, SessionId};

/// What the store says of its failure.
pub(crate) const DETAIL: &str = "details nobody outside may see";

#[derive(Clone, Default)]
pub(crate) struct Flaky {
    pub(crate) rows: MemorySessions,
    restored: Arc<OnceLock<MemorySessions>>,
    pub(crate) down: Arc<AtomicBool>,
    /// Whether reading the log never answers.
    pub(crate) hangs: Arc<AtomicBool>,
    /// Told to whoever follows the log, once each.
    pub(crate) news: Arc<AtomicUsize>,
    /// How often a row was asked for, and the log read.
    pub(crate) finds: Arc<AtomicUsize>,
    pub(crate) reads: Arc<AtomicUsize>,
}

impl Flaky {
    fn up(&self) -> Result<&MemorySessions, BackendError> {
        if self.down.load(Ordering::SeqCst) {
            Err(BackendError::new(DETAIL))
        } else {
            Ok(self.restored.get().unwrap_or(&self.rows))
        }
    }

    /// Puts another store in the place of this one.
    pub(crate) fn restore(&self, backup: &MemorySessions) {
        assert!(self.restored.set(backup.clone()).is_ok());
    }
}

impl SessionStore for Flaky {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        SessionStore::create(self.up()?, session, ends).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        self.up()?.find(id).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.up()?.rotate(id, generation, rotation).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.up()?.confirm(id, generation).await
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        self.up()?.revoke(ends, now).await
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        self.up()?.outdate(subject, claims, now).await
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        self.up()?.list(subject, now).await
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.up()?.revocations(after, limit).await
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.up()?.prune(before, limit).await
    }

    async fn revoked_elsewhere(&self) -> Result<(), BackendError> {
        poll_fn(|_| {
            let told = self.news.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if told.is_ok() { Poll::Ready(self.up().map(drop)) } else { Poll::Pending }
        })
        .await
    }
}
