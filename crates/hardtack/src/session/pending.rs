//! Intentions to end sessions. The application stores each intention in the same transaction as the change that
//! requires the sessions to end.

use std::future::Future;
use std::pin::Pin;

use super::{SessionId, SessionLookup};
use crate::error::BackendError;

/// The intention to end a user's sessions, for session stores that cannot take part in the application's transactions.
/// The application stores the intention in the same transaction as the change that requires the sessions to end, such
/// as a new password. The sessions end after the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingRevocation {
    /// The intention's number. Numbers are never reused.
    pub number: u64,
    /// The user whose sessions end.
    pub subject: String,
    /// The session to keep, or `None` to end all of the user's sessions.
    pub kept: Option<SessionId>,
}

impl PendingRevocation {
    /// Creates an intention to end all of a subject's sessions, or all except one.
    pub fn new(number: u64, subject: impl Into<String>, kept: Option<SessionId>) -> Self {
        Self { number, subject: subject.into(), kept }
    }
}

/// A store of intentions to end sessions, such as `PendingEnds` in `hardtack-sqlx`.
///
/// Register the store with
/// [`AuthenticatorBuilder::pending_revocations`](crate::AuthenticatorBuilder::pending_revocations). Every process that
/// follows the revocation log then carries out the intentions. To carry out an intention, a process ends the sessions
/// and then [removes](Self::remove) the intention. Two processes might carry out the same intention.
pub trait PendingRevocations: Send + Sync + 'static {
    /// Returns up to `limit` committed intentions, the oldest first. Leave out intentions that are less than two
    /// seconds old, because the process that stored them is carrying them out.
    ///
    /// To compute an intention's age, use only the database's clock. Also return intentions whose time is in the
    /// future. Such a time shows that the database's clock was set back.
    fn due(&self, limit: u32) -> impl Future<Output = Result<Vec<PendingRevocation>, BackendError>> + Send;

    /// Returns all of a subject's committed intentions, oldest first.
    fn find(&self, subject: &str) -> impl Future<Output = Result<Vec<PendingRevocation>, BackendError>> + Send;

    /// Removes an intention that has been carried out. Does nothing if the intention does not exist.
    fn remove(&self, number: u64) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// Records that some of a subject's sessions have ended in the session store, for example because the user logged
    /// out or because a refresh token was stolen. The authenticator calls this method after the store has ended the
    /// sessions and before the response is sent. It does not call this method when it carries out an intention, because
    /// the transaction that stored the intention can itself record that the sessions end.
    ///
    /// The application's own transactions can read this record. If one of the ended sessions has begun a change, for
    /// example of the email address, the application can either commit the change before the response is sent, or
    /// refuse the change. The sessions have ended even if this method fails. A failure is only logged. The default
    /// implementation does nothing.
    fn sessions_ended(&self, subject: &str) -> impl Future<Output = Result<(), BackendError>> + Send {
        let _ = subject;
        std::future::ready(Ok(()))
    }

    /// The authenticator's builder calls this method when the application registers this store. Until then, an
    /// implementation can refuse to store intentions, because there might not be any process to carry them out. The
    /// default implementation does nothing.
    fn registered(&self) {}

    /// The authenticator's builder calls this method when it builds the authenticator. An implementation can use
    /// `sessions` in the application's transactions, to refuse a change by a session that has already ended. The
    /// default implementation does nothing.
    fn attached(&self, sessions: SessionLookup) {
        let _ = sessions;
    }
}

type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// The object-safe form of [`PendingRevocations`].
pub(crate) trait ErasedPendingRevocations: Send + Sync {
    fn due(&self, limit: u32) -> Pending<'_, Vec<PendingRevocation>>;
    fn find<'a>(&'a self, subject: &'a str) -> Pending<'a, Vec<PendingRevocation>>;
    fn remove(&self, number: u64) -> Pending<'_, ()>;
    fn sessions_ended<'a>(&'a self, subject: &'a str) -> Pending<'a, ()>;
    fn attached(&self, sessions: SessionLookup);
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

    fn sessions_ended<'a>(&'a self, subject: &'a str) -> Pending<'a, ()> {
        Box::pin(PendingRevocations::sessions_ended(self, subject))
    }

    fn attached(&self, sessions: SessionLookup) {
        PendingRevocations::attached(self, sessions);
    }
}
