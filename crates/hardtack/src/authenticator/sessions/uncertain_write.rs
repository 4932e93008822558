//! Tracks store writes whose outcome this process may never learn.

use crate::authenticator::Authenticator;
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::session::{ErasedStore, RevokeTarget, SessionId};

/// A store write that ends sessions or changes their claims, and that has not been confirmed yet.
///
/// If the store fails or the request is canceled, this value is dropped without a call to [`confirm`](Self::confirm).
/// This process then does not know whether the store has committed the write, so it looks up the affected sessions in
/// the store on each request.
#[must_use = "keep this value until the store reports the outcome; dropping the value marks the sessions as uncertain"]
pub(super) struct UncertainWrite<'a> {
    authenticator: &'a Authenticator,
    /// The sessions that the write affects, each with the time of its last rotation, if known.
    sessions: Vec<(SessionId, Option<Timestamp>)>,
}

impl Authenticator {
    /// Call this method before the store ends sessions or changes their claims. If the target is a subject, this method
    /// lists the subject's sessions. A session that begins between this call and the write is not in the list. This
    /// process learns from the revocation log how the write affected that session.
    pub(super) async fn begin_uncertain_write(
        &self,
        store: &dyn ErasedStore,
        target: RevokeTarget<'_>,
    ) -> Result<UncertainWrite<'_>, BackendError> {
        let sessions = match target {
            RevokeTarget::Sessions(_) | RevokeTarget::Replaced(_) => {
                target.named().iter().map(|id| (*id, None)).collect()
            }
            RevokeTarget::AllOf(subject) | RevokeTarget::AllExcept(subject, _) | RevokeTarget::Renewed(subject, _) => {
                let unended = self.unended_sessions(store, subject).await?;
                unended.into_iter().map(|(id, rotated_at)| (id, Some(rotated_at))).collect()
            }
        };
        Ok(UncertainWrite { authenticator: self, sessions })
    }
}

impl UncertainWrite<'_> {
    /// Returns the ids of the sessions that the write affects.
    pub(super) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.sessions.iter().map(|(id, _)| *id)
    }

    /// Returns each session whose last rotation time is known, together with that time.
    pub(super) fn rotations(&self) -> impl Iterator<Item = (SessionId, Timestamp)> {
        self.sessions.iter().filter_map(|(id, rotated_at)| Some((*id, (*rotated_at)?)))
    }

    /// Confirms the write. Call this method after the store has reported success.
    pub(super) fn confirm(mut self) {
        self.sessions.clear();
    }
}

impl Drop for UncertainWrite<'_> {
    fn drop(&mut self) {
        let now = self.authenticator.moment();
        let until = now.after(self.authenticator.token_memory());
        self.sessions.iter().for_each(|(id, _)| self.authenticator.0.revocation_cache.mark_uncertain(*id, until, now));
    }
}
