//! Sessions begun, refreshed and ended: where the engine meets its store.

mod begin;
mod claims;
mod doubt;
mod end;
mod follow;
mod rotate;
mod tokens;

use super::VerifiedToken;
use super::issue::IssueError;
use crate::cookie::SetCookies;
use crate::failure::Reason;
use crate::session::{Session, StoreError};

/// A session operation that failed outside of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tokens.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl From<SessionError> for Reason {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Store(error) => Self::Store(error),
            SessionError::Issue(error) => Self::Issue(error),
        }
    }
}

/// Why a session that is not live is refused.
fn dead(row: &Session) -> Reason {
    if row.replaced { Reason::Replaced } else { Reason::Revoked }
}

/// A refreshed session: its new access token, and the cookies that carry everything new.
pub(crate) struct Refreshed {
    pub(crate) access: VerifiedToken,
    pub(crate) cookies: SetCookies,
}
