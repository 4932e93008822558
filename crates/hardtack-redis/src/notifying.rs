//! Adds revocation notifications to a store that does not send any itself.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hardtack::BackendError;
use hardtack::SessionId;
use hardtack::clock::Timestamp;
use hardtack::session::{RevocationPage, RevokeTarget, Rotation};
use hardtack::session::{Session, SessionCursor, SessionStore, StoreAbility};
use redis::{Client, IntoConnectionInfo};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::connection::{Connection, Retry};
use crate::error::OpenError;
use crate::keys::{DEFAULT_NAME, key_prefix};
use crate::listen::StreamListener;

/// How long to wait after a failure before trying to send the notification again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// A [`SessionStore`] that wraps another store. When a session ends or its claims change, this store notifies the other
/// processes through Redis.
///
/// The inner store keeps the sessions and the revocation log. After the inner store has committed a change, a
/// notification is sent in the background, so no request waits for it. The notification says only that the log has
/// grown. While Redis is down, log-outs still succeed, and the other processes learn of them when they next poll the
/// log.
///
/// Clones share their connections. Use all clones in the same async runtime.
#[derive(Clone)]
pub struct NotifyingSessions<S> {
    store: S,
    notifier: Arc<Notifier>,
    listener: StreamListener,
}

impl<S: fmt::Debug> fmt::Debug for NotifyingSessions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.notifier.connection.address();
        f.debug_struct("NotifyingSessions").field("store", &self.store).field("address", &address).finish()
    }
}

impl<S: SessionStore> NotifyingSessions<S> {
    /// Wraps `store` and sends notifications through the Redis server at `address`, such as
    /// `redis://:password@127.0.0.1:6379/0`. The notifications use a single key, `{hardtack}:notice`.
    ///
    /// The Redis server can be down when you call this function, because the connection is not opened until the first
    /// notification is sent or awaited.
    ///
    /// # Errors
    /// The address is not valid.
    pub fn new(store: S, address: impl IntoConnectionInfo) -> Result<Self, OpenError> {
        Self::named(store, address, DEFAULT_NAME)
    }

    /// Like [`Self::new`], but the notifications use the key `{NAME}:notice`, where `NAME` is the value of `name`. If
    /// applications with different stores share a Redis database, give each application a different name. A name
    /// consists of 1 to 64 ASCII letters, digits, `-`, `_`, `.` or `:`.
    ///
    /// # Errors
    /// The address or the name is not valid.
    pub fn named(store: S, address: impl IntoConnectionInfo, name: &str) -> Result<Self, OpenError> {
        let client = Client::open(address).map_err(|error| OpenError::invalid_address(&error))?;
        let stream = format!("{}:notice", key_prefix(name)?);
        let listener = StreamListener::new(client.clone(), stream.clone());
        let connection = Arc::new(Connection::new(client));
        let notifier = Notifier { connection, stream, due: Arc::new(Notify::new()), task: OnceLock::new() };
        Ok(Self { store, notifier: Arc::new(notifier), listener })
    }

    /// Returns the inner store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Notifies the other processes if the log has grown.
    fn notify_if(&self, log_has_grown: bool) {
        if log_has_grown {
            self.notifier.notify();
        }
    }
}

impl<S: SessionStore> SessionStore for NotifyingSessions<S> {
    async fn create(&self, session: &Session, target: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        let ended = self.store.create(session, target).await?;
        self.notify_if(!ended.is_empty());
        Ok(ended)
    }

    fn can(&self, ability: StoreAbility) -> bool {
        self.store.can(ability)
    }

    async fn create_within(
        &self,
        session: &Session,
        target: RevokeTarget<'_>,
        limit: u32,
    ) -> Result<Vec<SessionId>, BackendError> {
        let ended = self.store.create_within(session, target, limit).await?;
        self.notify_if(!ended.is_empty());
        Ok(ended)
    }

    async fn list_page(
        &self,
        subject: &str,
        now: Timestamp,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, BackendError> {
        self.store.list_page(subject, now, after, limit).await
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
        let rotated = self.store.rotate(id, generation, rotation).await?;
        self.notify_if(rotated.is_some() && rotation.auth_time.is_some());
        Ok(rotated)
    }

    async fn bind(
        &self,
        id: SessionId,
        generation: u64,
        key: &str,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        self.store.bind(id, generation, key, rotation).await
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        self.store.confirm(id, generation).await
    }

    async fn revoke(&self, target: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        let ended = self.store.revoke(target, now).await?;
        self.notify_if(!ended.is_empty());
        Ok(ended)
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        let outdated = self.store.outdate(subject, claims, now).await?;
        self.notify_if(!outdated.is_empty());
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

    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        self.store.time().await
    }

    async fn revoked_elsewhere(&self) -> Result<(), BackendError> {
        tokio::select! {
            notified = self.listener.wait() => notified,
            notified = self.store.revoked_elsewhere() => notified,
        }
    }

    fn is_durable(&self) -> bool {
        self.store.is_durable()
    }
}

/// Sends notifications in a background task. If the log grows several times while a notification is being sent, only
/// one more notification is sent.
struct Notifier {
    connection: Arc<Connection>,
    stream: String,
    due: Arc<Notify>,
    task: OnceLock<JoinHandle<()>>,
}

impl Notifier {
    fn notify(&self) {
        self.task.get_or_init(|| {
            tokio::spawn(send_when_due(Arc::clone(&self.connection), self.stream.clone(), Arc::clone(&self.due)))
        });
        self.due.notify_one();
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

async fn send_when_due(connection: Arc<Connection>, stream: String, due: Arc<Notify>) {
    let mut message = redis::cmd("XADD");
    message.arg(stream).arg("MAXLEN").arg(1).arg("*").arg("revoked").arg("1");
    let mut warned = false;
    loop {
        due.notified().await;
        // A duplicate notification does no harm, so the command may be sent again.
        while let Err(error) = connection.query::<String>(&message, Retry::Safe).await {
            if !warned {
                tracing::warn!(
                    event = "notice_failed",
                    %error,
                    "cannot notify other processes of revocations; they poll the revocation log until Redis is back"
                );
                warned = true;
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        if std::mem::take(&mut warned) {
            tracing::info!(event = "notice_recovered", "can notify other processes of revocations again");
        }
    }
}
