//! Deletes rows in the background: old activity, expired links, old records of sent emails, and emails that no server
//! has sent within seven days. Also deletes the pending session ends for session stores that no server uses anymore.

use std::time::Duration;

use hardtack::BackendError;
use hardtack::authenticator::Prune;
use hardtack::clock::Timestamp;
use hardtack_db::Pool;

use super::session_ends::SessionEnds;
use crate::activity::ActivityStore;
use crate::links::LinkStore;
use crate::mail::{MailJobStore, prune_sent};

/// How long recorded activity is kept: 90 days.
const ACTIVITY_LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Deletes expired rows from the accounts' tables.
pub(super) struct ExpiredRows {
    activity: ActivityStore,
    links: LinkStore,
    database: Pool,
    session_ends: SessionEnds,
}

impl ExpiredRows {
    pub(super) fn new(
        activity: &ActivityStore,
        links: &LinkStore,
        database: &Pool,
        session_ends: &SessionEnds,
    ) -> Self {
        let (activity, links, database) = (activity.clone(), links.clone(), database.clone());
        Self { activity, links, database, session_ends: session_ends.clone() }
    }
}

impl Prune for ExpiredRows {
    async fn time(&self) -> Result<Option<Timestamp>, BackendError> {
        self.activity.time().await.map(Some)
    }

    async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let activity = self.activity.prune(now - ACTIVITY_LIFETIME, limit).await?;
        let unsent = MailJobStore::new(self.database.clone()).prune(now, limit).await?;
        if unsent > 0 {
            tracing::error!(
                event = "mail_lost",
                emails = unsent,
                "emails were deleted after seven days in the queue, because no server that uses this database sends \
                 email; set mail settings, such as --smtp-url, on at least one server"
            );
        }
        let intentions = self.session_ends.prune(now, limit).await?;
        let links = self.links.prune(now, limit).await?;
        Ok(activity + unsent + intentions + links + prune_sent(&self.database, now, limit).await?)
    }
}
