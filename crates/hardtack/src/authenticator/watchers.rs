//! The tasks that wait for sessions to end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::wake_signal::WakeSignal;
use crate::session::SessionId;

/// The tasks that wait for sessions to end, by session.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<HashMap<SessionId, Vec<Arc<WakeSignal>>>>);

impl Watchers {
    /// Wakes the tasks that are waiting for a session to end. Call this method after the revocation cache has been
    /// updated.
    pub(super) fn wake(&self, id: SessionId) {
        let signals = self.lock().get(&id).cloned();
        signals.into_iter().flatten().for_each(|signal| signal.send());
    }

    /// Wakes all tasks. Call this method if any session might have ended, for example because the cache is stale.
    pub(super) fn wake_all(&self) {
        let signals: Vec<_> = self.lock().values().flatten().cloned().collect();
        signals.into_iter().for_each(|signal| signal.send());
    }

    pub(super) fn watch(&self, id: SessionId) -> Watch<'_> {
        let signal = Arc::new(WakeSignal::default());
        self.lock().entry(id).or_default().push(Arc::clone(&signal));
        Watch { watchers: self, id, signal }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<Arc<WakeSignal>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task's entry in [`Watchers`]. When this value is dropped, the entry is removed.
pub(super) struct Watch<'a> {
    watchers: &'a Watchers,
    id: SessionId,
    signal: Arc<WakeSignal>,
}

impl Watch<'_> {
    /// Waits until this process learns something new about the session. If the process has learned something since the
    /// last call, returns immediately.
    pub(super) async fn woken(&self) {
        self.signal.received().await;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut watchers = self.watchers.lock();
        if let Some(signals) = watchers.get_mut(&self.id) {
            signals.retain(|signal| !Arc::ptr_eq(signal, &self.signal));
            if signals.is_empty() {
                watchers.remove(&self.id);
            }
        }
    }
}
