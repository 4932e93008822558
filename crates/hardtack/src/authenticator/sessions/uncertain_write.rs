//! Writes to the store whose outcome this process may never learn.

use super::revoke::named;
use crate::authenticator::Authenticator;
use crate::error::BackendError;
use crate::session::{ErasedStore, RevokeTarget, SessionId};

/// A write to the store that ends sessions or outdates their claims.
///
/// If it is dropped before [`confirm`](Self::confirm), because the store failed or the request was cut off, the store
/// may or may not have committed it. The process then looks up those sessions in the store for each of their requests.
#[must_use = "dropping this at once marks the sessions as uncertain before the write has begun"]
pub(super) struct UncertainWrite<'a> {
    authenticator: &'a Authenticator,
    ids: Vec<SessionId>,
}

impl Authenticator {
    /// Call this before the store ends or outdates sessions. The sessions of a subject are looked up; those that begin
    /// between the look-up and the write become known through the revocation log only.
    pub(super) async fn begin_uncertain_write(
        &self,
        store: &dyn ErasedStore,
        target: RevokeTarget<'_>,
    ) -> Result<UncertainWrite<'_>, BackendError> {
        let ids = match target {
            RevokeTarget::Sessions(_) | RevokeTarget::Replaced(_) => named(target).into_owned(),
            RevokeTarget::AllOf(subject) | RevokeTarget::AllExcept(subject, _) | RevokeTarget::Renewed(subject, _) => {
                store.list(subject, self.now()).await?.into_iter().map(|row| row.id).collect()
            }
        };
        Ok(UncertainWrite { authenticator: self, ids })
    }
}

impl UncertainWrite<'_> {
    /// The store has reported the outcome.
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
