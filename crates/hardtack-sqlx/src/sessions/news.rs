//! Word from PostgreSQL that the log has grown.

use std::fmt;
use std::sync::Arc;

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Mutex;

/// The channel; the tables' trigger knows its name.
const CHANNEL: &str = "hardtack_revocations";

/// A connection that listens, made when it is first waited for.
#[derive(Clone, Default)]
pub(super) struct News(Arc<Mutex<Option<PgListener>>>);

impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("News")
    }
}

impl News {
    /// Waits for word; an error where the connection is lost or cannot be made, and an answer as soon as
    /// it is made again: both times something may have been missed.
    ///
    /// Dropped while it waits, it misses nothing: the connection stays, and what it has received.
    pub(super) async fn wait(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = self.0.lock().await;
        let Some(connected) = listener.as_mut() else {
            *listener = Some(listen(pool).await?);
            return Ok(());
        };
        let answer = connected.try_recv().await;
        if let Ok(Some(_)) = answer {
            // One reading of the log is enough for all that has come.
            while connected.next_buffered().is_some() {}
            return Ok(());
        }
        *listener = None;
        drop(listener);
        answer.and(Err(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())))
    }
}

/// A connection of its own: it would be one less for the requests.
async fn listen(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let options = pool.connect_options();
    let own = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(pool.options().get_acquire_timeout())
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with((*options).clone());
    let mut listener = PgListener::connect_with(&own).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
