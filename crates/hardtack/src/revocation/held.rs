//! Users whose sessions this process failed to end in the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::session::SessionId;

/// The users whose sessions this process failed to end in the store. Until a later attempt succeeds, this process
/// refuses these sessions. The set is nearly always empty.
#[derive(Debug, Default)]
pub(crate) struct HeldSubjects {
    any: AtomicBool,
    /// Maps each user to the one session that continues, if any.
    subjects: Mutex<HashMap<String, Option<SessionId>>>,
}

impl HeldSubjects {
    /// Makes this process refuse all of a user's sessions except `kept`, until [`Self::release`] is called.
    pub(crate) fn hold(&self, subject: &str, kept: Option<SessionId>) {
        let mut subjects = self.lock();
        let held = subjects.entry(subject.to_owned()).or_insert(kept);
        // If two password changes each keep a different session, neither session continues.
        *held = held.filter(|held| Some(*held) == kept);
        self.any.store(true, Ordering::SeqCst);
    }

    /// Stops refusing a user's sessions. Call this method once all of the user's pending revocations have been carried
    /// out.
    pub(crate) fn release(&self, subject: &str) {
        if self.any() {
            let mut subjects = self.lock();
            subjects.remove(subject);
            self.any.store(!subjects.is_empty(), Ordering::SeqCst);
        }
    }

    /// Returns whether this process refuses any user's sessions.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::SeqCst)
    }

    /// Returns whether this process refuses the given session. For each user in `subjects`, it refuses all sessions
    /// except the one that was kept.
    pub(crate) fn holds(&self, subject: &str, session: Option<SessionId>) -> bool {
        self.any() && self.lock().get(subject).is_some_and(|kept| kept.is_none() || *kept != session)
    }

    /// Returns the users whose sessions this process refuses.
    pub(crate) fn subjects(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Option<SessionId>>> {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_session_goes_on_unless_changes_disagree() {
        let held = HeldSubjects::default();
        let [one, other] = [SessionId::from_u128(1), SessionId::from_u128(2)];
        held.hold("alice", Some(one));
        assert!(!held.holds("alice", Some(one)));
        assert!(held.holds("alice", Some(other)) && held.holds("alice", None));
        assert!(!held.holds("bob", Some(other)));
        held.hold("alice", Some(one));
        assert!(!held.holds("alice", Some(one)));
        held.hold("alice", Some(other));
        assert!(held.holds("alice", Some(one)) && held.holds("alice", Some(other)));
        held.release("alice");
        assert!(!held.any() && !held.holds("alice", Some(one)));
    }
}
