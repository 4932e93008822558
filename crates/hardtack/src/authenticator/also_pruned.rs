//! Deletes an application's expired rows together with expired sessions.

use std::pin::Pin;

use crate::clock::Timestamp;
use crate::error::BackendError;

/// Application rows that expire, such as those for emailed links. If you register them with
/// [`AuthenticatorBuilder::also_prune`](crate::AuthenticatorBuilder::also_prune), they are deleted together with
/// expired sessions.
pub trait Prune: Send + Sync + 'static {
    /// Returns the current time according to the database, or `None` if the database has no clock. If this time differs
    /// from the authenticator's by more than a minute, one of the two clocks is wrong, so no row is deleted.
    fn time(&self) -> impl Future<Output = Result<Option<Timestamp>, BackendError>> + Send;

    /// Deletes up to `limit` rows that have expired as of `now`, and returns how many it deleted. If the result is
    /// `limit` or more, Hardtack calls this method again after a short pause.
    fn prune(&self, now: Timestamp, limit: u32) -> impl Future<Output = Result<u64, BackendError>> + Send;
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// The object-safe form of [`Prune`].
trait ErasedPrune: Send + Sync {
    fn time(&self) -> Pending<'_, Option<Timestamp>>;
    fn prune(&self, now: Timestamp, limit: u32) -> Pending<'_, u64>;
}

impl<P: Prune> ErasedPrune for P {
    fn time(&self) -> Pending<'_, Option<Timestamp>> {
        Box::pin(Prune::time(self))
    }

    fn prune(&self, now: Timestamp, limit: u32) -> Pending<'_, u64> {
        Box::pin(Prune::prune(self, now, limit))
    }
}

/// The application's rows that are pruned together with the sessions, and what the log calls these rows.
pub(super) struct AlsoPruned {
    pub(super) what: &'static str,
    rows: Box<dyn ErasedPrune>,
}

impl AlsoPruned {
    pub(super) fn new(what: &'static str, rows: impl Prune) -> Self {
        Self { what, rows: Box::new(rows) }
    }

    pub(super) async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        self.rows.time().await
    }

    pub(super) async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        self.rows.prune(now, limit).await
    }
}
