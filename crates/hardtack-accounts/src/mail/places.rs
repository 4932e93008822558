//! Decides which messages may be sent at the same time.
//!
//! Some mailboxes are slow, and some of these are slow on purpose. For this reason, each rank of messages has its own
//! places: a message takes one while it is being sent. Messages that hang therefore never delay a message of another
//! rank. Within a rank, one client, user or domain can use only a few places.
//!
//! If sending a message takes longer than [`SLOW`], the message frees its place for another message, but the server
//! keeps trying to send it. A message that hangs therefore delays other messages from the same client, or to the same
//! domain, by only a few seconds.
//!
//! If more than [`SLOW_PLACES`] messages are slow, the server gives up on some of them. It finds the client that has
//! the most slow messages, gives up on that client's oldest slow message, and repeats this until few enough are left.
//! It sends the abandoned messages again later.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::job::{MailJob, Rank};
use super::mailbox::domain;

/// A message that takes longer than this to send is considered slow.
const SLOW: Duration = Duration::from_secs(5);

/// The maximum number of slow messages that are sent at once. They do not count toward the limits for other messages.
const SLOW_PLACES: usize = 20;

/// The maximum number of messages of one rank that are sent at once to one domain.
const TO_DOMAIN: usize = 4;

/// Returns the maximum number of messages of a rank that are sent at once.
const fn places(rank: Rank) -> usize {
    match rank {
        Rank::Warning => 8,
        Rank::Reset => 6,
        // Anyone can enter an address, so a confirmation is more likely to go to a mail server that hangs. Therefore,
        // more confirmations than other messages can be sent at once.
        Rank::Confirmation => 16,
    }
}

/// Returns the maximum number of messages of a rank that are sent at once for one client. For warnings, this is the
/// maximum for one user (see [`MailJob::whose`]).
const fn places_of_one(rank: Rank) -> usize {
    match rank {
        Rank::Warning | Rank::Reset => 3,
        Rank::Confirmation => 1,
    }
}

/// If one client triggers warnings to many users, at most this many of those warnings are sent at once. The remaining
/// places stay free for warnings that other clients trigger.
const WARNINGS_OF_CLIENT: usize = 6;

/// The messages that are being sent. `Id` is the type that identifies a message.
#[derive(Debug)]
pub(super) struct Places<Id>(HashMap<Id, Place>);

#[derive(Debug)]
struct Place {
    rank: Rank,
    /// The client or user for whom the message is sent (see [`MailJob::whose`]).
    whose: String,
    /// The client that caused the message. Empty if no client caused it.
    source: String,
    domain: String,
    since: Instant,
    state: PlaceState,
    /// Tells the task that is sending the message to give up.
    give_up: Arc<Notify>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlaceState {
    /// The message counts toward all limits.
    Taken,
    /// Sending the message has taken longer than [`SLOW`]. The message counts only toward [`SLOW_PLACES`].
    Slow,
    /// The task that is sending the message has been told to give up.
    GivenUp,
}

impl<Id> Default for Places<Id> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<Id: Eq + Hash> Places<Id> {
    /// Returns the least urgent rank that has a free place, or `None` if all places are taken.
    pub(super) fn free(&self) -> Option<Rank> {
        [Rank::Confirmation, Rank::Reset, Rank::Warning].into_iter().find(|rank| self.has_place_for(*rank))
    }

    /// Returns whether this message can be sent now, in addition to the messages that are already being sent.
    pub(super) fn has_room_for(&self, job: &MailJob) -> bool {
        let rank = job.kind.rank();
        let domain = domain(&job.address);
        let of_one = |place: &Place| place.rank == rank && place.whose == job.whose();
        let to_domain = |place: &Place| place.rank == rank && place.domain == domain;
        let warnings = |place: &Place| place.rank == Rank::Warning && place.source == job.source;
        self.has_place_for(rank)
            && self.count(of_one) < places_of_one(rank)
            && self.count(to_domain) < TO_DOMAIN
            && (rank != Rank::Warning || job.source.is_empty() || self.count(warnings) < WARNINGS_OF_CLIENT)
    }

    /// Takes a place for a message. `give_up` is notified if the attempt to send the message must be abandoned.
    pub(super) fn take(&mut self, id: Id, job: &MailJob, now: Instant, give_up: Arc<Notify>) {
        let place = Place {
            rank: job.kind.rank(),
            whose: job.whose().to_owned(),
            source: job.source.clone(),
            domain: domain(&job.address),
            since: now,
            state: PlaceState::Taken,
            give_up,
        };
        self.0.insert(id, place);
    }

