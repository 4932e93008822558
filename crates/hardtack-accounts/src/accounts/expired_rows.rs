//! Deleting old activity and expired links in the background.

use hardtack::BackendError;
use hardtack::authenticator::Prune;
use hardtack::clock::Timestamp;

use super::ACTIVITY_LIFETIME;
use crate::activity::ActivityStore;
use crate::links::LinkStore;

/// The rows of the accounts that expire.
pub(super) struct ExpiredRows {
    activity: ActivityStore,
    links: LinkStore,
}

impl ExpiredRows {
    pub(super) fn new(activity: &ActivityStore, links: &LinkStore) -> Self {
        Self { activity: activity.clone(), links: links.clone() }
    }
}

impl Prune for ExpiredRows {
    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        self.activity.time().await.map(Some)
    }

    async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        Ok(self.activity.prune(now - ACTIVITY_LIFETIME, limit).await? + self.links.prune(now, limit).await?)
    }
}
