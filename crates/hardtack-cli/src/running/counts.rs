//! The numbers that Redis returns to the servers. Every few seconds, each server increments a shared number in Redis,
//! and Redis returns the new number.

use std::fmt::Write as _;

/// If Redis crashes, it can lose the changes that were made in the last few seconds. A loss of at most this many
/// seconds is ignored. With `appendfsync everysec`, Redis loses at most two seconds. The other three seconds allow for
/// slow replies from Redis and from the database.
const CRASH_LOSS: i64 = 5;

/// The newest number that Redis returned, the numbers from the few seconds before it, and one older number. Each number
/// is stored with the time at which Redis returned it. The time comes from the database's clock, in seconds since 1970.
/// The numbers are in ascending order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts(Vec<(i64, u64)>);

impl Counts {
    /// Parses the numbers in a row's value. Skips entries that it cannot parse.
    pub(super) fn parse(text: &str) -> Self {
        let numbers = text.split(' ').filter_map(|entry| {
            let (number, time) = entry.split_once('@')?;
            Some((time.parse().ok()?, number.parse().ok()?))
        });
        Self(numbers.collect())
    }

    /// Returns the numbers in the form in which they are stored in a row: `NUMBER@TIME` for each number, separated by
    /// spaces.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for (time, number) in &self.0 {
            let space = if text.is_empty() { "" } else { " " };
            let _ = write!(text, "{space}{number}@{time}");
        }
        text
    }

    /// Returns whether Redis has gone back to an older state. `count` is the number that Redis has just returned.
    ///
    /// Redis had already returned the numbers in this list, so `count` should be higher than all of them. After a
    /// crash, `count` can be lower, but it must still be higher than the older number in the list, which Redis returned
    /// more than [`CRASH_LOSS`] seconds before the newest number.
    pub(super) fn show_loss(&self, count: u64) -> bool {
        let crash_loss = self.before_crash_loss();
        crash_loss.and_then(|position| self.0.get(position)).is_some_and(|(_, number)| count <= *number)
    }

    /// Returns the list to store after Redis has gone back to an older state. `count` is the number that Redis returned
    /// at `time`.
    ///
    /// If Redis immediately goes back again, even to the same state, it returns `count` again or a lower number. The
    /// list therefore also contains `count` as the older number.
    pub(super) fn after_loss(time: i64, count: u64) -> Self {
        Self(vec![(time - CRASH_LOSS - 1, count), (time, count)])
    }

    /// Adds a number that Redis returned at `time`, and removes the numbers that are no longer needed.
    pub(super) fn add(&mut self, time: i64, count: u64) {
        // If Redis has lost these numbers in a crash, it will return them again.
        self.0.retain(|(_, number)| *number < count);
        match self.0.last_mut() {
            // This keeps the list short even if a server restarts constantly.
            Some(last) if last.0 == time => last.1 = count,
            _ => self.0.push((time, count)),
        }
        if let Some(position) = self.before_crash_loss() {
            self.0.drain(..position);
        }
    }

    /// Returns the position of the last number that Redis returned more than [`CRASH_LOSS`] seconds before the newest
    /// number.
    fn before_crash_loss(&self) -> Option<usize> {
        let (newest, _) = self.0.last()?;
        self.0.iter().rposition(|(time, _)| *time < newest - CRASH_LOSS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(added: &[(i64, u64)]) -> Counts {
        let mut counts = Counts::default();
        for (time, count) in added {
            counts.add(*time, *count);
        }
        counts
    }

    #[test]
    fn a_crash_that_loses_a_few_seconds_is_no_loss() {
        let counts = counts(&[(100, 7), (110, 8), (120, 9)]);
        // Redis has lost nothing, or only the newest number.
        assert!(!counts.show_loss(10) && !counts.show_loss(9));
        // The number 8 was ten seconds old when Redis returned the number 9.
        assert!(counts.show_loss(8) && counts.show_loss(1));
        assert!(!Counts::default().show_loss(1));
    }

    #[test]
    fn the_number_of_servers_and_restarts_does_not_matter() {
        // Ten servers have counted within the last five seconds. Redis might have lost all of these numbers.
        let mut many = counts(&[(100, 50)]);
        for (time, count) in (51..=60).enumerate() {
            many.add(105 + time as i64 / 2, count);
        }
        assert!(!many.show_loss(51) && many.show_loss(50), "{many:?}");
        // A server is restarted every second, for twenty seconds.
        let loop_of_crashes: Vec<_> = (0..=20).map(|second| (100 + second, 50 + second as u64)).collect();
        let counts = counts(&loop_of_crashes);
        assert!(!counts.show_loss(65) && counts.show_loss(64), "{counts:?}");
        assert!(counts.0.len() <= 7, "{counts:?}");
    }

    #[test]
    fn numbers_that_were_lost_in_a_crash_are_counted_again() {
        let mut counts = counts(&[(100, 7), (110, 8), (112, 9), (113, 10)]);
        assert!(!counts.show_loss(8));
        counts.add(115, 8);
        assert_eq!(counts, Counts(vec![(100, 7), (115, 8)]));
        assert!(!counts.show_loss(9) && counts.show_loss(7));
    }

    #[test]
    fn a_second_loss_soon_after_the_first_is_noticed() {
        let mut counts = Counts::after_loss(100, 8);
        assert!(counts.show_loss(8) && counts.show_loss(7) && !counts.show_loss(9));
        counts.add(101, 9);
        assert!(counts.show_loss(8) && !counts.show_loss(9), "{counts:?}");
        assert_eq!(Counts::parse(&counts.to_text()), counts);
    }

    #[test]
    fn a_clock_that_jumps_hides_a_loss_only_for_a_moment() {
        let mut counts = counts(&[(5000, 7), (5010, 8)]);
        // The database's clock is set back.
        counts.add(100, 9);
        assert!(!counts.show_loss(8));
        counts.add(110, 10);
        assert!(counts.show_loss(9) && !counts.show_loss(10));
        assert_eq!(counts.0.len(), 2);
    }

    #[test]
    fn counts_are_written_and_read() {
        let counts = counts(&[(100, 7), (110, 8), (112, 9)]);
        assert_eq!(counts.to_text(), "7@100 8@110 9@112");
        assert_eq!(Counts::parse(&counts.to_text()), counts);
        assert_eq!(Counts::parse(""), Counts::default());
        assert_eq!(Counts::parse("12"), Counts::default());
    }
}
