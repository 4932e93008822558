//! The way from a request to the database: a queue, so that nobody waits for what is only written down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hardtack::Event;
use tokio::sync::{mpsc, oneshot};

use super::store::Entry;
use super::{ActivityStore, Kind, Source};

/// How many may wait to be written. One that finds the queue full is dropped and counted.
const QUEUE: usize = 1024;

/// How many are written in one transaction.
const BATCH: usize = 64;

/// How long a page waits for what was queued before it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes down what happens. Clones share the queue.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<Job>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Job {
    Write(Entry),
    /// Answered once all before it is written.
    Settle(oneshot::Sender<()>),
}

impl Recorder {
    /// Starts the task that writes. It ends with the last clone.
    pub(crate) fn start(store: ActivityStore) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let recorder = Self { queue, dropped: Arc::default() };
        tokio::spawn(write(store, jobs, Arc::clone(&recorder.dropped)));
        recorder
    }

    /// An event of the engine, if it is of a kind that is written down.
    pub(crate) fn event(&self, event: &Event<'_>) {
        let Some(kind) = Kind::of(event.kind) else { return };
        self.put(Entry {
            user: event.subject.to_owned(),
            kind,
            session: event.session.map(|session| session.to_string()),
            source: Source {
                at: event.at,
                address: event.address.as_deref().map(str::to_owned),
                user_agent: event.user_agent.map(str::to_owned),
            },
        });
    }

    /// Something that the engine knows nothing of.
    pub(crate) fn note(&self, user: &str, kind: Kind, source: &Source) {
        self.put(Entry { user: user.to_owned(), kind, session: None, source: source.clone() });
    }

    fn put(&self, entry: Entry) {
        if self.queue.try_send(Job::Write(entry)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all that happened before is written, but not for long.
    pub(crate) async fn settle(&self) {
        let (done, written) = oneshot::channel();
        let settled = async {
            if self.queue.send(Job::Settle(done)).await.is_ok() {
                let _ = written.await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, settled).await;
    }
}

async fn write(store: ActivityStore, mut queue: mpsc::Receiver<Job>, dropped: Arc<AtomicU64>) {
    let mut jobs = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut jobs, BATCH).await > 0 {
        let (mut entries, mut waiting) = (Vec::new(), Vec::new());
        for job in jobs.drain(..) {
            match job {
                Job::Write(entry) => entries.push(entry),
                Job::Settle(done) => waiting.push(done),
            }
        }
        if let Err(error) = store.add(&entries).await {
            tracing::error!(event = "activity_lost", entries = entries.len(), %error);
        }
        let dropped = dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(event = "activity_dropped", entries = dropped, "the database is slower than what happens");
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use hardtack::Timestamp;

    use super::*;

    #[test]
    fn a_full_queue_drops_and_counts_and_blocks_nobody() {
        let (queue, mut jobs) = mpsc::channel(2);
        let recorder = Recorder { queue, dropped: Arc::default() };
        let source = Source { at: Timestamp::from_unix_seconds(0), address: None, user_agent: None };
        for _ in 0..5 {
            recorder.note("ada", Kind::LogIn, &source);
        }
        assert_eq!(recorder.dropped.load(Ordering::Relaxed), 3);
        assert!(jobs.try_recv().is_ok() && jobs.try_recv().is_ok() && jobs.try_recv().is_err());
    }
}
