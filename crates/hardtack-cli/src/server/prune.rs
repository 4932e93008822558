//! Deletes expired rows of the accounts in the background. The authenticator deletes those of the sessions.

use std::fmt::Display;
use std::time::Duration;

use hardtack::Authenticator;
use hardtack_accounts::Accounts;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often expired rows are deleted.
const INTERVAL: Duration = Duration::from_secs(600);

/// How many rows one call deletes at most, so that it holds its locks for only a few milliseconds.
const BATCH: u32 = 1000;

/// The pause between two batches, in which other statements can run.
const PAUSE: Duration = Duration::from_millis(100);

/// Deletes expired links and old activity until the task is aborted.
pub(crate) async fn prune(auth: Authenticator, accounts: Accounts) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        prune_all("activity", PAUSE, || accounts.prune(&auth, BATCH)).await;
    }
}

/// Deletes batch after batch until one is not full. Returns the number of deleted rows.
async fn prune_all<F, E>(what: &'static str, pause: Duration, mut batch: impl FnMut() -> F) -> u64
where
    F: Future<Output = Result<u64, E>>,
    E: Display,
{
    let mut total = 0;
    loop {
        match batch().await {
            Ok(pruned) => {
                total += pruned;
                if pruned < u64::from(BATCH) {
                    tracing::debug!(event = "pruned", what, rows = total);
                    return total;
                }
            }
            // Try again at the next tick.
            Err(error) => {
                tracing::error!(event = "prune_failed", what, %error);
                return total;
            }
        }
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pruned(batches: &[Result<u64, &'static str>]) -> (u64, usize) {
        let mut calls = 0;
        let total = prune_all("activity", Duration::ZERO, || {
            calls += 1;
            std::future::ready(batches[calls - 1])
        });
        (total.await, calls)
    }

    #[tokio::test]
    async fn a_full_batch_is_followed_by_another() {
        let full = u64::from(BATCH);
        assert_eq!(pruned(&[Ok(0), Ok(1)]).await, (0, 1));
        assert_eq!(pruned(&[Ok(full - 1), Ok(1)]).await, (full - 1, 1));
        // A batch counts rows of two tables.
        assert_eq!(pruned(&[Ok(full * 2), Ok(full), Ok(3), Ok(1)]).await, (full * 3 + 3, 3));
        assert_eq!(pruned(&[Ok(full), Err("the store is gone"), Ok(1)]).await, (full, 2));
    }
}
