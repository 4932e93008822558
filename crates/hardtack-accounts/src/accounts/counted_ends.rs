//! Counts the ends of sessions that are in another store than the users.

use hardtack::BackendError;
use hardtack::session::{PendingRevocation, PendingRevocations};
use hardtack_sqlx::{Database, PendingEnds};

use super::session_patience::within_patience;
use crate::uninterrupted::Uninterrupted;
use crate::users::UserStore;

/// The intentions to end sessions, and the number of sessions that have ended without an intention. This number is in
/// the user's row, so that the transaction of a change notices the end of its session.
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

    fn registered(&self) {
        self.pending.registered();
    }

    /// Counts the end even if the client disconnects. If the database takes longer than the patience, the log-out
    /// succeeds at once, and the end is counted later.
    async fn sessions_ended(&self, subject: &str) -> Result<(), BackendError> {
        let (users, subject) = (self.users.clone(), subject.to_owned());
        let count = self.uninterrupted.run(async move { users.count_end_of_sessions(&subject).await });
        within_patience(async { count.await? }).await
    }
}
