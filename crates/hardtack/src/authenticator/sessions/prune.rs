//! Deletes expired rows from time to time.

use std::pin::Pin;
use std::time::Duration;

use crate::authenticator::Authenticator;
use crate::authenticator::background_work::WeakAuthenticator;
use crate::error::{BackendError, WithCauses};

/// How long after its first request a process prunes for the first time.
const FIRST: Duration = Duration::from_secs(60);

/// How often a process prunes.
const INTERVAL: Duration = Duration::from_secs(600);

/// How many rows one call deletes at most, so that it holds its locks for only a few milliseconds.
const BATCH: u32 = 1000;

/// The pause between two batches, in which other statements can run.
const PAUSE: Duration = Duration::from_millis(100);

/// How many batches one run deletes at most. The next run deletes the rest.
const BATCHES: u32 = 1000;

/// Expired rows that are kept beside the sessions, such as links that were sent by email. Register them with
/// [`AuthenticatorBuilder::also_prune`](crate::AuthenticatorBuilder::also_prune).
pub trait Prune: Send + Sync + 'static {
    /// Deletes up to `limit` expired rows, and returns how many it deleted. If it returns `limit` or more, it is called
    /// again after a short pause.
    ///
    /// Let the clock of the database decide what has expired, and pass its time to [`Authenticator::time_to_prune`]: if
    /// one of the two clocks is wrong, nothing must be deleted.
    fn prune(&self, auth: &Authenticator, limit: u32) -> impl Future<Output = Result<u64, BackendError>> + Send;
}

/// The object-safe form of [`Prune`].
trait ErasedPrune: Send + Sync {
    fn prune<'a>(
        &'a self,
        auth: &'a Authenticator,
        limit: u32,
    ) -> Pin<Box<dyn Future<Output = Result<u64, BackendError>> + Send + 'a>>;
}

impl<P: Prune> ErasedPrune for P {
    fn prune<'a>(
        &'a self,
        auth: &'a Authenticator,
        limit: u32,
    ) -> Pin<Box<dyn Future<Output = Result<u64, BackendError>> + Send + 'a>> {
        Box::pin(Prune::prune(self, auth, limit))
    }
}

/// Rows of the application that are pruned with the sessions, and what the log calls them.
pub(in crate::authenticator) struct AlsoPruned {
    what: &'static str,
    rows: Box<dyn ErasedPrune>,
}

impl AlsoPruned {
    pub(in crate::authenticator) fn new(what: &'static str, rows: impl Prune) -> Self {
        Self { what, rows: Box::new(rows) }
    }
}

impl WeakAuthenticator {
    /// Deletes expired rows every ten minutes, until the authenticator is dropped.
    pub(in crate::authenticator) async fn prune_regularly<F, S>(&self, sleep: &F)
    where
        F: Fn(Duration) -> S,
        S: Future<Output = ()>,
    {
        sleep(FIRST).await;
        while let Some(authenticator) = self.upgrade() {
            authenticator.prune_all(None, sleep).await;
            for rows in &authenticator.0.also_pruned {
                authenticator.prune_all(Some(rows), sleep).await;
            }
            drop(authenticator);
            sleep(INTERVAL).await;
        }
    }
}

impl Authenticator {
    /// Deletes the expired rows of the application, or else of the sessions. If that fails, the next run tries again.
    async fn prune_all<F, S>(&self, rows: Option<&AlsoPruned>, sleep: &F)
    where
        F: Fn(Duration) -> S,
        S: Future<Output = ()>,
    {
        let what = rows.map_or("sessions", |rows| rows.what);
        match self.prune_in_batches(rows, sleep).await {
            Ok(rows) => tracing::debug!(event = "pruned", what, rows),
            Err(error) => tracing::error!(event = "prune_failed", what, error = %WithCauses(&error)),
        }
    }

    /// Deletes batches of rows until one is not full, at most [`BATCHES`] of them. Returns the number of rows.
    async fn prune_in_batches<F, S>(&self, also: Option<&AlsoPruned>, sleep: &F) -> Result<u64, BackendError>
    where
        F: Fn(Duration) -> S,
        S: Future<Output = ()>,
    {
        let mut total = 0;
        for _ in 0..BATCHES {
            let rows = match also {
                Some(also) => also.rows.prune(self, BATCH).await?,
                None => self.prune_sessions(BATCH).await?,
            };
            total += rows;
            if rows < u64::from(BATCH) {
                break;
            }
            sleep(PAUSE).await;
        }
        Ok(total)
    }
}
