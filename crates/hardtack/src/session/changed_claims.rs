//! The sessions whose claims change together with a change of the application.

use super::SessionId;

/// The sessions of a user whose claims change together with a change of the application, such as a new role.
///
/// A store returns it from a call inside the application's own transaction, such as `Sessions::reload_claims_in` of
/// `hardtack-sqlx`. The transaction decides: if it is rolled back, the claims stay. After the commit, pass it to
/// [`Authenticator::finish_changing_claims`](crate::Authenticator::finish_changing_claims).
#[derive(Debug)]
#[must_use = "after the commit, pass it to `Authenticator::finish_changing_claims`, so that this process refuses tokens \
              with the old claims at once"]
pub struct ChangedClaims {
    pub(crate) subject: String,
    /// The sessions, and the newest generation whose access tokens are outdated.
    pub(crate) sessions: Vec<(SessionId, u64)>,
}

impl ChangedClaims {
    /// The access tokens of these sessions, up to a generation, are outdated when the application's transaction
    /// commits. For stores.
    pub fn in_transaction(subject: impl Into<String>, sessions: Vec<(SessionId, u64)>) -> Self {
        Self { subject: subject.into(), sessions }
    }
}
