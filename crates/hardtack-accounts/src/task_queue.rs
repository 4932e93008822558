//! Work that no request waits for: a bounded queue and the task that does it, some at a time.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

/// How long somebody waits for what was queued before.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way in. Clones share the queue; the task ends with the last one.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    jobs: mpsc::Sender<Job<T>>,
    dropped: Arc<AtomicU64>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone(), dropped: Arc::clone(&self.dropped) }
    }
}

#[derive(Debug)]
enum Job<T> {
    Do(T),
    /// Answered once all before it is done.
    Settle(oneshot::Sender<()>),
}

impl<T: Send + 'static> Queue<T> {
    /// Starts the task, which is called `name` in the log. One that finds `capacity` waiting is dropped and
    /// counted; up to `batch` are done at once.
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        name: &'static str,
        capacity: usize,
        batch: usize,
        work: impl Fn(Vec<T>) -> F + Send + Sync + 'static,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(capacity);
        let queue = Self { jobs, dropped: Arc::default() };
        tokio::spawn(run(name, waiting, batch, Arc::clone(&queue.dropped), work));
        queue
    }

    /// Puts something in, and never waits.
    pub(crate) fn put(&self, item: T) {
        if self.jobs.try_send(Job::Do(item)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all that was put in before is done, but not for long.
    pub(crate) async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        let settled = async {
            if self.jobs.send(Job::Settle(done)).await.is_ok() {
                let _ = settled.await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, settled).await;
    }
}

async fn run<T, F: Future<Output = ()>>(
    name: &'static str,
    mut queue: mpsc::Receiver<Job<T>>,
    batch: usize,
    dropped: Arc<AtomicU64>,
    work: impl Fn(Vec<T>) -> F,
) {
    let mut jobs = Vec::with_capacity(batch);
    while queue.recv_many(&mut jobs, batch).await > 0 {
        let (mut items, mut waiting) = (Vec::new(), Vec::new());
        for job in jobs.drain(..) {
            match job {
                Job::Do(item) => items.push(item),
                Job::Settle(done) => waiting.push(done),
            }
        }
        if !items.is_empty() {
            work(items).await;
        }
        let dropped = dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(event = "dropped", queue = name, items = dropped, "more came than could be done");
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_and_counts_and_blocks_nobody() {
        let (jobs, mut waiting) = mpsc::channel(2);
        let queue = Queue { jobs, dropped: Arc::default() };
        for number in 0..5 {
            queue.put(number);
        }
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 3);
        assert!(waiting.try_recv().is_ok() && waiting.try_recv().is_ok() && waiting.try_recv().is_err());
    }
}
