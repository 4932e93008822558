//! Asks the session store whether a session has ended.

use std::fmt;
use std::sync::Arc;

use super::{ErasedStore, Session, SessionId};
use crate::error::BackendError;
use crate::refusal::Reason;

/// Asks the authenticator's session store whether a session has ended. Clones share the store.
///
/// The authenticator passes this value to [`PendingRevocations::attached`](super::PendingRevocations::attached).
#[derive(Clone)]
pub struct SessionLookup(Arc<dyn ErasedStore>);

impl SessionLookup {
    pub(crate) const fn new(store: Arc<dyn ErasedStore>) -> Self {
        Self(store)
    }

    /// Returns why the session has ended, or `None` if it has not ended: [`Reason::Replaced`] if its browser got a new
    /// session, and [`Reason::Revoked`] otherwise. A session that has no row in the store counts as ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_of(&self, id: SessionId) -> Result<Option<Reason>, BackendError> {
        Ok(match self.0.find(id).await? {
            Some(row) => row.revoked_at.map(|_| dead(&row)),
            None => Some(Reason::Revoked),
        })
    }
}

/// Returns the reason why a session that is not live is refused.
pub(crate) fn dead(row: &Session) -> Reason {
    if row.replaced { Reason::Replaced } else { Reason::Revoked }
}

impl fmt::Debug for SessionLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLookup").finish_non_exhaustive()
    }
}
