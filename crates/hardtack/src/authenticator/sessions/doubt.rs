//! Sessions that somebody was about to end, or to give other claims, when their request was cut off, or the
//! store failed.

use super::end::named;
use crate::authenticator::Authenticator;
use crate::session::{Ends, ErasedStore, SessionId, StoreError};

/// Sessions that are being ended or outdated in the store. Unless it is [dispelled](Self::dispel), the store
/// may have done so and nobody heard of it: this process then asks it for each of their requests.
#[must_use = "dropped at once, it doubts what was not even begun"]
pub(super) struct Doubt<'a> {
    engine: &'a Authenticator,
    ids: Vec<SessionId>,
}

impl Authenticator {
    /// To be called before the store is told to end or outdate sessions. Those of a subject are looked up: what
    /// begins in between is known by the log alone.
    pub(super) async fn doubt(&self, store: &dyn ErasedStore, ends: Ends<'_>) -> Result<Doubt<'_>, StoreError> {
        let ids = match ends {
            Ends::These(_) | Ends::Replacing(_) => named(ends).into_owned(),
            Ends::AllOf(subject) | Ends::OthersOf(subject, _) | Ends::Renewing(subject, _) => {
                store.list(subject, self.now()).await?.into_iter().map(|row| row.id).collect()
            }
        };
        Ok(Doubt { engine: self, ids })
    }
}

impl Doubt<'_> {
    /// The store has answered.
    pub(super) fn dispel(mut self) {
        self.ids.clear();
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        let now = self.engine.now();
        let until = now + self.engine.token_memory();
        self.ids.iter().for_each(|id| self.engine.revocations().doubt(*id, until, now));
    }
}
