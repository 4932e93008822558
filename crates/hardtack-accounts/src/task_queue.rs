//! Background work: a bounded queue, and a task that takes items from it in batches.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

/// The longest time that [`TaskQueue::flush`] waits.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The sending half of the queue. Clones share the queue. The task ends when the last clone is dropped.
#[derive(Debug)]
pub(crate) struct TaskQueue<T> {
    messages: mpsc::Sender<Message<T>>,
    dropped: Arc<AtomicU64>,
}

impl<T> Clone for TaskQueue<T> {
    fn clone(&self) -> Self {
        Self { messages: self.messages.clone(), dropped: Arc::clone(&self.dropped) }
    }
}

#[derive(Debug)]
enum Message<T> {
    Item(T),
    /// Asks the task to send a message to this channel when every earlier item is done.
    Flush(oneshot::Sender<()>),
}

impl<T: Send + 'static> TaskQueue<T> {
    /// Starts the task, which appears in the log as `name`. The task passes up to `batch` items at once to `work`.
    /// While `capacity` items are waiting, further items are dropped and counted.
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        name: &'static str,
        capacity: usize,
        batch: usize,
        work: impl Fn(Vec<T>) -> F + Send + Sync + 'static,
    ) -> Self {
        let (messages, receiver) = mpsc::channel(capacity);
        let queue = Self { messages, dropped: Arc::default() };
        tokio::spawn(run(name, receiver, batch, Arc::clone(&queue.dropped), work));
        queue
    }

    /// Adds an item without waiting. If the queue is full, drops the item.
    pub(crate) fn push(&self, item: T) {
        if self.messages.try_send(Message::Item(item)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits up to two seconds for all items that were pushed before this call to be done. Returns `false` if some of
    /// these items are not done by then.
    pub(crate) async fn flush(&self) -> bool {
        let (done, flushed) = oneshot::channel();
        let flushed = async { self.messages.send(Message::Flush(done)).await.is_ok() && flushed.await.is_ok() };
        matches!(tokio::time::timeout(FLUSH_TIMEOUT, flushed).await, Ok(true))
    }
}

async fn run<T, F: Future<Output = ()>>(
    name: &'static str,
    mut receiver: mpsc::Receiver<Message<T>>,
    batch: usize,
    dropped: Arc<AtomicU64>,
    work: impl Fn(Vec<T>) -> F,
) {
    let mut messages = Vec::with_capacity(batch);
    while receiver.recv_many(&mut messages, batch).await > 0 {
        let (mut items, mut flushes) = (Vec::new(), Vec::new());
        for message in messages.drain(..) {
            match message {
                Message::Item(item) => items.push(item),
                Message::Flush(done) => flushes.push(done),
            }
        }
        if !items.is_empty() {
            work(items).await;
        }
        let dropped = dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(
                event = "dropped",
                queue = name,
                items = dropped,
                "the queue was full, so some items were dropped"
            );
        }
        for done in flushes {
            let _ = done.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_and_counts_without_blocking() {
        let (messages, mut receiver) = mpsc::channel(2);
        let queue = TaskQueue { messages, dropped: Arc::default() };
        for number in 0..5 {
            queue.push(number);
        }
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 3);
        assert!(receiver.try_recv().is_ok() && receiver.try_recv().is_ok() && receiver.try_recv().is_err());
    }
}