    /// Frees the places that slow messages have taken. If too many messages are slow, gives up on some of them.
    pub(super) fn free_slow(&mut self, now: Instant) {
        for place in self.0.values_mut() {
            if place.state == PlaceState::Taken && now.saturating_duration_since(place.since) >= SLOW {
                place.state = PlaceState::Slow;
            }
        }
        let slow = |places: &HashMap<Id, Place>, source: Option<&str>| {
            let is_counted =
                |place: &&Place| place.state == PlaceState::Slow && source.is_none_or(|source| place.source == source);
            places.values().filter(is_counted).count()
        };
        while slow(&self.0, None) > SLOW_PLACES {
            let most = self.0.values().filter(|place| place.state == PlaceState::Slow);
            let Some(source) = most.max_by_key(|place| slow(&self.0, Some(&place.source))) else { return };
            let source = source.source.clone();
            let of_source =
                self.0.values_mut().filter(|place| place.state == PlaceState::Slow && place.source == source);
            let Some(oldest) = of_source.min_by_key(|place| place.since) else { return };
            oldest.state = PlaceState::GivenUp;
            oldest.give_up.notify_one();
        }
    }

    /// Frees a message's place.
    pub(super) fn leave(&mut self, id: &Id) {
        self.0.remove(id);
    }

    fn has_place_for(&self, rank: Rank) -> bool {
        self.count(|place| place.rank == rank) < places(rank)
    }

    fn count(&self, is_counted: impl Fn(&Place) -> bool) -> usize {
        self.0.values().filter(|place| place.state == PlaceState::Taken && is_counted(place)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::JobKind::{self, ConfirmEmail, NewDevice, ResetPassword};
    use super::*;

    /// Takes as many places as possible for this client's messages to this domain. Also uses the domain as the user's
    /// id. Returns the number of places that were taken.
    fn fill(places: &mut Places<usize>, kind: JobKind, client: &str, domain: &str) -> usize {
        let mut job = MailJob::sample(kind);
        (job.source, job.user_id, job.address) = (client.to_owned(), domain.to_owned(), format!("someone@{domain}"));
        let mut taken = 0;
        while places.has_room_for(&job) {
            places.take(places.0.len(), &job, Instant::now(), Arc::default());
            taken += 1;
        }
        taken
    }

    #[test]
    fn l3_messages_that_hang_leave_places_for_others() {
        for (kind, of_client, next) in [(ConfirmEmail, 1, Rank::Reset), (ResetPassword, 3, Rank::Confirmation)] {
            let mut places = Places::default();
            assert_eq!(fill(&mut places, kind, "192.0.2.1", "a.example"), of_client);
            // Many clients, one domain.
            let others = (0..10).map(|number| fill(&mut places, kind, &format!("198.51.100.{number}"), "a.example"));
            assert_eq!(of_client + others.sum::<usize>(), TO_DOMAIN);
            // Many clients and domains.
            for number in 0..100 {
                fill(&mut places, kind, &format!("203.0.113.{number}"), &format!("{number}.example"));
            }
            assert_eq!(places.0.len(), super::places(kind.rank()));
            assert_eq!(places.free(), Some(next));
            for other in [ConfirmEmail, ResetPassword, NewDevice].into_iter().filter(|other| *other != kind) {
                assert!(fill(&mut places, other, "192.0.2.1", "a.example") > 0, "{other:?}");
            }
            places.leave(&0);
            assert_eq!(fill(&mut places, kind, "192.0.2.9", "b.example"), 1);
        }
    }

    #[test]
    fn l3_warnings_that_one_client_causes_to_several_users_leave_places_for_others() {
        let mut places = Places::default();
        let mut caused_by = |client, domain| fill(&mut places, NewDevice, client, domain);
        assert_eq!(caused_by("192.0.2.1", "a.example"), 3);
        assert_eq!(caused_by("192.0.2.1", "b.example"), 3);
        assert_eq!(caused_by("192.0.2.1", "c.example"), 0);
        assert_eq!(caused_by("198.51.100.1", "a.example"), 0, "no client makes it more for one user");
        assert_eq!(caused_by("198.51.100.1", "c.example"), 2);
    }

    #[test]
    fn l3_s77_messages_that_hang_delay_others_of_the_same_client_for_seconds() {
        let (mut places, mut now) = (Places::default(), Instant::now());
        // A thief has accounts at many domains.
        for round in 0..20 {
            for number in 0..3 {
                fill(&mut places, NewDevice, "192.0.2.1", &format!("{round}.{number}.example"));
            }
            assert_eq!(fill(&mut places, NewDevice, "192.0.2.1", "owner.example"), 0, "round {round}");
            now += SLOW + Duration::from_secs(1);
            places.free_slow(now);
            assert!(places.has_room_for(&MailJob::sample(NewDevice)), "round {round}");
        }
        let in_state = |state| places.0.values().filter(|place| place.state == state).count();
        assert_eq!((in_state(PlaceState::Slow), in_state(PlaceState::Taken)), (SLOW_PLACES, 0));
        assert_eq!(in_state(PlaceState::GivenUp), places.0.len() - SLOW_PLACES);
    }

    #[test]
    fn all_places_can_be_taken() {
        let mut places = Places::default();
        for kind in [ConfirmEmail, ResetPassword, NewDevice] {
            for number in 0..100 {
                fill(&mut places, kind, &number.to_string(), &format!("{number}.example"));
            }
        }
        assert_eq!((places.0.len(), places.free()), (30, None));
    }
}
