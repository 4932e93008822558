//! Finds out whether the store has stored a new session although it returned an error.

use std::time::Duration;

use super::uncertain_write::UncertainWrite;
use crate::authenticator::Authenticator;
use crate::error::{BackendError, WithCauses};
use crate::revocation::Moment;
use crate::session::{ErasedStore, Session, SessionId};

/// If the store returned its error only after this time, it is probably not responding, so it is not asked again. The
/// request has waited long enough.
const QUICK: Duration = Duration::from_secs(2);

impl Authenticator {
    /// Call this method if the store was asked to store `session` at the moment `asked` and returned `error`. The store
    /// may have stored the session anyway, for example if the connection broke after the commit and before the reply.
    /// If the session is in the store, the write has succeeded. This method then returns which of the sessions in
    /// `write` have ended. Otherwise, it returns `error`.
    pub(super) async fn find_after_error(
        &self,
        store: &dyn ErasedStore,
        session: &Session,
        write: &UncertainWrite<'_>,
        (asked, error): (Moment, BackendError),
    ) -> Result<Vec<SessionId>, BackendError> {
        if self.moment().monotonic.saturating_sub(asked.monotonic) > QUICK {
            return Err(error);
        }
        let Ok(Some(row)) = store.find(session.id).await else { return Err(error) };
        if !row.is_live(self.now()) {
            return Err(error);
        }
        let mut ended = Vec::new();
        for id in write.sessions() {
            match store.find(id).await {
                Ok(Some(row)) if row.revoked_at.is_none() => {}
                Ok(_) => ended.push(id),
                Err(_) => return Err(error),
            }
        }
        tracing::debug!(event = "session_stored_despite_error", error = %WithCauses(&error));
        Ok(ended)
    }
}
