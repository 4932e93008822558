//! Deletes old activity, expired links and old records of sent emails in the background.

use hardtack::BackendError;
use hardtack::authenticator::Prune;
use hardtack::clock::Timestamp;
use hardtack_db::Pool;

use super::ACTIVITY_LIFETIME;
use crate::activity::ActivityStore;
use crate::links::LinkStore;
use crate::mail::prune_sent;

/// The rows of the accounts that expire.
pub(super) struct ExpiredRows {
    activity: ActivityStore,
    links: LinkStore,
    database: Pool,
}

impl ExpiredRows {
    pub(super) fn new(activity: &ActivityStore, links: &LinkStore, database: &Pool) -> Self {
        Self { activity: activity.clone(), links: links.clone(), database: database.clone() }
    }
}

impl Prune for ExpiredRows {
    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        self.activity.time().await.map(Some)
    }

    async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let activity = self.activity.prune(now - ACTIVITY_LIFETIME, limit).await?;
        Ok(activity + self.links.prune(now, limit).await? + prune_sent(&self.database, now, limit).await?)
    }
}
