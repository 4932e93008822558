//! The tasks that queue and send emails.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hardtack::error::WithCauses;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::dispatcher::Dispatcher;
use super::fair_queue::FairQueue;
use super::{MailWorker, ResetRequest};

/// The longest time that [`MailQueue::flush`] waits for requests to be handled. After that, it waits for stored jobs,
/// again for at most this long.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The shortest and the longest delay before a request for a reset link is handled. The delay is random, and requests
/// that arrive during the delay are handled together.
const DELAY_MILLIS: std::ops::Range<u64> = 500..2500;

/// If the database is down, a request for a reset link is retried every `PAUSE`, until `PATIENCE` has passed.
const PAUSE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The queue of reset requests in memory, and the tasks that work on these requests and on the jobs in the database.
/// All clones share the queue and the tasks. The tasks end when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct MailQueue(Arc<Tasks>);

struct Tasks {
    resets: Arc<FairQueue<ResetRequest>>,
    resets_task: AbortHandle,
    /// Notified to cut short the random delay before reset requests are handled.
    hurry: Arc<Notify>,
    /// How many times the dispatcher has been woken.
    calls: Arc<watch::Sender<u64>>,
    /// The number of the last wake-up after which no job was due and no message was being sent.
    idle_at: watch::Receiver<u64>,
}

impl MailQueue {
    /// Starts the tasks.
    pub(crate) fn start(worker: MailWorker) -> Self {
        let worker = Arc::new(worker);
        let calls = Arc::new(watch::Sender::new(0));
        let (idle, idle_at) = watch::channel(0);
        tokio::spawn(Dispatcher::new(Arc::clone(&worker), calls.subscribe(), idle).run());
        let resets = Arc::new(FairQueue::default());
        let hurry = Arc::new(Notify::new());
        let (queue, woken, hurried) = (Arc::clone(&resets), Arc::downgrade(&calls), Arc::clone(&hurry));
        let resets_task = tokio::spawn(async move {
            let queued = || {
                if let Some(calls) = woken.upgrade() {
                    calls.send_modify(|calls| *calls += 1);
                }
            };
            work_off(&queue, &hurried, &worker, queued).await;
        })
        .abort_handle();
        Self(Arc::new(Tasks { resets, resets_task, hurry, calls, idle_at }))
    }

    /// Adds a request without waiting. How long this call takes does not depend on whether an email will be sent.
    pub(crate) fn push(&self, request: ResetRequest) {
        self.0.resets.push(request.request.source(), request);
    }

    /// Makes the dispatcher look for jobs now. Call this method after a job has been stored.
    pub(crate) fn wake(&self) {
        self.0.calls.send_modify(|calls| *calls += 1);
    }

    /// Waits until each email that was requested before this call has been sent, has failed or has been delayed, for
    /// example by an outage. Returns `false` if this takes more than four seconds.
    pub(crate) async fn flush(&self) -> bool {
        // Notify only if a request is waiting. Otherwise, the notification would be kept, and would cut short a later
        // request's delay.
        if !self.0.resets.is_drained() {
            self.0.hurry.notify_one();
        }
        let drained = tokio::time::timeout(FLUSH_TIMEOUT, self.0.resets.drained()).await.is_ok();
        self.wake();
        let call = *self.0.calls.borrow();
        let mut idle_at = self.0.idle_at.clone();
        let idle = tokio::time::timeout(FLUSH_TIMEOUT, idle_at.wait_for(|idle_at| *idle_at >= call)).await;
        drained && matches!(idle, Ok(Ok(_)))
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.resets_task.abort();
    }
}

impl fmt::Debug for MailQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailQueue")
    }
}

/// Handles requests for reset links. After the first request, waits for a random time, and then handles all requests
/// that have arrived by then, one after the other. Then calls `queued`, and waits for the next request.
async fn work_off(queue: &FairQueue<ResetRequest>, hurry: &Notify, worker: &MailWorker, queued: impl Fn()) {
    loop {
        queue.filled().await;
        let delay = rand::random_range(DELAY_MILLIS);
        let _ = tokio::time::timeout(Duration::from_millis(delay), hurry.notified()).await;
        while let Some(asked) = queue.next() {
            handle(&asked, worker).await;
            queue.done();
        }
        queued();
        let dropped = queue.take_dropped();
        if dropped > 0 {
            tracing::warn!(
                event = "dropped",
                queue = "mail",
                items = dropped,
                "too many reset links were requested; some requests were dropped"
            );
        }
    }
}

async fn handle(asked: &ResetRequest, worker: &MailWorker) {
    let since = Instant::now();
    while let Err(error) = worker.queue_reset_links(asked).await {
        if worker.is_database_closed() {
            return;
        }
        if since.elapsed() >= PATIENCE {
            tracing::error!(event = "mail_lost", error = %WithCauses(&error), "a reset link was not sent");
            return;
        }
        if since.elapsed() < PAUSE {
            tracing::warn!(
                event = "mail_delayed", error = %WithCauses(&error),
                "a reset link was requested, but the database failed; the link will be sent when the database works \
                 again"
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}
