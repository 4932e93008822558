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
    /// The users, each with the one session that continues, if any.
    subjects: Mutex<HashMap<String, Option<SessionId>>>,
}

impl HeldSubjects {
    /// Makes this process refuse the sessions of a user, except `kept`, until [`Self::release`] is called.
    pub(crate) fn hold(&self, subject: &str, kept: Option<SessionId>) {
        let mut subjects = self.lock();
        let held = subjects.entry(subject.to_owned()).or_insert(kept);
        // If two password changes keep different sessions, no session continues.
        *held = held.filter(|held| Some(*held) == kept);
        self.any.store(true, Ordering::SeqCst);
    }

    /// Stops refusing the sessions of a user. Call this method once all pending revocations of the user have been
    /// carried out.
    pub(crate) fn release(&self, subject: &str) {
        if self.any() {
            let mut subjects = self.lock();
            subjects.remove(subject);
            self.any.store(!subjects.is_empty(), Ordering::SeqCst);
        }
    }

    /// Whether this process refuses the sessions of at least one user.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::SeqCst)
    }

    /// Returns whether this process refuses a session. It refuses all sessions of the users in the set, except those
    /// that continue.
    pub(crate) fn holds(&self, subject: &str, session: Option<SessionId>) -> bool {
        self.any() && self.lock().get(subject).is_some_and(|kept| kept.is_none() || *kept != session)
    }

    /// The users whose sessions are refused.
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
