//! Why a change that a session makes must be rolled back.

use std::fmt;

use hardtack::BackendError;
use hardtack::error::WithCauses;
use hardtack::refusal::Reason;

/// Why a transaction in which a logged-in user changes something must be rolled back.
///
/// Return the error from the function that runs the transaction, so that the transaction is rolled back. Then pass it
/// to the adapter's `Auth::refuse`, which creates the response: the one that every request of an ended session gets, or
/// 503 if the database failed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The session that makes the change has ended, for example because the user has reset the password.
    #[error("the session that makes this change has ended; roll the transaction back, and refuse the request")]
    SessionEnded,
    /// A new session has replaced the session that makes the change. For example, the browser has sent the form twice,
    /// and the other request has already changed the password.
    #[error(
        "a new session has replaced the session that makes this change; roll the transaction back, and refuse the \
         request"
    )]
    SessionReplaced,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl ChangeError {
    /// Returns the error for a session that has ended.
    pub(crate) const fn ended(replaced: bool) -> Self {
        if replaced { Self::SessionReplaced } else { Self::SessionEnded }
    }
}

impl From<ChangeError> for Reason {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::SessionEnded => Self::Revoked,
            ChangeError::SessionReplaced => Self::Replaced,
            ChangeError::Database(error) => Self::Store(BackendError::new(error)),
        }
    }
}

impl fmt::Debug for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&WithCauses(self), f)
    }
}
