//! Notifications from PostgreSQL that the revocation log has grown.

use std::fmt;
use std::sync::Arc;

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Mutex;

/// The channel that the trigger on `revocations` notifies. See `migrations/postgres/0001_sessions.sql`.
const CHANNEL: &str = "hardtack_revocations";

/// A connection that listens for notifications. The connection is opened when it is first needed, and all clones share
/// it.
#[derive(Clone, Default)]
pub(super) struct RevocationListener(Arc<Mutex<Option<PgListener>>>);

impl fmt::Debug for RevocationListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RevocationListener")
    }
}

impl RevocationListener {
    /// Waits for a notification. If there is no connection, opens one and returns `Ok` without waiting. Returns an
    /// error if the connection is lost or cannot be established. Whenever this method opens a connection or returns an
    /// error, the caller might have missed notifications.
    ///
    /// Cancel safe: if the future is dropped, the connection stays open and keeps the notifications that it has
    /// received.
    pub(super) async fn wait(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = self.0.lock().await;
        let Some(connected) = listener.as_mut() else {
            *listener = Some(connect(pool).await?);
            return Ok(());
        };
        let received = connected.try_recv().await;
        if let Ok(Some(_)) = received {
            // The caller reads the log once for all notifications that have arrived.
            while connected.next_buffered().is_some() {}
            return Ok(());
        }
        *listener = None;
        drop(listener);
        received.and(Err(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())))
    }
}

/// Opens a connection outside the given pool. A pool connection that listened for notifications would not be available
/// to requests.
async fn connect(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let options = pool.connect_options();
    let own_pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(pool.options().get_acquire_timeout())
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with((*options).clone());
    let mut listener = PgListener::connect_with(&own_pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
