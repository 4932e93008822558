//! The sessions whose claims change when one of the application's transactions commits.

use super::SessionId;

/// A user's sessions whose claims change because the application changes its own data, such as the user's role.
///
/// A store returns this value from a call inside the application's own transaction, such as
/// `Sessions::reload_claims_in` of `hardtack-sqlx`. If the transaction commits, the claims change. If it is rolled
/// back, the claims stay the same. After the commit, pass the value to
/// [`Authenticator::finish_changing_claims`](crate::Authenticator::finish_changing_claims).
#[derive(Debug)]
#[must_use = "after the commit, pass this value to `Authenticator::finish_changing_claims`, so that this process \
              refuses tokens with the old claims at once"]
pub struct ChangedClaims {
    pub(crate) subject: String,
    /// Each session's id and a generation. The session's access tokens up to this generation are outdated.
    pub(crate) sessions: Vec<(SessionId, u64)>,
}

impl ChangedClaims {
    /// Creates a value for a transaction in which the application changes the claims of sessions. `sessions` contains
    /// the id of each session and one of its generations. After the commit, the session's access tokens from this
    /// generation and from earlier ones are outdated. Only session stores need this function.
    pub fn in_transaction(subject: impl Into<String>, sessions: Vec<(SessionId, u64)>) -> Self {
        Self { subject: subject.into(), sessions }
    }
}
