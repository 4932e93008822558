//! Finds out whether the store saved a new session even though it returned an error.

use std::time::Duration;

use super::uncertain_write::UncertainWrite;
use crate::authenticator::Authenticator;
use crate::error::{BackendError, WithCauses};
use crate::revocation::Moment;
use crate::session::{ErasedStore, RevocationKind, RevokeTarget, Session, SessionId};

/// If the store took longer than this to return its error, the store is probably down, so it is not queried again. The
/// request has already waited long enough.
const QUICK: Duration = Duration::from_secs(2);

impl Authenticator {
    /// Returns whether a call to the store that began at the moment `asked` has taken so little time that the store can be
    /// queried again.
    pub(super) fn can_ask_again(&self, asked: Moment) -> bool {
        self.moment().monotonic.saturating_sub(asked.monotonic) <= QUICK
    }

    /// Call this method if the store was asked to store `session` at the moment `asked` and returned `error`. The store
    /// may have stored the session anyway, for example if the connection broke after the commit and before the reply.
    /// If the session is in the store, the write has succeeded. This method then returns which of the sessions in
    /// `write` the write has ended. The list does not include sessions that ended because the user had reached the
    /// session limit. If the session is not in the store, this method returns `error`.
    pub(super) async fn find_after_error(
        &self,
        store: &dyn ErasedStore,
        session: &Session,
        ends: RevokeTarget<'_>,
        write: &UncertainWrite<'_>,
        (asked, error): (Moment, BackendError),
    ) -> Result<Vec<SessionId>, BackendError> {
        let Some(found) = self.search(store, session, ends, write, asked).await else { return Err(error) };
        tracing::debug!(event = "session_stored_despite_error", error = %WithCauses(&error));
        Ok(found)
    }

    async fn search(
        &self,
        store: &dyn ErasedStore,
        session: &Session,
        ends: RevokeTarget<'_>,
        write: &UncertainWrite<'_>,
        asked: Moment,
    ) -> Option<Vec<SessionId>> {
        if !self.can_ask_again(asked) {
            return None;
        }
        store.find(session.id).await.ok()?.filter(|row| row.is_live(self.now()))?;
        let mut ended = Vec::new();
        for id in ends.named() {
            let row = store.find(*id).await.ok()?;
            // Another request might have ended the session just before, for example because the user logged out.
            let is_replaced = ends.kind(*id) == RevocationKind::Replaced;
            if row.is_some_and(|row| row.revoked_at.is_some() && row.replaced == is_replaced) {
                ended.push(*id);
            }
        }
        let others: Vec<SessionId> = write.sessions().filter(|id| !ends.named().contains(id)).collect();
        if !others.is_empty() {
            let unended = self.unended_sessions(store, &session.subject).await.ok()?;
            ended.extend(others.into_iter().filter(|id| !unended.iter().any(|(other, _)| other == id)));
        }
        Some(ended)
    }
}
