//! Deleting old activity and expired links in the background.

use hardtack::authenticator::Prune;
use hardtack::clock::Timestamp;
use hardtack::{Authenticator, BackendError};

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

    /// Deletes what is old at `now`.
    pub(super) async fn delete(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        Ok(self.activity.prune(now - ACTIVITY_LIFETIME, limit).await? + self.links.prune(now, limit).await?)
    }
}

impl Prune for ExpiredRows {
    async fn prune(&self, auth: &Authenticator, limit: u32) -> Result<u64, BackendError> {
        match auth.time_to_prune(self.activity.time().await?) {
            Some(now) => self.delete(now, limit).await,
            None => Ok(0),
        }
    }
}
