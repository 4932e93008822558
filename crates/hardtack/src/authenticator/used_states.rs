//! The `state` values of completed log-ins at other sites. Each value is accepted only once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;

/// The maximum number of states that a process remembers. If a process finishes more log-ins than this within ten
/// minutes, it forgets the oldest states. Browsers do not send the forgotten states again, because the response that
/// finishes a log-in deletes the cookie with its state.
const MAX_REMEMBERED: usize = 65_536;

/// The states that have been used, and the time until which each one is remembered.
#[derive(Default)]
pub(crate) struct UsedStates(Mutex<HashMap<String, Timestamp>>);

impl UsedStates {
    /// Marks a state as used. Returns `false` if it was already used.
    pub(crate) fn insert(&self, state: &str, until: Timestamp, now: Timestamp) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.contains_key(state) {
            return false;
        }
        if used.len() >= MAX_REMEMBERED {
            used.retain(|_, until| *until >= now);
        }
        if used.len() >= MAX_REMEMBERED {
            let mut ends: Vec<Timestamp> = used.values().copied().collect();
            let middle = ends.len() / 2;
            let (_, end, _) = ends.select_nth_unstable(middle);
            let end = *end;
            used.retain(|_, until| *until > end);
        }
        used.insert(state.to_owned(), until);
        true
    }
}

impl fmt::Debug for UsedStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsedStates").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_used_once_and_the_memory_is_bounded() {
        let (used, at) = (UsedStates::default(), Timestamp::from_unix_seconds);
        assert!(used.insert("first", at(600), at(0)) && !used.insert("first", at(600), at(0)));
        for number in 0..MAX_REMEMBERED + 10 {
            assert!(used.insert(&number.to_string(), at(601 + number as i64), at(1)));
        }
        let last = (MAX_REMEMBERED + 9).to_string();
        assert!(!used.insert(&last, at(700), at(1)), "the latest are remembered");
        assert!(used.0.lock().unwrap().len() <= MAX_REMEMBERED);
    }
}
