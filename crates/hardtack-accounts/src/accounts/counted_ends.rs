//! Counts how many times sessions have ended, for sites that keep sessions and users in different stores.

use hardtack::BackendError;
use hardtack::session::{PendingRevocation, PendingRevocations};
use hardtack_sqlx::{Database, PendingEnds};

use super::session_patience::within_patience;
use crate::uninterrupted::Uninterrupted;
use crate::users::UserStore;

/// Stores intentions to end sessions, and counts the sessions that end without one. The count is in the user's row. If
/// a session has started a change and then ends, the change's transaction therefore notices that the session has ended.
pub(super) struct CountedEnds {
    pending: PendingEnds<Database>,
    users: UserStore,
    uninterrupted: Uninterrupted,
}

impl CountedEnds {
    pub(super) fn new(pending: PendingEnds<Database>, users: UserStore, uninterrupted: Uninterrupted) -> Self {
        Self { pending, users, uninterrupted }
    }
}

impl PendingRevocations for CountedEnds {
    async fn due(&self, limit: u32) -> Result<Vec<PendingRevocation>, BackendError> {
        self.pending.due(limit).await
    }

    async fn find(&self, subject: &str) -> Result<Vec<PendingRevocation>, BackendError> {
        self.pending.find(subject).await
    }

    async fn remove(&self, number: u64) -> Result<(), BackendError> {
        self.pending.remove(number).await
    }

    // `attached` is not passed on to `pending`: `Accounts::begin_change` has already asked the session store, at a
    // point where other changes to the user do not have to wait.
    fn registered(&self) {
        self.pending.registered();
    }

    /// Counts the end of the session even if the client disconnects. If the database is too slow ([`within_patience`]),
    /// the log-out succeeds without waiting any longer, and the end is counted later.
    async fn sessions_ended(&self, subject: &str) -> Result<(), BackendError> {
        let (users, subject) = (self.users.clone(), subject.to_owned());
        let count = self.uninterrupted.run(async move { users.count_end_of_sessions(&subject).await });
        within_patience(async { count.await? }).await
    }
}
