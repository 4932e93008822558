//! The task that processes stored jobs, several at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hardtack::BackendError;
use hardtack::error::WithCauses;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::MailWorker;
use super::job::MailJob;
use super::mailer::FailureKind;
use super::outage::{Likelihood, Outage};
use super::places::Places;
use super::worker::{Outcome, SendFailure};

/// How often the dispatcher looks for jobs that it is not notified about: jobs from other servers, jobs left over from
/// a crash, and jobs whose pause is over.
const POLL: Duration = Duration::from_secs(2);

/// How often a claim is renewed while a message is being sent.
const RENEW: Duration = Duration::from_secs(5);

/// How long to wait before trying again to remove a job. The wait is short, so that no other process claims the job
/// before it is removed.
const REMOVE_AGAIN: Duration = Duration::from_millis(500);

/// How long sending a message may take. This timeout plus the longest pause during an outage is less than a minute.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a warning waits if the user has already received the maximum number of such warnings in the last hour.
const WARNING_PAUSE: Duration = Duration::from_secs(60);

/// Claims jobs and sends their messages.
pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    calls: watch::Receiver<u64>,
    idle_at: watch::Sender<u64>,
    /// The messages that are being sent.
    sending: JoinSet<()>,
    /// The [`Places`] that the messages in `sending` occupy.
    places: Places<tokio::task::Id>,
}

/// The state that is shared by the tasks that send messages.
struct Shared {
    worker: Arc<MailWorker>,
    outage: Outage,
    /// Whether the last access to the database failed. This flag ensures that an outage is logged only once.
    is_database_down: AtomicBool,
}

impl Dispatcher {
    pub(super) fn new(worker: Arc<MailWorker>, calls: watch::Receiver<u64>, idle_at: watch::Sender<u64>) -> Self {
        let shared = Shared { worker, outage: Outage::default(), is_database_down: AtomicBool::new(false) };
        Self { shared: Arc::new(shared), calls, idle_at, sending: JoinSet::new(), places: Places::default() }
    }

