//! Requests for a reset link. Anyone can make them, so they are kept in memory until it is known whose the address is.

use std::time::Duration;

use hardtack::error::WithCauses;
use tokio::time::Instant;

use super::MailWorker;
use super::fair_queue::FairQueue;
use crate::activity::RequestInfo;
use crate::users::EmailAddress;

/// How soon a request is tried again if the database is down, and for how long.
const PAUSE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A visitor asked to reset the password of the users who have confirmed this address.
#[derive(Debug)]
pub(crate) struct ResetRequest {
    pub(crate) address: EmailAddress,
    pub(crate) request: RequestInfo,
}

/// Works off requests, one after the other. `queued` is called when emails may have been queued.
pub(super) async fn work_off(queue: &FairQueue<ResetRequest>, worker: &MailWorker, queued: impl Fn()) {
    loop {
        let asked = queue.next().await;
        let since = Instant::now();
        while let Err(error) = worker.queue_reset_links(&asked).await {
            if since.elapsed() >= PATIENCE {
                tracing::error!(event = "mail_lost", error = %WithCauses(&error), "a reset link was not sent");
                break;
            }
            if since.elapsed() < PAUSE {
                tracing::warn!(
                    event = "mail_delayed", error = %WithCauses(&error),
                    "a reset link was requested, but the database fails; it is sent when the database is back"
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
        queued();
        queue.done();
        let dropped = queue.take_dropped();
        if dropped > 0 {
            tracing::warn!(event = "dropped", queue = "mail", items = dropped, "too many reset links were requested");
        }
    }
}
