//! Tracks writes to the store whose outcome this process may never learn.

use super::revoke::named;
use crate::authenticator::Authenticator;
use crate::error::BackendError;
use crate::session::{ErasedStore, RevokeTarget, SessionId};

/// A write to the store that ends sessions or outdates their claims.
///
/// If it is dropped before [`confirm`](Self::confirm), because the store failed or the request was cancelled, the store
/// may or may not have committed the write. The process then looks up these sessions in the store on each request.
#[must_use = "keep it until the store has reported the outcome; dropping it marks the sessions as uncertain"]
pub(super) struct UncertainWrite<'a> {
    authenticator: &'a Authenticator,
    ids: Vec<SessionId>,
}

impl Authenticator {
    /// Call this before the store ends or outdates sessions. If the target is a subject, it lists the subject's
    /// sessions. For a session that begins between this and the write, only the revocation log tells the outcome.
    pub(super) async fn begin_uncertain_write(
        &self,
        store: &dyn ErasedStore,
        target: RevokeTarget<'_>,
    ) -> Result<UncertainWrite<'_>, BackendError> {
        let ids = match target {
            RevokeTarget::Sessions(_) | RevokeTarget::Replaced(_) => named(target).into_owned(),
            RevokeTarget::AllOf(subject) | RevokeTarget::AllExcept(subject, _) | RevokeTarget::Renewed(subject, _) => {
                self.session_ids(store, subject).await?
            }
        };
        Ok(UncertainWrite { authenticator: self, ids })
    }
}

impl UncertainWrite<'_> {
    /// Call this after the store has reported success.
    pub(super) fn confirm(mut self) {
        self.ids.clear();
    }
}

impl Drop for UncertainWrite<'_> {
    fn drop(&mut self) {
        let now = self.authenticator.now();
        let until = now + self.authenticator.token_memory();
        self.ids.iter().for_each(|id| self.authenticator.0.revocation_cache.mark_uncertain(*id, until, now));
    }
}
