//! The role of each key in the data folder at a given time: the key signs and verifies tokens, only verifies tokens, or
//! is no longer used.

use std::time::Duration;

use hardtack::clock::{MAX_SKEW, Timestamp};

/// The time after which every server that uses the folder has read a new key. Servers look for new keys every
/// [`WATCH_INTERVAL`](super::watch::WATCH_INTERVAL).
const READ_BY_ALL: Duration = Duration::from_secs(12);

/// Returns how long a new key only verifies tokens, before it also signs them. During this time, every server that uses
/// the folder reads the key. The servers' clocks can differ by `clock_skew`, so a server whose clock is ahead would
/// otherwise sign with the key before the other servers have read it.
pub(crate) fn overlap(clock_skew: Duration) -> Duration {
    READ_BY_ALL + clock_skew.min(MAX_SKEW)
}

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The key verifies tokens. Once the [`overlap`] has passed, it also signs them.
    Published,
    /// The key signs and verifies tokens.
    Signs,
    /// The key no longer signs tokens. It verifies tokens until the last token that it signed has expired.
    Retired,
    /// All tokens that the key signed have expired, so the key is no longer used.
    Dead,
}

/// What determines the keys' roles, besides their creation times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// How long a new key only verifies tokens.
    pub(crate) overlap: Duration,
    /// The longest time that a token can stay valid after it is signed.
    pub(crate) longest_lifetime: Duration,
    /// When a key outside the folder began to sign the tokens. `None` if no such key signs them, or if the time is
    /// unknown.
    pub(crate) superseded_at: Option<Timestamp>,
}

impl Rules {
    /// Given the times at which the keys were created, oldest first, returns the role of each key.
    pub(crate) fn roles(&self, created_at: &[Timestamp], now: Timestamp) -> Vec<Role> {
        let signs_from = |index: usize| match index {
            // The first key can sign at any time, because there is no older key to sign in its place.
            0 => Some(Timestamp::default()),
            index => created_at.get(index).map(|created_at| *created_at + self.overlap),
        };
        let signing = (0..created_at.len()).rev().find(|index| signs_from(*index).is_some_and(|from| from <= now));
        (0..created_at.len())
            .map(|index| {
                // Find when a newer key or a key outside the folder began to sign. Check all newer keys, not only the
                // next one: if a wrong clock dated the next key in the future, that key does not sign yet, but a later
                // key might.
                let successors = (index + 1..created_at.len()).filter_map(signs_from);
                let replaced_at = match (successors.filter(|from| *from <= now).min(), self.superseded_at) {
                    (Some(successor), Some(other)) => Some(successor.min(other)),
                    (one, other) => one.or(other),
                };
                // Other servers may have a longer overlap, and may have signed with this key for longer.
                let longest_overlap = overlap(MAX_SKEW).saturating_sub(self.overlap);
                let longest_use = self.longest_lifetime.saturating_add(longest_overlap);
                match replaced_at {
                    Some(replaced_at) if now.since(replaced_at) > longest_use => Role::Dead,
                    Some(_) => Role::Retired,
                    None if Some(index) == signing => Role::Signs,
                    None => Role::Published,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Role::{Dead, Published, Retired, Signs};
    use super::*;

    fn roles(created_at: &[i64], superseded_at: Option<i64>, now: i64) -> Vec<Role> {
        let at = Timestamp::from_unix_seconds;
        let rules = Rules {
            overlap: Duration::from_secs(15),
            longest_lifetime: Duration::from_secs(100),
            superseded_at: superseded_at.map(at),
        };
        rules.roles(&created_at.iter().copied().map(at).collect::<Vec<_>>(), at(now))
    }

    #[test]
    fn k02_a_new_key_is_published_before_it_signs_and_an_old_one_dies_with_its_tokens() {
        assert_eq!(roles(&[1000], None, 1000), [Signs]);
        assert_eq!(roles(&[1000, 2000], None, 2000), [Signs, Published]);
        assert_eq!(roles(&[1000, 2000], None, 2014), [Signs, Published]);
        assert_eq!(roles(&[1000, 2000], None, 2015), [Retired, Signs]);
        // Servers with the longest overlap sign with the first key until 2072.
        assert_eq!(roles(&[1000, 2000], None, 2172), [Retired, Signs]);
        assert_eq!(roles(&[1000, 2000], None, 2173), [Dead, Signs]);
        assert_eq!(roles(&[1000, 2000, 2050], None, 2173), [Dead, Retired, Signs]);
        assert_eq!(roles(&[1000, 2000, 2001], None, 2002), [Signs, Published, Published]);
    }

    #[test]
    fn a_clock_that_is_behind_finds_a_key_that_signs() {
        assert_eq!(roles(&[1000], None, 10), [Signs]);
        assert_eq!(roles(&[1000, 2000], None, 10), [Signs, Published]);
        assert_eq!(roles(&[], None, 10), []);
    }

    #[test]
    fn s23_a_key_that_was_created_by_a_clock_ahead_keeps_no_key_alive() {
        assert_eq!(roles(&[1000, 9000], None, 2000), [Signs, Published]);
        assert_eq!(roles(&[1000, 9000, 2000], None, 2015), [Retired, Retired, Signs]);
        assert_eq!(roles(&[1000, 9000, 2000], None, 2173), [Dead, Dead, Signs]);
    }

    #[test]
    fn k02_keys_beside_a_given_one_die_too() {
        assert_eq!(roles(&[1000, 2000], Some(3000), 3000), [Dead, Retired]);
        assert_eq!(roles(&[1000, 2000], Some(3000), 3157), [Dead, Retired]);
        assert_eq!(roles(&[1000, 2000], Some(3000), 3158), [Dead, Dead]);
    }

    #[test]
    fn k02_a_new_key_is_published_for_longer_if_clocks_may_differ_by_more() {
        assert_eq!(overlap(Duration::from_secs(3)), Duration::from_secs(15));
        for skew in [0, 3, 25, 60] {
            // The server whose clock is ahead begins to sign, and the other server has read the key.
            let signs_after = overlap(Duration::from_secs(skew)) - Duration::from_secs(skew);
            assert!(signs_after > 2 * super::super::watch::WATCH_INTERVAL, "{skew}");
        }
        assert_eq!(overlap(Duration::MAX), overlap(MAX_SKEW));
    }
}
