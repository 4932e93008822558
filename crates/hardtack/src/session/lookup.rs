//! Asks the session store whether a session has ended.

use std::fmt;
use std::sync::Arc;

use super::{ErasedStore, SessionId};
use crate::error::BackendError;

/// Asks the authenticator's session store whether a session has ended. Clones share the store.
///
/// The authenticator passes this value to [`PendingRevocations::attached`](super::PendingRevocations::attached).
#[derive(Clone)]
pub struct SessionLookup(Arc<dyn ErasedStore>);

/// How a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionOver {
    /// The session has ended, for example by a log-out.
    Ended,
    /// The browser got a new session instead, for example after a password change.
    Replaced,
}

impl SessionLookup {
    pub(crate) const fn new(store: Arc<dyn ErasedStore>) -> Self {
        Self(store)
    }

    /// Returns how the session has ended, or `None` if it has not ended. A session that has no row in the store counts
    /// as ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_of(&self, id: SessionId) -> Result<Option<SessionOver>, BackendError> {
        Ok(match self.0.find(id).await? {
            Some(row) if row.revoked_at.is_none() => None,
            Some(row) if row.replaced => Some(SessionOver::Replaced),
            _ => Some(SessionOver::Ended),
        })
    }
}

impl fmt::Debug for SessionLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLookup").finish_non_exhaustive()
    }
}
