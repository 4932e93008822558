//! Forgetting what nobody needs any more, in the background.

use std::fmt::Display;
use std::time::Duration;

use hardtack::Authenticator;
use hardtack_accounts::Accounts;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(600);

/// How many rows one statement forgets: it holds its locks for some milliseconds.
const BATCH: u32 = 1000;

/// What everybody else gets between two batches.
const PAUSE: Duration = Duration::from_millis(100);

/// Forgets dead sessions and old activity for as long as it is polled.
pub(crate) async fn prune(auth: Authenticator, accounts: Accounts) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        all("sessions", PAUSE, || auth.prune_sessions(BATCH)).await;
        all("activity", PAUSE, || accounts.prune(auth.now(), BATCH)).await;
    }
}

/// Batch after batch, until one is not full: however many log in, they are forgotten as fast. Answers how many.
async fn all<F, E>(what: &'static str, pause: Duration, mut batch: impl FnMut() -> F) -> u64
where
    F: Future<Output = Result<u64, E>>,
    E: Display,
{
    let mut all = 0;
    loop {
        match batch().await {
            Ok(pruned) => {
                all += pruned;
                if pruned < u64::from(BATCH) {
                    tracing::debug!(event = "pruned", what, rows = all);
                    return all;
                }
            }
            // The next tick tries again.
            Err(error) => {
                tracing::error!(event = "prune_failed", what, %error);
                return all;
            }
        }
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pruned(batches: &[Result<u64, &'static str>]) -> (u64, usize) {
        let mut asked = 0;
        let all = all("sessions", Duration::ZERO, || {
            asked += 1;
            std::future::ready(batches[asked - 1])
        });
        (all.await, asked)
    }

    #[tokio::test]
    async fn full_batches_are_followed_by_another() {
        let full = u64::from(BATCH);
        assert_eq!(pruned(&[Ok(0), Ok(1)]).await, (0, 1));
        assert_eq!(pruned(&[Ok(full - 1), Ok(1)]).await, (full - 1, 1));
        // Rows and entries of the log count together.
        assert_eq!(pruned(&[Ok(full * 2), Ok(full), Ok(3), Ok(1)]).await, (full * 3 + 3, 3));
        assert_eq!(pruned(&[Ok(full), Err("the store is gone"), Ok(1)]).await, (full, 2));
    }
}
