//! Intentions to end sessions, each stored in the transaction of the change that requires it.

use std::future::Future;
use std::pin::Pin;

use super::SessionId;
use crate::error::BackendError;

/// The intention to end a user's sessions. It is stored in the transaction of the change that requires it, such as a
/// new password, because the sessions are in a store that cannot take part in that transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingRevocation {
    /// Its number. No other intention ever has it.
    pub number: u64,
    /// The user whose sessions end.
    pub subject: String,
    /// The session that continues, if any.
    pub kept: Option<SessionId>,
}

impl PendingRevocation {
    /// Creates an intention to end all sessions of a subject, or all except one.
    pub fn new(number: u64, subject: impl Into<String>, kept: Option<SessionId>) -> Self {
        Self { number, subject: subject.into(), kept }
    }
}

/// Stored intentions to end sessions: `PendingEnds` of `hardtack-sqlx`, or your own.
///
/// Register it with [`AuthenticatorBuilder::pending_revocations`](crate::AuthenticatorBuilder::pending_revocations).
/// Every process that follows the revocation log carries out the intentions: it ends the sessions, then
/// [removes](Self::remove) the intention. Carrying out an intention twice does no harm.
pub trait PendingRevocations: Send + Sync + 'static {
    /// Returns up to `limit` committed intentions, the oldest first. Leave out those that are less than two seconds
    /// old: the process that stored them is carrying them out.
    ///
    /// Compare times of one clock only, that of the database, and do not leave out an intention whose time is in the
    /// future: that clock was set back.
    fn due(&self, limit: u32) -> impl Future<Output = Result<Vec<PendingRevocation>, BackendError>> + Send;

    /// Returns all committed intentions of a subject, the oldest first.
    fn find(&self, subject: &str) -> impl Future<Output = Result<Vec<PendingRevocation>, BackendError>> + Send;

    /// Removes an intention that was carried out. Does nothing if it does not exist.
    fn remove(&self, number: u64) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// Called when this value is registered with an authenticator. An implementation can refuse to store intentions
    /// before that, because no process might carry them out. The default implementation does nothing.
    fn registered(&self) {}
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// The object-safe form of [`PendingRevocations`].
pub(crate) trait ErasedPendingRevocations: Send + Sync {
    fn due(&self, limit: u32) -> Pending<'_, Vec<PendingRevocation>>;
    fn find<'a>(&'a self, subject: &'a str) -> Pending<'a, Vec<PendingRevocation>>;
    fn remove(&self, number: u64) -> Pending<'_, ()>;
}

impl<P: PendingRevocations> ErasedPendingRevocations for P {
    fn due(&self, limit: u32) -> Pending<'_, Vec<PendingRevocation>> {
        Box::pin(PendingRevocations::due(self, limit))
    }

    fn find<'a>(&'a self, subject: &'a str) -> Pending<'a, Vec<PendingRevocation>> {
        Box::pin(PendingRevocations::find(self, subject))
    }

    fn remove(&self, number: u64) -> Pending<'_, ()> {
        Box::pin(PendingRevocations::remove(self, number))
    }
}
