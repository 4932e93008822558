//! The list of new sessions whose cookies have not reached a browser.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::session::SessionId;

/// How many times the store is asked for a session that it does not have. The store might still be committing the
/// session. The pause after each look-up is twice as long as the one before, starting with a second, so that the last
/// look-up comes about a minute after the first. A look-up that fails does not count.
const LOOKUPS: u32 = 7;

/// The maximum number of sessions that are looked for at once. If there are more, the oldest are forgotten, and each
/// stays in its user's list of sessions until it expires.
const MAX_SESSIONS: usize = 1000;

/// The sessions whose cookies have not reached a browser.
#[derive(Debug, Default)]
pub(in crate::authenticator) struct UndeliveredSessions(Mutex<VecDeque<Unused>>);

#[derive(Clone, Debug)]
pub(super) struct Unused {
    pub(super) subject: String,
    pub(super) id: SessionId,
    /// Whether an event has said that the session began. If so, another event says that it ended.
    pub(super) is_reported: bool,
    /// How many times the store has said that it does not have the session.
    pub(super) lookups: u32,
    /// When to look up the session next, on the monotonic clock.
    pub(super) next_at: Duration,
}

impl UndeliveredSessions {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Unused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, session: Unused) {
        let mut sessions = self.lock();
        if sessions.len() >= MAX_SESSIONS {
            sessions.pop_front();
        }
        sessions.push_back(session);
    }

    pub(super) fn due(&self, now: Duration) -> Option<Unused> {
        self.lock().iter().find(|session| session.next_at <= now).cloned()
    }

    /// Removes a session that was returned by [`Self::due`], unless it must be looked up again. `is_over` is `None` if
    /// the look-up failed.
    pub(super) fn looked_up(&self, id: SessionId, is_over: Option<bool>, now: Duration) {
        let mut sessions = self.lock();
        let at = sessions.iter().position(|session| session.id == id);
        let Some(session) = at.and_then(|at| sessions.remove(at)) else { return };
        let next_at = now + Duration::from_secs(1 << session.lookups);
        let lookups = session.lookups + u32::from(is_over.is_some());
        if is_over != Some(true) && lookups < LOOKUPS {
            sessions.push_back(Unused { lookups, next_at, ..session });
        }
    }
}
