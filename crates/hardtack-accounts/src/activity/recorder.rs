//! The way from a request to the database: nobody waits for what is only written down.

use std::sync::Arc;

use hardtack::event::Event;

use super::store::Entry;
use super::{ActivityStore, Kind, Source};
use crate::queue::Queue;

/// How many may wait to be written.
const WAITING: usize = 1024;

/// How many are written in one transaction.
const BATCH: usize = 64;

/// Takes down what happens. Clones share the queue.
#[derive(Clone, Debug)]
pub(crate) struct Recorder(Queue<Entry>);

impl Recorder {
    /// Starts the task that writes. It ends with the last clone.
    pub(crate) fn start(store: ActivityStore) -> Self {
        let store = Arc::new(store);
        Self(Queue::start("activity", WAITING, BATCH, move |entries: Vec<Entry>| {
            let store = Arc::clone(&store);
            async move {
                if let Err(error) = store.add(&entries).await {
                    tracing::error!(event = "activity_lost", entries = entries.len(), %error);
                }
            }
        }))
    }

    /// An event of the authenticator, if it is of a kind that is written down.
    pub(crate) fn event(&self, event: &Event<'_>) {
        let Some(kind) = Kind::of(event.kind) else { return };
        self.0.put(Entry {
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

    /// Something that the authenticator knows nothing of.
    pub(crate) fn note(&self, user: &str, kind: Kind, source: &Source) {
        self.0.put(Entry { user: user.to_owned(), kind, session: None, source: source.clone() });
    }

    /// Waits until all that happened before is written, but not for long.
    pub(crate) async fn settle(&self) {
        self.0.settle().await;
    }
}