    /// Sends messages until the queue is dropped or the database is closed.
    pub(super) async fn run(mut self) {
        while !self.shared.worker.is_database_closed() {
            let call = *self.calls.borrow_and_update();
            let (wait, is_known) = self.send_what_is_due().await;
            if is_known && self.sending.is_empty() {
                self.idle_at.send_replace(call);
            }
            tokio::select! {
                changed = self.calls.changed() => if changed.is_err() {
                    return;
                },
                Some(sent) = self.sending.join_next_with_id() => {
                    let id = sent.map_or_else(|error| error.id(), |(id, ())| id);
                    self.places.leave(&id);
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Claims jobs and starts sending their messages. Stops when no job is due, or when the maximum number of messages
    /// is already being sent. Returns how long to wait before the next call, and whether the database could be read.
    async fn send_what_is_due(&mut self) -> (Duration, bool) {
        self.places.free_slow(Instant::now());
        while let Some(rank) = self.places.free() {
            let delay = self.shared.outage.delay(Instant::now(), SEND_TIMEOUT);
            if !delay.is_zero() {
                return (delay.min(POLL), true);
            }
            let claimed = self.shared.worker.jobs.claim(rank, |job| self.places.has_room_for(job)).await;
            let is_known = claimed.is_ok();
            let Some(Some(job)) = self.shared.note(claimed) else {
                self.shared.outage.nothing_to_try(Instant::now());
                return (POLL, is_known);
            };
            let job = Arc::new(job);
            let (shared, calls, own) = (Arc::clone(&self.shared), self.calls.clone(), Arc::clone(&job));
            let give_up = Arc::new(Notify::new());
            let told = Arc::clone(&give_up);
            let task = self.sending.spawn(async move { shared.work_off(&own, &calls, &told).await });
            self.places.take(task.id(), &job, Instant::now(), give_up);
        }
        (POLL, true)
    }
}

impl Shared {
    async fn work_off(&self, job: &Arc<MailJob>, calls: &watch::Receiver<u64>, give_up: &Notify) {
        let (subject, user) = (job.kind.subject(), &job.user_id);
        match self.send(job, give_up).await {
            Ok(Outcome::Sent) => {
                self.has_replied();
                self.insist(calls, || self.worker.jobs.finish(job)).await;
            }
            Ok(unsent) => {
                self.outage.nothing_to_try(Instant::now());
                match unsent {
                    Outcome::Withheld => self.insist(calls, || self.worker.jobs.finish(job)).await,
                    Outcome::NotNeeded => self.insist(calls, || self.worker.jobs.remove(job)).await,
                    Outcome::Later => {
                        let postponed = self.worker.jobs.postpone(job, WARNING_PAUSE).await;
                        self.note(postponed);
                    }
                    Outcome::Sent | Outcome::NotOurs => {}
                }
            }
            Err(SendFailure { kind: FailureKind::Refused, text: error }) => {
                self.has_replied();
                tracing::warn!(
                    event = "mail_refused",
                    subject,
                    user,
                    error,
                    "the mail server permanently refused the recipient or the message, so the email was discarded; see \
                     the error for the reason"
                );
                // Count the email as sent, although it was refused. Otherwise, the limits would not apply, and a
                // stranger could make the server try to send any number of such emails.
                self.insist(calls, || self.worker.jobs.finish(job)).await;
            }
            Err(SendFailure { kind, text: error }) => {
                let failure = self.outage.note(Instant::now(), job.number, kind == FailureKind::Outage);
                let attempt = job.failures + 1;
                let Some(pause) = job.pause(failure.outage != Likelihood::Unlikely) else {
                    tracing::error!(
                        event = "mail_lost",
                        subject,
                        user,
                        attempt,
                        error,
                        "the email was discarded after a day of failed attempts; correct the cause, then ask the user \
                         whether the email is still needed"
                    );
                    return self.insist(calls, || self.worker.jobs.remove(job)).await;
                };
                if failure.is_news {
                    let retry_in_seconds = pause.as_secs();
                    let what_to_do = match failure.outage {
                        Likelihood::Certain => {
                            "no email can be sent at the moment; correct the cause, and queued emails will be sent \
                             within a minute"
                        }
                        Likelihood::Suspected => {
                            "several emails in a row could not be sent; if emails keep failing, correct the cause, and \
                             queued emails will be sent within a minute"
                        }
                        Likelihood::Unlikely => {
                            "the email could not be sent, and the server will try again later; if the email keeps \
                             failing, correct the cause or the user's address"
                        }
                    };
                    tracing::error!(
                        event = "mail_failed",
                        subject,
                        user,
                        attempt,
                        retry_in_seconds,
                        error,
                        "{what_to_do}"
                    );
                }
                // If this update fails, the job is tried again once its claim has expired.
                let delayed = self.worker.jobs.fail(job, pause).await;
                self.note(delayed);
            }
        }
    }

    /// Records that the mail server has accepted or refused a message. Either reply shows that the mail server works.
    fn has_replied(&self) {
        if self.outage.end() {
            tracing::info!(event = "mail_recovered", "emails can be sent again");
        }
    }

    /// Retries a change to a job until the change succeeds. Without the change, the message would be sent again.
    async fn insist<F: Future<Output = Result<(), BackendError>>>(
        &self,
        calls: &watch::Receiver<u64>,
        change: impl Fn() -> F,
    ) {
        while self.note(change().await).is_none() && calls.has_changed().is_ok() && !self.worker.is_database_closed() {
            tokio::time::sleep(REMOVE_AGAIN).await;
        }
    }

    /// Sends the message, and keeps renewing the claim in the meantime. Stops if `give_up` is notified.
    async fn send(&self, job: &Arc<MailJob>, give_up: &Notify) -> Result<Outcome, SendFailure> {
        let (worker, sent) = (Arc::clone(&self.worker), Arc::clone(job));
        let run = async move { worker.run(&sent).await };
        // The mailer runs in a task of its own, so that the current task continues if the mailer panics.
        let mut sending = tokio::spawn(tokio::time::timeout(SEND_TIMEOUT, run));
        loop {
            let sent = tokio::select! {
                sent = tokio::time::timeout(RENEW, &mut sending) => sent,
                () = give_up.notified() => {
                    sending.abort();
                    let text = "the attempt was stopped, because this email and many others were taking too long to \
                                send";
                    return Err(SendFailure::temporary(text.to_owned()));
                }
            };
            match sent {
                Ok(Ok(Ok(result))) => return result,
                Ok(Ok(Err(_))) => {
                    let text = format!("the mail server or program took longer than {} s", SEND_TIMEOUT.as_secs());
                    return Err(SendFailure::temporary(text));
                }
                Ok(Err(error)) => {
                    return Err(SendFailure::temporary(format!("the mailer panicked: {error}")));
                }
                Err(_) => {
                    let renewed = self.worker.jobs.renew(job).await;
                    self.note(renewed);
                }
            }
        }
    }

    /// Returns the value, or `None` if the database failed. Logs only the first error of an outage.
    fn note<T>(&self, result: Result<T, BackendError>) -> Option<T> {
        match result {
            Ok(value) => {
                self.is_database_down.store(false, Ordering::Relaxed);
                Some(value)
            }
            // The application is stopping. The database has not failed.
            Err(_) if self.worker.is_database_closed() => None,
            Err(error) => {
                if !self.is_database_down.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        event = "mail_delayed", error = %WithCauses(&error),
                        "the database failed, so queued emails will be sent when the database works again"
                    );
                }
                None
            }
        }
    }
}
