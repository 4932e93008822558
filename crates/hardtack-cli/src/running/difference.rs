//! Detects that another server keeps its sessions in a different place than this server, if the difference lasts.

use super::place::Place;

/// If two servers keep their sessions in different places for this many renewals, that is an error. If Redis loses its
/// data, each server notices Redis's new id at its own next renewal, so the servers differ for about one renewal.
const LASTING: u32 = 2;

/// The place where another server keeps its sessions, if it differs from where this server keeps them.
#[derive(Debug, Default)]
pub(super) struct Difference {
    other: Option<Place>,
    /// How many renewals the difference has lasted.
    renewals: u32,
}

impl Difference {
    /// Call this method at each renewal. `other` is the place where another server keeps its sessions, or `None` if no
    /// other server uses a different place than this one. Returns `other` only once, when the difference has lasted for
    /// [`LASTING`] renewals.
    pub(super) fn lasting(&mut self, other: Option<Place>) -> Option<&Place> {
        let is_same = self.other.as_ref().zip(other.as_ref()).is_some_and(|(known, other)| known.is_same_store(other));
        self.renewals = if is_same { self.renewals.saturating_add(1) } else { 0 };
        self.other = other;
        self.other.as_ref().filter(|_| self.renewals == LASTING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_that_lasts_is_reported_once() {
        let redis = || Some(Place::Redis { id: "1".into(), address: "a".into() });
        let mut difference = Difference::default();
        assert_eq!(difference.lasting(redis()), None);
        assert_eq!(difference.lasting(redis()), None);
        assert_eq!(difference.lasting(redis()), redis().as_ref());
        assert_eq!(difference.lasting(redis()), None);
        // The count starts over if the place changes, or if the difference disappears and comes back.
        assert_eq!(difference.lasting(Some(Place::Database)), None);
        assert_eq!(difference.lasting(Some(Place::Database)), None);
        assert_eq!(difference.lasting(None), None);
        assert_eq!(difference.lasting(Some(Place::Database)), None);
        assert_eq!(difference.lasting(Some(Place::Database)), None);
        assert_eq!(difference.lasting(Some(Place::Database)), Some(&Place::Database));
    }
}
