//! The queues between requests and the mail workers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hardtack::error::WithCauses;
use tokio::sync::watch;

use super::job::Rank;
use super::lane::Lane;
use super::{MailWorker, ResetRequest};
use crate::task_queue::TaskQueue;

/// How many requests for a reset may wait.
const CAPACITY: usize = 256;

/// How many of them the worker takes at once.
const BATCH: usize = 16;

/// The tasks that work on stored jobs. The first one sends only warnings, so that no other message delays them.
const LANES: [Rank; 3] = [Rank::Warning, Rank::Other, Rank::Other];

/// The longest that [`MailQueue::flush`] waits for stored jobs.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The jobs that wait in memory, and the tasks that work on those in the database. Clones share them. The tasks end
/// when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct MailQueue {
    resets: TaskQueue<ResetRequest>,
    /// How many times the lanes were woken.
    calls: Arc<watch::Sender<u64>>,
    /// For each lane, the last call after which it found no job that was due.
    idle: Arc<[watch::Receiver<u64>]>,
}

impl MailQueue {
    /// Starts the tasks.
    pub(crate) fn start(worker: MailWorker) -> Self {
        let worker = Arc::new(worker);
        let calls = Arc::new(watch::Sender::new(0));
        let idle = LANES
            .map(|rank| {
                let (idle_at, idle) = watch::channel(0);
                tokio::spawn(Lane::new(Arc::clone(&worker), rank, calls.subscribe(), idle_at).run());
                idle
            })
            .into();
        let resets = TaskQueue::start("mail", CAPACITY, BATCH, move |requests: Vec<ResetRequest>| {
            let worker = Arc::clone(&worker);
            async move {
                for request in requests {
                    if let Err(error) = worker.send_reset_links(request).await {
                        tracing::error!(event = "mail_lost", error = %WithCauses(&error));
                    }
                }
            }
        });
        Self { resets, calls, idle }
    }

    /// Adds a request without waiting. Takes the same time whether or not it will send a message.
    pub(crate) fn push(&self, request: ResetRequest) {
        self.resets.push(request);
    }

    /// Lets the lanes look for jobs now, because one was stored.
    pub(crate) fn wake(&self) {
        self.calls.send_modify(|calls| *calls += 1);
    }

    /// Waits until the jobs added before this call are done or have failed, for four seconds at most.
    pub(crate) async fn flush(&self) {
        self.wake();
        let call = *self.calls.borrow();
        let idle = async {
            for lane in self.idle.iter() {
                let _ = lane.clone().wait_for(|idle_at| *idle_at >= call).await;
            }
        };
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, idle).await;
        self.resets.flush().await;
    }
}

impl fmt::Debug for MailQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailQueue")
    }
}
