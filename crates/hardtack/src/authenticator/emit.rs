//! Reports events to the log and to the application's observers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Authenticator;
use crate::event::{Client, Event, EventKind};
use crate::session::SessionId;

impl Authenticator {
    /// Logs an event and passes it to the observers. Call this method after the change has been committed. A panic in
    /// an observer is logged and otherwise ignored.
    pub(crate) fn emit(&self, kind: EventKind, subject: &str, session: Option<SessionId>, client: &Client<'_>) {
        let at = self.now();
        let Client { address, user_agent } = client.clone();
        let event = Event { kind, at, subject, session, address, user_agent };
        event.log();
        for observer in &self.0.observers {
            if catch_unwind(AssertUnwindSafe(|| observer(&event))).is_err() {
                self.0.observer_panics.add_at(self.monotonic(), 1, |not_logged| {
                    tracing::error!(event = "observer_panicked", kind = kind.name(), not_logged);
                });
            }
        }
    }
}
