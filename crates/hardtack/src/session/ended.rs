//! The sessions that end because of a transaction of the application.

use super::{PendingRevocation, SessionId};

/// A user's sessions that end because the application changes its own data, such as the user's password.
///
/// A store returns this value from a call inside the application's own transaction, such as `Sessions::end_all_in` and
/// `PendingEnds::end_all_in` of `hardtack-sqlx`. If the transaction commits, the sessions end; if it is rolled back,
/// they continue.
///
/// After the commit, pass the value to the adapter's `Auth::renew`, which gives the user's browser a new session. If
/// the user is not logged in, for example after a password reset, pass it to
/// [`Authenticator::finish_ending`](crate::Authenticator::finish_ending) instead. Both methods make this process refuse
/// the sessions at once.
///
/// The sessions also end if the process stops or the client disconnects between the commit and this call. All processes
/// then learn of their end from the database within seconds.
#[derive(Debug)]
#[must_use = "after the commit, pass this value to `Auth::renew` or `Authenticator::finish_ending`, so that this \
              process refuses the sessions at once"]
pub struct EndedSessions(pub(crate) Ending);

#[derive(Debug)]
pub(crate) enum Ending {
    /// No session has ended yet.
    None,
    /// These sessions end when the transaction commits.
    InTransaction { subject: String, ids: Vec<SessionId> },
    /// The transaction commits the intention to end the sessions, which are in another store.
    Pending(PendingRevocation),
}

impl EndedSessions {
    /// Creates a value for a transaction that ends no sessions. `Auth::renew` then ends the user's sessions itself.
    ///
    /// Use this with a store that cannot take part in a transaction of the application, such as
    /// [`MemorySessions`](crate::MemorySessions). If the client hangs up after the application has stored the new
    /// password, but before the call of `Auth::renew`, the user's other sessions continue.
    pub fn none() -> Self {
        Self(Ending::None)
    }

    /// Creates the value for a subject's sessions that end when the application's transaction commits. Only session
    /// stores need this function.
    pub fn in_transaction(subject: impl Into<String>, ids: Vec<SessionId>) -> Self {
        Self(Ending::InTransaction { subject: subject.into(), ids })
    }

    /// Creates the value for an intention to end sessions, which is carried out after the application's transaction has
    /// committed. Only implementations of [`PendingRevocations`](super::PendingRevocations) need this function.
    pub fn pending(intention: PendingRevocation) -> Self {
        Self(Ending::Pending(intention))
    }

    /// Returns the user whose sessions end because of the transaction. Returns `None` for a value from [`Self::none`].
    pub fn subject(&self) -> Option<&str> {
        match &self.0 {
            Ending::None => None,
            Ending::InTransaction { subject, .. } => Some(subject),
            Ending::Pending(intention) => Some(&intention.subject),
        }
    }
}
