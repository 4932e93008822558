//! Which messages may be sent at the same time.
//!
//! Some mailboxes are slow, and some are slow on purpose. The places are shared out so that messages that hang delay no
//! message of another kind, and messages of another client or to another domain only if very many hang.

use std::collections::HashMap;
use std::hash::Hash;

use super::job::{MailJob, Rank};
use super::mailbox::domain;

/// How many messages are sent at once.
const ALL: usize = 24;

/// How many of them may be confirmations or reset links. The others are for warnings.
const REQUESTED: usize = 20;

/// How many of these may be confirmations. The others are for reset links.
const CONFIRMATIONS: usize = 16;

/// How many confirmations, and how many reset links, may be sent at once for one client.
const CONFIRMATIONS_OF_CLIENT: usize = 1;
const RESETS_OF_CLIENT: usize = 3;

/// How many confirmations and reset links may be sent at once to one domain.
const TO_DOMAIN: usize = 4;

/// The messages that are being sent. `Id` identifies a message.
#[derive(Debug)]
pub(super) struct Places<Id>(HashMap<Id, Place>);

#[derive(Debug)]
struct Place {
    rank: Rank,
    /// The client that caused the message.
    whose: String,
    domain: String,
}

impl<Id> Default for Places<Id> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<Id: Eq + Hash> Places<Id> {
    /// Returns the last rank for which there may be a place, or `None` if all places are taken.
    pub(super) fn free(&self) -> Option<Rank> {
        if self.0.len() >= ALL {
            None
        } else if self.count(|place| place.rank != Rank::Warning) >= REQUESTED {
            Some(Rank::Warning)
        } else if self.count(|place| place.rank == Rank::Confirmation) >= CONFIRMATIONS {
            Some(Rank::Reset)
        } else {
            Some(Rank::Confirmation)
        }
    }

    /// Returns whether this message may be sent as well.
    pub(super) fn has_room_for(&self, job: &MailJob) -> bool {
        let rank = job.kind.rank();
        if self.free().is_none_or(|free| rank > free) {
            return false;
        }
        let of_client = match rank {
            Rank::Warning => return true,
            Rank::Reset => RESETS_OF_CLIENT,
            Rank::Confirmation => CONFIRMATIONS_OF_CLIENT,
        };
        let domain = domain(&job.address);
        self.count(|place| place.rank == rank && place.whose == job.whose()) < of_client
            && self.count(|place| place.rank != Rank::Warning && place.domain == domain) < TO_DOMAIN
    }

    /// Takes a place for a message.
    pub(super) fn take(&mut self, id: Id, job: &MailJob) {
        let place = Place { rank: job.kind.rank(), whose: job.whose().to_owned(), domain: domain(&job.address) };
        self.0.insert(id, place);
    }

    /// Gives the place of a message back.
    pub(super) fn leave(&mut self, id: &Id) {
        self.0.remove(id);
    }

    fn count(&self, is_counted: impl Fn(&Place) -> bool) -> usize {
        self.0.values().filter(|place| is_counted(place)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::JobKind::{self, ConfirmEmail, NewDevice, ResetPassword};
    use super::*;

    /// Takes places for messages until there is no room for the next one. Returns how many.
    fn fill(places: &mut Places<usize>, kind: JobKind, source: &dyn Fn(usize) -> String, domain: &str) -> usize {
        let mut taken = 0;
        loop {
            let mut job = MailJob::sample(kind);
            (job.source, job.address) = (source(taken), format!("someone@{domain}"));
            if !places.has_room_for(&job) {
                return taken;
            }
            places.take(places.0.len(), &job);
            taken += 1;
        }
    }

    #[test]
    fn l3_messages_that_hang_leave_places_for_others() {
        let mut places = Places::default();
        assert_eq!(fill(&mut places, ConfirmEmail, &|_| "192.0.2.1".to_owned(), "a.example"), 1);
        let many = |number: usize| format!("198.51.100.{number}");
        assert_eq!(fill(&mut places, ConfirmEmail, &many, "a.example"), TO_DOMAIN - 1);
        // Many clients with many domains. They leave places for reset links and for warnings.
        let mut taken = TO_DOMAIN;
        for number in 0..100 {
            let source = |_| format!("203.0.113.{number}");
            taken += fill(&mut places, ConfirmEmail, &source, &format!("{number}.example"));
        }
        assert_eq!(taken, CONFIRMATIONS);
        assert_eq!(places.free(), Some(Rank::Reset));
        let mut resets = 0;
        for number in 0..100 {
            resets += fill(&mut places, ResetPassword, &|_| "192.0.2.7".to_owned(), &format!("reset{number}.example"));
        }
        assert_eq!(resets, RESETS_OF_CLIENT);
        assert_eq!(fill(&mut places, ResetPassword, &|_| "192.0.2.8".to_owned(), "else.example"), 1);
        assert_eq!(places.free(), Some(Rank::Warning));
        assert_eq!(fill(&mut places, NewDevice, &|_| String::new(), "a.example"), ALL - REQUESTED);
        assert_eq!(places.free(), None);
        places.leave(&0);
        assert_eq!(places.free(), Some(Rank::Confirmation));
    }
}
