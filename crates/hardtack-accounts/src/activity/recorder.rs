//! Writes activity to the database in the background, so that no request waits for it.

use std::sync::Arc;

use hardtack::adapter::LogLimit;
use hardtack::error::WithCauses;
use hardtack::event::Event;

use super::store::{NO_USER, NewActivity};
use super::{ActivityKind, ActivityStore, RequestInfo};
use crate::task_queue::TaskQueue;

/// The maximum number of entries that can wait to be written.
const CAPACITY: usize = 1024;

/// The maximum number of entries that one transaction writes.
const BATCH: usize = 64;

static LOST: LogLimit = LogLimit::new("activity_lost");

/// Records activity. Clones share one queue and one background task.
#[derive(Clone, Debug)]
pub(crate) struct Recorder(TaskQueue<NewActivity>);

impl Recorder {
    /// Starts the background task that writes to `store`. The task ends when the last clone of the recorder is dropped.
    pub(crate) fn start(store: ActivityStore) -> Self {
        let store = Arc::new(store);
        Self(TaskQueue::start("activity", CAPACITY, BATCH, move |entries: Vec<NewActivity>| {
            let store = Arc::clone(&store);
            async move {
                if let Err(error) = store.add(&entries).await {
                    let entries = entries.len() as u64;
                    LOST.add_many(entries, |not_logged| {
                        let entries = entries + not_logged.unwrap_or_default();
                        tracing::error!(event = "activity_lost", entries, error = %WithCauses(&error));
                    });
                }
            }
        }))
    }

    /// Records an event of the core, such as a log-in. Ignores the event if [`ActivityKind::of_event`] returns `None`.
    pub(crate) fn record_event(&self, event: &Event<'_>) {
        let Some(kind) = ActivityKind::of_event(event.kind) else { return };
        self.0.push(NewActivity {
            user: event.subject.to_owned(),
            kind,
            session: event.session.map(|session| session.to_string()),
            request: RequestInfo {
                at: event.at,
                address: event.address.as_deref().map(str::to_owned),
                user_agent: event.user_agent.map(str::to_owned),
            },
        });
    }

    /// Records account activity for which the core has no event.
    pub(crate) fn record(&self, user: &str, kind: ActivityKind, request: &RequestInfo) {
        self.0.push(NewActivity { user: user.to_owned(), kind, session: None, request: request.clone() });
    }

    /// Records activity for an account that might not exist. If `user` is `None`, stores a dummy entry, so that
    /// response times do not reveal which names and addresses exist.
    pub(crate) fn record_for(&self, user: Option<&str>, kind: ActivityKind, request: &RequestInfo) {
        self.record(user.unwrap_or(NO_USER), kind, request);
    }

    /// Waits until all activity that was recorded before this call has been written, but for at most two seconds.
    /// Returns `false` if some activity has still not been written by then.
    pub(crate) async fn flush(&self) -> bool {
        self.0.flush().await
    }
}
