//! A task that works on stored jobs, one at a time.

use std::sync::Arc;
use std::time::Duration;

use hardtack::BackendError;
use hardtack::error::WithCauses;
use tokio::sync::watch;

use super::MailWorker;
use super::job::{MailJob, Rank};
use super::worker::Outcome;

/// How often a lane looks for jobs that it was not told about: those of other servers, those that a crash has left, and
/// those whose pause is over.
const POLL: Duration = Duration::from_secs(2);

/// How often a claim is renewed while a message is being sent.
const RENEW: Duration = Duration::from_secs(5);

/// How soon removing a job is tried again: before another process may claim it, if possible.
const REMOVE_AGAIN: Duration = Duration::from_millis(500);

/// How long sending a message may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct Lane {
    worker: Arc<MailWorker>,
    rank: Rank,
    calls: watch::Receiver<u64>,
    idle_at: watch::Sender<u64>,
    /// Whether the last access to the database failed, so that an outage is logged once.
    is_down: bool,
}

impl Lane {
    pub(super) fn new(
        worker: Arc<MailWorker>,
        rank: Rank,
        calls: watch::Receiver<u64>,
        idle_at: watch::Sender<u64>,
    ) -> Self {
        Self { worker, rank, calls, idle_at, is_down: false }
    }

    /// Works until the queue is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let call = *self.calls.borrow_and_update();
            loop {
                let claimed = self.worker.jobs.claim(self.rank).await;
                match self.note(claimed) {
                    Some(Some(job)) => self.work_off(&Arc::new(job)).await,
                    Some(None) | None => break,
                }
            }
            self.idle_at.send_replace(call);
            // An error means that the queue was dropped; a timeout, that it is time to look again.
            if let Ok(Err(_)) = tokio::time::timeout(POLL, self.calls.changed()).await {
                return;
            }
        }
    }

    async fn work_off(&mut self, job: &Arc<MailJob>) {
        match self.send(job).await {
            Ok(Outcome::Done) => self.remove(job).await,
            Ok(Outcome::NotOurs) => {}
            Err(error) => {
                let (subject, attempt) = (job.kind.subject(), job.attempt);
                let Some(pause) = job.pause() else {
                    tracing::error!(event = "mail_lost", subject, user = job.user_id, attempt, error);
                    return self.remove(job).await;
                };
                let retry_in_seconds = pause.as_secs();
                tracing::error!(event = "mail_failed", subject, user = job.user_id, attempt, retry_in_seconds, error);
                // If this fails, the claim expires.
                let released = self.worker.jobs.release(job, pause).await;
                self.note(released);
            }
        }
    }

    /// Removes a job. Until it is removed, its message would be sent again, so nothing else is done before.
    async fn remove(&mut self, job: &MailJob) {
        loop {
            let removed = self.worker.jobs.remove(job).await;
            if self.note(removed).is_some() || self.calls.has_changed().is_err() {
                return;
            }
            tokio::time::sleep(REMOVE_AGAIN).await;
        }
    }

    /// Sends the message, and renews the claim while it is being sent. Returns the text of the error if sending fails.
    async fn send(&mut self, job: &Arc<MailJob>) -> Result<Outcome, String> {
        let (worker, sent) = (Arc::clone(&self.worker), Arc::clone(job));
        let run = async move { worker.run(&sent).await };
        // In a task of its own, so that a mailer that panics does not end this one.
        let mut sending = tokio::spawn(tokio::time::timeout(SEND_TIMEOUT, run));
        loop {
            match tokio::time::timeout(RENEW, &mut sending).await {
                Ok(Ok(Ok(result))) => return result,
                Ok(Ok(Err(_))) => return Err(format!("the mailer took longer than {} s", SEND_TIMEOUT.as_secs())),
                Ok(Err(error)) => return Err(format!("the mailer panicked: {error}")),
                Err(_) => {
                    let renewed = self.worker.jobs.renew(job).await;
                    self.note(renewed);
                }
            }
        }
    }

    /// Returns the value, or logs the first error of an outage.
    fn note<T>(&mut self, result: Result<T, BackendError>) -> Option<T> {
        match result {
            Ok(value) => {
                self.is_down = false;
                Some(value)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_down, true) {
                    tracing::warn!(
                        event = "mail_delayed", error = %WithCauses(&error),
                        "queued mail cannot be read; it is sent when the database is back"
                    );
                }
                None
            }
        }
    }
}
