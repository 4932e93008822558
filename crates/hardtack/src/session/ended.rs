//! The sessions that end when a transaction of the application commits.

use super::{PendingRevocation, SessionId};

/// A user's sessions that end because the application changes its own data, such as the user's password.
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
/// If the process stops or the client disconnects after the commit but before either method is called, the sessions
/// still end. All processes then learn this from the database within seconds.
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
    /// Creates a value for a transaction that does not end any sessions. `Auth::renew` then ends the user's sessions
    /// itself.
    ///
    /// Use this value with a store that cannot take part in a transaction of the application, such as
    /// [`MemorySessions`](crate::MemorySessions). Storing the new password and calling `Auth::renew` are then two
    /// separate steps. If the client disconnects between them, the user's other sessions continue.
    pub fn none() -> Self {
        Self(Ending::None)
    }

    /// Creates the value for a subject's sessions that end when the application's transaction commits. Only session
    /// stores need this function.
    pub fn in_transaction(subject: impl Into<String>, ids: Vec<SessionId>) -> Self {
        Self(Ending::InTransaction { subject: subject.into(), ids })
    }

    /// Creates the value for a pending revocation, which ends sessions after the application's transaction commits.
    /// Only implementations of [`PendingRevocations`](super::PendingRevocations) need this function.
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
