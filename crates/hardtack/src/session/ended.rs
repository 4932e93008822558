//! The sessions that end when one of the application's transactions commits.

use super::{PendingRevocation, SessionId};

/// The sessions that end because the application changes data of its own, such as the user's password.
///
/// A store returns this value from a call inside the application's own transaction, such as `Sessions::end_all_in` and
/// `PendingEnds::end_all_in` of `hardtack-sqlx`. If the transaction commits, the sessions end. If it is rolled back,
/// the sessions continue.
///
/// After the commit, pass the value to the adapter's `Auth::renew`, which gives the user's browser a new session. If
/// the user is not logged in, for example after a password reset, pass the value to
/// [`Authenticator::finish_ending`](crate::Authenticator::finish_ending) instead. Both methods make this process refuse
/// the sessions at once.
///
/// If the process stops or the client disconnects after the commit but before `Auth::renew` or `finish_ending` is
/// called, the sessions still end. All processes then learn from the database within seconds that the sessions have
/// ended.
#[derive(Debug)]
#[must_use = "after the commit, pass this value to `Auth::renew` or `Authenticator::finish_ending`, so that this \
              process refuses the sessions at once"]
pub struct EndedSessions(pub(crate) Ending);

#[derive(Debug)]
pub(crate) enum Ending {
    /// The transaction has not ended any sessions.
    None,
    /// These sessions end when the transaction commits.
    InTransaction { subject: String, ids: Vec<SessionId> },
    /// The sessions are in another store. The transaction commits a pending revocation, which ends the sessions after
    /// the commit.
    Pending(PendingRevocation),
}

impl EndedSessions {
    /// Creates an `EndedSessions` for a transaction that does not end any sessions. `Auth::renew` then ends the user's
    /// sessions itself.
    ///
    /// Use this value with a store that cannot take part in the application's transactions, such as
    /// [`MemorySessions`](crate::MemorySessions). Storing the new password and calling `Auth::renew` are then two
    /// separate steps. If the client disconnects between these steps, the user's other sessions continue.
    pub fn none() -> Self {
        Self(Ending::None)
    }

    /// Creates an `EndedSessions` for a subject's sessions that end when the application's transaction commits. Only
    /// session stores need this function.
    pub fn in_transaction(subject: impl Into<String>, ids: Vec<SessionId>) -> Self {
        Self(Ending::InTransaction { subject: subject.into(), ids })
    }

    /// Creates an `EndedSessions` for a pending revocation. The pending revocation is committed with the application's
    /// transaction, and the sessions end after the commit. Only implementations of
    /// [`PendingRevocations`](super::PendingRevocations) need this function.
    pub fn pending(intention: PendingRevocation) -> Self {
        Self(Ending::Pending(intention))
    }

    /// Returns the user whose sessions the transaction ends. Returns `None` for a value from [`Self::none`].
    pub fn subject(&self) -> Option<&str> {
        match &self.0 {
            Ending::None => None,
            Ending::InTransaction { subject, .. } => Some(subject),
            Ending::Pending(intention) => Some(&intention.subject),
        }
    }
}
