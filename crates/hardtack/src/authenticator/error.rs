//! Errors that an authenticator's methods return outside of a request.

use crate::error::BackendError;
use crate::refusal::{Failure, Reason};
use crate::token::IssueError;

/// Why an operation on sessions failed outside of a request.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store or the [`additional_claims`](crate::AuthenticatorBuilder::additional_claims) callback failed.
    #[error(transparent)]
    Store(#[from] BackendError),
    /// The tokens could not be issued.
    #[error(transparent)]
    Issue(IssueError),
    /// The check that was set with [`LogIn::confirm`](crate::LogIn::confirm) refused the log-in, so the new session was
    /// ended.
    #[error("the log-in was not confirmed: {0}")]
    Refused(Box<Reason>),
}

impl From<IssueError> for SessionError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::AdditionalClaims(error) => Self::Store(error),
            error => Self::Issue(error),
        }
    }
}

crate::__debug_as_sentence!(SessionError);

impl From<SessionError> for Reason {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(error) => Self::Store(error),
            SessionError::Issue(error) => Self::Issue(error),
            SessionError::Refused(reason) => *reason,
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::outside(error)
    }
}
