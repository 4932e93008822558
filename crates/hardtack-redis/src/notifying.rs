//! Word of revocations, for a store that cannot tell others by itself.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hardtack::BackendError;
use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation};
use hardtack::session::{Session, SessionStore};
use redis::{Client, IntoConnectionInfo};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::follower::Follower;
use crate::link::{Again, Link};
use crate::{OpenError, name};

/// How long after a failure word is sent again.
const PAUSE: Duration = Duration::from_secs(1);

/// A [`SessionStore`] that tells the other processes through Redis when one of its sessions has ended, or got
/// other claims.
///
/// The truth stays in the store within: word is sent after the store has committed, and carries nothing
/// but that there is something to read. Nobody waits for it. Where Redis is gone, the log is read a poll
/// later; no log-out fails for it.
///
/// Clones share their connections. A clone is to be used in one async runtime.
#[derive(Clone)]
pub struct NotifyingSessions<S> {
    store: S,
    sender: Arc<Sender>,
    follower: Follower,
}

impl<S: fmt::Debug> fmt::Debug for NotifyingSessions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.sender.link.address();
        f.debug_struct("NotifyingSessions").field("store", &self.store).field("address", &address).finish()
    }
}

impl<S: SessionStore> NotifyingSessions<S> {
    /// Uses the Redis at an address, such as `redis://:password@127.0.0.1:6379/0`, and there one key,
    /// `{hardtack}:notice`. It connects when it is needed, so that Redis may be down.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(store: S, address: impl IntoConnectionInfo) -> Result<Self, OpenError> {
        Self::named(store, address, name::DEFAULT)
    }

    /// [`Self::new`] with a key that begins with another name: each application with a store of its own
    /// has one.
    ///
    /// # Errors
    /// The address or the name is none.
    pub fn named(store: S, address: impl IntoConnectionInfo, name: &str) -> Result<Self, OpenError> {
        let client = Client::open(address).map_err(OpenError::Address)?;
        let stream = format!("{}:notice", name::tag(name)?);
        let follower = Follower::new(client.clone(), stream.clone());
        let sender =
            Sender { link: Arc::new(Link::new(client)), stream, due: Arc::new(Notify::new()), task: OnceLock::new() };
        Ok(Self { store, sender: Arc::new(sender), follower })
    }

    /// The store within.
    pub fn store(&self) -> &S {
        &self.store
    }

    fn tell(&self, logged: bool) {
        if logged {
            self.sender.send();
        }
    }
}

impl<S: SessionStore> SessionStore for NotifyingSessions<S> {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        let ended = self.store.create(session, ends).await?;
        self.tell(!ended.is_empty());
        Ok(ended)
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        self.store.find(id).await
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.store.rotate(id, generation, rotation).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.store.confirm(id, generation).await
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        let ended = self.store.revoke(ends, now).await?;
        self.tell(!ended.is_empty());
        Ok(ended)
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        let outdated = self.store.outdate(subject, claims, now).await?;
        self.tell(!outdated.is_empty());
        Ok(outdated)
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        self.store.list(subject, now).await
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        self.store.revocations(after, limit).await
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.store.prune(before, limit).await
    }

    async fn revoked_elsewhere(&self) -> Result<(), BackendError> {
        tokio::select! {
            told = self.follower.grown() => told,
            told = self.store.revoked_elsewhere() => told,
        }
    }
}

/// Sends word in a task of its own: what is due while it sends is one more message, however much it is.
struct Sender {
    link: Arc<Link>,
    stream: String,
    due: Arc<Notify>,
    task: OnceLock<JoinHandle<()>>,
}

impl Sender {
    fn send(&self) {
        self.task.get_or_init(|| {
            tokio::spawn(send_whenever_due(Arc::clone(&self.link), self.stream.clone(), Arc::clone(&self.due)))
        });
        self.due.notify_one();
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

async fn send_whenever_due(link: Arc<Link>, stream: String, due: Arc<Notify>) {
    let mut message = redis::cmd("XADD");
    message.arg(stream).arg("MAXLEN").arg(1).arg("*").arg("revoked").arg("1");
    let mut silent = false;
    loop {
        due.notified().await;
        // One word too many does no harm, so it may be sent again.
        while let Err(error) = link.ask::<String>(&message, Again::Yes).await {
            if !silent {
                tracing::warn!(%error, "other processes are not told of revocations until Redis is back; they poll");
                silent = true;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if std::mem::take(&mut silent) {
            tracing::info!("other processes are told of revocations again");
        }
    }
}
