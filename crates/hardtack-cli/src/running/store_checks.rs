//! Periods during which servers check each request against the session store, because some sessions that are not in the
//! store might still have valid access tokens.
//!
//! A period begins if the store may have lost sessions, or if the servers have switched to another store. While another
//! server uses a different store, the period begins again at each renewal. A period ends when all access tokens that
//! were issued before it last began have expired.
//!
//! The database stores how many seconds of the period remain, not the time of day when it ends, because clocks might be
//! wrong. Each server measures the period with its monotonic clock. Time during which no server is running does not
//! count.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hardtack::Authenticator;

use super::table::{RENEWAL, Table};
use crate::error::Error;

/// Each server that is in such a period has a row in `hardtack_settings`. The name of the row consists of this prefix
/// and the id of the server. The value is the number of seconds that remained when the server wrote the row. If a server
/// stops or is killed, its row stays.
const CHECKS: &str = "session_store_checks_left:";

/// The name of the row of `hardtack_settings` that contains the length of a whole period, in seconds, as the last server
/// that started computed it.
const PERIOD: &str = "session_store_check_period";

/// If another server's period ends later than this server's by at most this time, a running server does not take it
/// over. The rows of the other servers are up to one renewal old, so servers that always took over the longest period
/// would never reach its end. The time is shorter than the clock skew for which each period allows.
const SAME_PERIOD: Duration = Duration::from_secs(4 * RENEWAL.as_secs());

/// How soon a period that the authenticator has begun is recorded.
const STEP: Duration = Duration::from_millis(200);

/// By how much the ends of two equal periods can differ.
const ROUNDING: Duration = Duration::from_secs(2);

/// The period of this server.
pub(super) struct StoreChecks {
    auth: Authenticator,
    row: String,
    /// When the period ends that was recorded last.
    recorded_until: Mutex<Instant>,
}

impl StoreChecks {
    pub(super) fn new(auth: &Authenticator, server: &str) -> Self {
        Self { auth: auth.clone(), row: format!("{CHECKS}{server}"), recorded_until: Mutex::new(Instant::now()) }
    }

    /// If access tokens live longer than at the last start of a server, begins a period. The rows of sessions that ended
    /// may have been deleted, although tokens from before are valid again. Call this method when the server starts.
    pub(super) async fn begin_if_tokens_live_longer(&self, table: &Table) -> Result<(), Error> {
        let (period, known) = (self.auth.store_check_period(), table.get(PERIOD).await?);
        if known.as_deref().is_some_and(|known| seconds(known) < period) {
            self.begin(table).await?;
        }
        let period = period.as_secs().to_string();
        match known.as_ref() == Some(&period) {
            true => Ok(()),
            false => table.set(PERIOD, &period).await,
        }
    }

    /// Waits this long, with the timer `sleep`. If a period has begun that is not recorded yet, returns after [`STEP`].
    pub(super) async fn wait<S: Future<Output = ()>>(&self, span: Duration, sleep: impl Fn(Duration) -> S) {
        let mut waited = Duration::ZERO;
        while waited < span {
            // Sleep first, so that a renewal that fails is not repeated without a pause.
            sleep(STEP).await;
            waited += STEP;
            if self.is_unrecorded() {
                return;
            }
        }
    }

    /// Returns whether the authenticator's period ends later than the period that was recorded last.
    fn is_unrecorded(&self) -> bool {
        let left = self.auth.store_checks_left();
        // The remaining time is rounded, so the ends can differ a little.
        !left.is_zero() && Instant::now() + left > *self.recorded_until() + ROUNDING
    }

    fn recorded_until(&self) -> MutexGuard<'_, Instant> {
        self.recorded_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a period, and does not record it yet. The next renewal records it.
    pub(super) fn begin_unrecorded(&self) {
        self.auth.store_lost_sessions();
    }

    /// Begins a period, and records it.
    pub(super) async fn begin(&self, table: &Table) -> Result<(), Error> {
        self.auth.store_lost_sessions();
        self.record(table).await
    }

    /// Continues the periods of the servers that ran before. Call this method when the server starts.
    pub(super) async fn resume(&self, table: &Table) -> Result<(), Error> {
        let others = self.rows_of_others(table).await?;
        for (_, left) in &others {
            // A server that was killed may have begun a new period after it wrote the row. A period that ends later than
            // a new one is not needed.
            let left = seconds(left).saturating_add(RENEWAL).min(self.auth.store_check_period());
            self.auth.check_store_for(left);
        }
        self.take_over(table, others).await
    }

    /// Records how much of the period remains. If another server's period ends much later, takes over that period. Call
    /// this method at each renewal.
    pub(super) async fn renew(&self, table: &Table) -> Result<(), Error> {
        let mut others = self.rows_of_others(table).await?;
        others.retain(|(_, left)| seconds(left) > self.auth.store_checks_left().saturating_add(SAME_PERIOD));
        for (_, left) in &others {
            self.auth.check_store_for(seconds(left));
        }
        self.take_over(table, others).await
    }

    /// Records how much of the period remains. Deletes the row if the period has ended.
    pub(super) async fn record(&self, table: &Table) -> Result<(), Error> {
        let left = self.auth.store_checks_left();
        let until = Instant::now() + left;
        match left.as_secs() {
            0 if table.get(&self.row).await?.is_some() => table.delete(&self.row).await?,
            0 => {}
            left => table.set(&self.row, &left.to_string()).await?,
        }
        *self.recorded_until() = until;
        Ok(())
    }

    /// Records this server's period, and then deletes rows of other servers whose periods it contains. A server that is
    /// still running writes its row again.
    async fn take_over(&self, table: &Table, others: Vec<(String, String)>) -> Result<(), Error> {
        self.record(table).await?;
        for (name, left) in others {
            table.delete_value(&name, &left).await?;
        }
        Ok(())
    }

    /// Returns the names and values of the rows of other servers.
    async fn rows_of_others(&self, table: &Table) -> Result<Vec<(String, String)>, Error> {
        let mut rows = table.rows(CHECKS).await?;
        rows.retain(|(name, _)| *name != self.row);
        Ok(rows)
    }
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use hardtack::jwt::Algorithm;
    use hardtack::{KeySet, MemorySessions, SigningKey};

    use super::*;

    #[tokio::test]
    async fn a_period_that_begins_is_recorded_at_once() {
        let keys = KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap());
        let auth = Authenticator::builder(keys).sessions(MemorySessions::new()).build().unwrap();
        let (checks, steps) = (StoreChecks::new(&auth, "server"), Cell::new(0));
        let loses_after = |lost: u32| {
            steps.set(0);
            let (steps, auth) = (&steps, &auth);
            move |_| {
                steps.set(steps.get() + 1);
                if steps.get() == lost {
                    auth.store_lost_sessions();
                }
                std::future::ready(())
            }
        };
        // Without a period, it does not matter how long ago the server wrote its row.
        *checks.recorded_until() = Instant::now().checked_sub(RENEWAL).unwrap_or_else(Instant::now);
        checks.wait(RENEWAL, loses_after(0)).await;
        assert_eq!(STEP * steps.get(), RENEWAL);
        checks.wait(RENEWAL, loses_after(3)).await;
        assert_eq!(steps.get(), 3);
        // The period has not been recorded yet.
        checks.wait(RENEWAL, loses_after(0)).await;
        assert_eq!(steps.get(), 1);
    }
}
