//! The queue between requests and the mail worker.

use std::fmt;
use std::sync::Arc;

use hardtack::error::WithCauses;

use super::{MailJob, MailWorker};
use crate::task_queue::TaskQueue;

/// How many jobs may wait.
const CAPACITY: usize = 256;

/// How many jobs the worker takes at once.
const BATCH: usize = 16;

/// The queue of mail jobs. Clones share it.
#[derive(Clone)]
pub(crate) struct MailQueue(TaskQueue<MailJob>);

impl MailQueue {
    /// Starts the task that runs the worker. It ends when the last clone is dropped.
    pub(crate) fn start(worker: MailWorker) -> Self {
        let worker = Arc::new(worker);
        Self(TaskQueue::start("mail", CAPACITY, BATCH, move |jobs: Vec<MailJob>| {
            let worker = Arc::clone(&worker);
            async move {
                for job in jobs {
                    if let Err(error) = worker.run(job).await {
                        tracing::error!(event = "mail_lost", error = %WithCauses(&error));
                    }
                }
            }
        }))
    }

    /// Adds a job without waiting. Takes the same time whether or not the job will send a message.
    pub(crate) fn push(&self, job: MailJob) {
        self.0.push(job);
    }

    /// Waits until the jobs pushed before this call are done, for two seconds at most.
    pub(crate) async fn flush(&self) {
        self.0.flush().await;
    }
}

impl fmt::Debug for MailQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailQueue")
    }
}
