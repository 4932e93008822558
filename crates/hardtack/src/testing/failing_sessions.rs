//! A session store that fails on demand.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::session::{
    MemorySessions, RevocationPage, RevokeTarget, Rotation, Session, SessionCursor, SessionId, SessionStore,
    StoreAbility,
};

/// A session store in memory that [fails](Self::fail) on demand. Use it to test how an application behaves while its
/// store is down. The store also counts some of the calls.
///
/// Clones share the sessions and the counts. If you make one clone fail, all clones fail.
///
/// ```
/// use hardtack::testing::FailingSessions;
/// use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = FailingSessions::new();
/// let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256)?))
///     .base_url("https://site.example")
///     .sessions(store.clone())
///     .build()?;
/// store.fail(); // from now on, a log-in or a refresh gets a 503
/// # drop(auth);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct FailingSessions(Arc<State>);

#[derive(Debug, Default)]
struct State {
    sessions: Mutex<MemorySessions>,
    fails: AtomicBool,
    log_hangs: AtomicBool,
    complete_for: Mutex<Option<Duration>>,
    durable: bool,
    notifications: Mutex<Notifications>,
    finds: AtomicU64,
    rotations: AtomicU64,
    log_reads: AtomicU64,
}

#[derive(Debug, Default)]
struct Notifications {
    pending: usize,
    waiting: Vec<Waker>,
}

impl FailingSessions {
    /// The error text that the store returns. It must not reach a client.
    pub const ERROR: &'static str = "internal details that no client may see";

    /// Creates an empty store that does not fail yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty store that claims to be [durable](SessionStore::is_durable), as a database would. An
    /// authenticator that uses this store therefore follows its revocation log.
    pub fn durable() -> Self {
        Self(Arc::new(State { durable: true, ..State::default() }))
    }

    /// Makes every call fail until [`recover`](Self::recover) is called.
    pub fn fail(&self) {
        self.0.fails.store(true, Ordering::SeqCst);
    }

    /// Makes calls succeed again.
    pub fn recover(&self) {
        self.0.fails.store(false, Ordering::SeqCst);
    }

    /// Sets whether reads of the revocation log hang. A read that starts while `hangs` is `true` never returns.
    pub fn set_log_hangs(&self, hangs: bool) {
        self.0.log_hangs.store(hangs, Ordering::SeqCst);
    }

    /// Makes one waiting [`revoked_elsewhere`](SessionStore::revoked_elsewhere) call return, as if another process had
    /// sent a notification.
    pub fn notify(&self) {
        let mut notifications = self.notifications();
        notifications.pending += 1;
        notifications.waiting.drain(..).for_each(Waker::wake);
    }

    /// Returns the inner store, which contains the sessions and never fails.
    pub fn sessions(&self) -> MemorySessions {
        lock(&self.0.sessions).clone()
    }

    /// Replaces the sessions with those in `backup`, as if a database had been restored.
    pub fn restore(&self, backup: &MemorySessions) {
        *lock(&self.0.sessions) = backup.clone();
    }

    /// Sets how much time has passed since the store might have lost sessions ([`RevocationPage::complete_for`]).
    pub fn set_complete_for(&self, span: Duration) {
        *lock(&self.0.complete_for) = Some(span);
    }

    /// Returns how many times [`find`](SessionStore::find) was called.
    pub fn finds(&self) -> u64 {
        self.0.finds.load(Ordering::SeqCst)
    }

    /// Returns how many times [`rotate`](SessionStore::rotate) has rotated a session.
    pub fn rotations(&self) -> u64 {
        self.0.rotations.load(Ordering::SeqCst)
    }

    /// Returns how many times the revocation log was read.
    pub fn log_reads(&self) -> u64 {
        self.0.log_reads.load(Ordering::SeqCst)
    }

    /// Sets all counts to zero.
    pub fn reset_counts(&self) {
        for count in [&self.0.finds, &self.0.rotations, &self.0.log_reads] {
            count.store(0, Ordering::SeqCst);
        }
    }

    fn available(&self) -> Result<MemorySessions, BackendError> {
        if self.0.fails.load(Ordering::SeqCst) { Err(BackendError::new(Self::ERROR)) } else { Ok(self.sessions()) }
    }

    fn notifications(&self) -> MutexGuard<'_, Notifications> {
        lock(&self.0.notifications)
    }

    fn poll_notification(&self, cx: &Context<'_>) -> Poll<()> {
        let mut notifications = self.notifications();
        if let Some(left) = notifications.pending.checked_sub(1) {
            notifications.pending = left;
            return Poll::Ready(());
        }
        notifications.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SessionStore for FailingSessions {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        self.available()?.create(session, ends).await
    }

    fn can(&self, ability: StoreAbility) -> bool {
        self.sessions().can(ability)
    }

    async fn create_within(
        &self,
        session: &Session,
        ends: RevokeTarget<'_>,
        limit: u32,
    ) -> Result<Vec<SessionId>, BackendError> {
        self.available()?.create_within(session, ends, limit).await
    }

    async fn list_page(
        &self,
        subject: &str,
        now: Timestamp,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, BackendError> {
        self.available()?.list_page(subject, now, after, limit).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        self.0.finds.fetch_add(1, Ordering::SeqCst);
        self.available()?.find(id).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        let session = self.available()?.rotate(id, generation, rotation).await?;
        self.0.rotations.fetch_add(u64::from(session.is_some()), Ordering::SeqCst);
        Ok(session)
    }

    async fn bind(
        &self,
        id: SessionId,
        generation: u64,
        key: &str,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.available()?.bind(id, generation, key, rotation).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.available()?.confirm(id, generation).await
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        self.available()?.revoke(ends, now).await
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        self.available()?.outdate(subject, claims, now).await
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        self.available()?.list(subject, now).await
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        self.0.log_reads.fetch_add(1, Ordering::SeqCst);
        if self.0.log_hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let page = self.available()?.revocations(after, limit).await?;
        Ok(match *lock(&self.0.complete_for) {
            Some(span) => page.complete_for(span),
            None => page,
        })
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.available()?.prune(before, limit).await
    }

    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        self.available()?.time().await
    }

    async fn revoked_elsewhere(&self) -> Result<(), BackendError> {
        poll_fn(|cx| self.poll_notification(cx)).await;
        self.available().map(drop)
    }

    fn is_durable(&self) -> bool {
        self.0.durable
    }
}
