//! The sessions that end together with a change of the application.

use super::{PendingRevocation, SessionId};

/// The sessions of a user that end together with a change of the application, such as a new password.
///
/// A store returns this value from a call inside the application's own transaction, such as `Sessions::end_all_in` and
/// `PendingEnds::end_all_in` of `hardtack-sqlx`. The transaction decides: if it commits, the sessions end; if it is
/// rolled back, they continue.
///
/// After the commit, pass it to the adapter's `Auth::renew`, which gives this browser a new session, or to
/// [`Authenticator::finish_ending`](crate::Authenticator::finish_ending), for example after a password reset. Both
/// make this process refuse the sessions at once. If the program stops before that, or the client hangs up, the
/// sessions still end: this and the other processes learn about it from the database within seconds.
#[derive(Debug)]
#[must_use = "after the commit, pass it to `Auth::renew` or `Authenticator::finish_ending`, so that this process \
              refuses the sessions at once"]
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
    /// Creates a value for a change that ends no session itself: `Auth::renew` ends them instead.
    ///
    /// For stores that cannot take part in a transaction of the application, such as
    /// [`MemorySessions`](crate::MemorySessions). If the client hangs up after the application has stored the new
    /// password, the user's other sessions continue.
    pub fn none() -> Self {
        Self(Ending::None)
    }

    /// Creates a value for sessions of a subject that end when the application's transaction commits. For stores.
    pub fn in_transaction(subject: impl Into<String>, ids: Vec<SessionId>) -> Self {
        Self(Ending::InTransaction { subject: subject.into(), ids })
    }

    /// Creates a value for sessions that end after the transaction has committed this intention. For implementations of
    /// [`PendingRevocations`](super::PendingRevocations).
    pub fn pending(intention: PendingRevocation) -> Self {
        Self(Ending::Pending(intention))
    }

    /// Returns the user whose sessions end with the change; `None` for [`Self::none`].
    pub fn subject(&self) -> Option<&str> {
        match &self.0 {
            Ending::None => None,
            Ending::InTransaction { subject, .. } => Some(subject),
            Ending::Pending(intention) => Some(&intention.subject),
        }
    }
}
