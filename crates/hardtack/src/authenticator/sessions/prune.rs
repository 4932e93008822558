//! Deletes expired rows at regular intervals.

use std::time::Duration;

use crate::authenticator::Authenticator;
use crate::authenticator::also_pruned::AlsoPruned;
use crate::authenticator::background_work::WeakAuthenticator;
use crate::error::{BackendError, WithCauses};

/// How long after its first request a process starts to prune rows. If the process prunes rows in a lasting store, such
/// as a database, [`SETTLING`] applies instead.
const FIRST: Duration = Duration::from_secs(60);

/// No rows are deleted from a lasting store for this long after the process starts or the clock is set. A machine's
/// clock is often wrong at boot, and a database on the same machine uses the same clock. If this clock is ahead, rows
/// that are still needed look expired.
const SETTLING: Duration = Duration::from_secs(60 * 60);

/// How long a process waits between pruning runs.
const INTERVAL: Duration = Duration::from_secs(600);

/// The maximum number of rows that one call deletes. The limit exists because a call should hold its locks for only a
/// few milliseconds.
const BATCH: u32 = 1000;

/// The pause between two batches, which lets other statements run.
const PAUSE: Duration = Duration::from_millis(100);

/// The maximum number of batches that one run deletes. The next run deletes the rest.
const BATCHES: u32 = 1000;

impl WeakAuthenticator {
    /// Deletes expired rows every ten minutes, until the authenticator is dropped. Rows in a lasting store, such as a
    /// database, are not deleted in the first hour after the process starts or in the hour after the clock is set.
    pub(in crate::authenticator) async fn prune_regularly<F, S>(&self, sleep: &F)
    where
        F: Fn(Duration) -> S,
        S: Future<Output = ()>,
    {
        let start = self.upgrade().map(|authenticator| (authenticator.moment(), authenticator.prunes_lasting_rows()));
        let Some((mut last, lasting)) = start else { return };
        sleep(if lasting { SETTLING } else { FIRST }).await;
        while let Some(authenticator) = self.upgrade() {
            let now = authenticator.moment();
            let was_set = now.clocks_differ_since(last);
            last = now;
            if was_set && lasting {
                tracing::warn!(
                    event = "prune_postponed",
                    "this server's clock was changed, so old rows will not be deleted for an hour"
                );
                drop(authenticator);
                sleep(SETTLING).await;
                continue;
            }
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
    /// Returns whether any of the rows to be pruned outlive the process.
    fn prunes_lasting_rows(&self) -> bool {
        self.store().is_some_and(|store| store.is_durable()) || !self.0.also_pruned.is_empty()
    }

    /// Deletes the application's expired `rows`, or expired sessions if `rows` is `None`. If the deletion fails, the
    /// next run tries again.
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

    async fn prune_rows(&self, rows: &AlsoPruned) -> Result<u64, BackendError> {
        let now = rows.time().await?.map_or_else(|| Some(self.now()), |theirs| self.time_to_prune(theirs));
        match now {
            Some(now) => rows.prune(now, BATCH).await,
            None => Ok(0),
        }
    }

    /// Deletes rows in up to [`BATCHES`] batches, and stops early after a batch that is not full. Returns the number of
    /// rows deleted.
    async fn prune_in_batches<F, S>(&self, also: Option<&AlsoPruned>, sleep: &F) -> Result<u64, BackendError>
    where
        F: Fn(Duration) -> S,
        S: Future<Output = ()>,
    {
        let mut total = 0;
        for _ in 0..BATCHES {
            let rows = match also {
                Some(also) => self.prune_rows(also).await?,
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
