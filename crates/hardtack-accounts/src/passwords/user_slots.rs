//! Limits how many passwords of one logged-in user are checked at the same time.
//!
//! Each session of a user has its own limit on attempts, and correct passwords do not count toward it. Without the
//! limit in this module, a user with many sessions could fill the hasher's queue with correct passwords, and nobody
//! else could log in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many passwords of one user can be checked or waiting at the same time. A person needs one, or two after a double
/// click.
const PER_USER: usize = 4;

/// Counts the passwords that are being checked, by the id of the user. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct UserSlots(Arc<Mutex<HashMap<String, usize>>>);

impl UserSlots {
    /// Takes one of the user's slots. Returns `None` if all of them are taken.
    pub(crate) fn take(&self, user_id: &str) -> Option<UserSlot> {
        let mut taken = self.lock();
        let count = taken.entry(user_id.to_owned()).or_default();
        if *count == PER_USER {
            return None;
        }
        *count += 1;
        Some(UserSlot { slots: self.clone(), user_id: user_id.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot that was taken. Dropping it frees the slot.
#[must_use = "dropping the slot frees it"]
#[derive(Debug)]
pub(crate) struct UserSlot {
    slots: UserSlots,
    user_id: String,
}

impl Drop for UserSlot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        if let Some(count) = taken.get_mut(&self.user_id) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.user_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_do_not_take_each_others_slots() {
        let slots = UserSlots::default();
        let mut held: Vec<UserSlot> = (0..PER_USER).map(|_| slots.take("ada").unwrap()).collect();
        assert!(slots.take("ada").is_none());
        drop(slots.take("bob").unwrap());
        held.pop();
        held.push(slots.take("ada").unwrap());
        assert!(slots.take("ada").is_none());
        drop(held);
        assert!(slots.lock().is_empty());
    }
}
