//! Reads the store's revocation log, and notices missing entries.

use crate::session::RevocationPage;

/// What to do after reading a page of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogStep {
    /// Read the next page.
    Continue,
    /// Stop, because all entries have been read.
    Done,
    /// Some entries were missed, so the log must be read again from the beginning.
    Restart,
    /// The store has lost the newest entries, so the log must be read again from the beginning.
    WentBack,
}

/// Reads the log once, page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogReader {
    position: u64,
    /// The number of the newest entry, according to the previous page. If the next page is empty before the reader has
    /// reached this number, the remaining entries up to this number were pruned.
    head: u64,
    /// Whether the reader started at the beginning of the log. If it did, any missing entries were pruned. If it did
    /// not, missing entries might have been pruned before the reader saw them.
    whole: bool,
}

impl LogReader {
    /// Creates a reader that starts after the entry with the number `position`. If `position` is zero, the reader
    /// starts at the beginning of the log.
    pub(crate) fn after(position: u64) -> Self {
        Self { position, head: position, whole: position == 0 }
    }

    /// Returns the number of the entry after which to read the next page.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Returns whether this reader is allowed to stop before the end of the log. A reader can stop early only if it is
    /// certain to have seen every entry up to its position. A reader that started at the beginning cannot be certain,
    /// because it assumes that missing entries were pruned.
    pub(crate) fn may_stop(&self) -> bool {
        !self.whole
    }

    /// Processes a page of at most `limit` entries that were read after [`Self::position`]. Returns what to do next.
    pub(crate) fn take_page(&mut self, page: &RevocationPage, limit: u32) -> LogStep {
        // If the head decreases, the store has lost entries.
        if page.head < self.head {
            self.restart();
            return LogStep::WentBack;
        }
        let known = std::mem::replace(&mut self.head, page.head);
        for entry in &page.entries {
            if !self.whole && entry.sequence != self.position + 1 {
                return self.restart();
            }
            self.position = self.position.max(entry.sequence);
        }
        if page.entries.is_empty() && self.position < known {
            // According to the previous page's head, there were more entries. They are missing now, so they must have
            // been pruned.
            if !self.whole {
                return self.restart();
            }
            self.position = known;
        }
        // A store might read its head after its entries. If entries were written in between, they are on the next page.
        if page.entries.len() < limit as usize && page.head <= self.position {
            LogStep::Done
        } else {
            LogStep::Continue
        }
    }

    fn restart(&mut self) -> LogStep {
        *self = Self::after(0);
        LogStep::Restart
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::revocation::LogPosition;
    use crate::session::{Revocation, RevocationKind, SessionId};
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn page(head: u64, sequences: &[u64]) -> RevocationPage {
        let kind = RevocationKind::Ended;
        let entry = |sequence: &u64| Revocation { sequence: *sequence, session: SessionId::random(), at: NOW, kind };
        RevocationPage::new(head, sequences.iter().map(entry).collect())
    }

    /// Passes pages of at most two entries to a reader that starts after `position`. Returns the reader's steps and its
    /// final position.
    fn read(position: u64, pages: &[(u64, &[u64])]) -> (Vec<LogStep>, u64) {
        let mut reader = LogReader::after(position);
        let steps = pages.iter().map(|(head, sequences)| reader.take_page(&page(*head, sequences), 2)).collect();
        (steps, reader.position())
    }

    #[test]
    fn a_log_without_gaps_is_read_to_its_head() {
        assert_eq!(read(0, &[(0, &[])]), (vec![LogStep::Done], 0));
        assert_eq!(read(0, &[(3, &[1, 2]), (3, &[3])]), (vec![LogStep::Continue, LogStep::Done], 3));
        assert_eq!(read(3, &[(3, &[])]), (vec![LogStep::Done], 3));
        assert_eq!(read(3, &[(5, &[4, 5]), (5, &[])]), (vec![LogStep::Continue, LogStep::Done], 5));
    }

    #[test]
    fn a_head_that_was_read_later_is_not_a_gap() {
        assert_eq!(read(3, &[(4, &[]), (4, &[4])]), (vec![LogStep::Continue, LogStep::Done], 4));
        assert_eq!(
            read(0, &[(1, &[]), (2, &[1]), (2, &[2])]),
            (vec![LogStep::Continue, LogStep::Continue, LogStep::Done], 2)
        );
    }

    #[test]
    fn after_a_gap_the_log_is_read_from_the_beginning() {
        assert_eq!(read(3, &[(6, &[5, 6])]), (vec![LogStep::Restart], 0));
        assert_eq!(read(3, &[(6, &[4, 6])]), (vec![LogStep::Restart], 0));
        // All entries after the position have been pruned.
        assert_eq!(read(3, &[(6, &[]), (6, &[])]), (vec![LogStep::Continue, LogStep::Restart], 0));
    }

    #[test]
    fn after_the_store_lost_entries_the_log_is_read_from_the_beginning() {
        assert_eq!(read(9, &[(6, &[])]), (vec![LogStep::WentBack], 0));
        assert_eq!(read(2, &[(9, &[3, 4]), (4, &[])]), (vec![LogStep::Continue, LogStep::WentBack], 0));
    }

    #[test]
    fn pruned_entries_are_not_a_gap_to_a_reader_from_the_beginning() {
        assert_eq!(read(0, &[(9, &[6, 7]), (9, &[9])]), (vec![LogStep::Continue, LogStep::Done], 9));
        assert_eq!(read(0, &[(9, &[]), (9, &[])]), (vec![LogStep::Continue, LogStep::Done], 9));
        // The head has increased, but the new entry was not on the page yet.
        assert_eq!(
            read(0, &[(9, &[]), (10, &[]), (10, &[10])]),
            (vec![LogStep::Continue, LogStep::Continue, LogStep::Done], 10)
        );
    }

    #[test]
    fn a_cache_is_current_only_within_the_bound() {
        let log = LogPosition::default();
        let bound = Duration::from_secs(3);
        assert!(!log.is_current(NOW, bound));
        log.synced(NOW);
        assert!(log.is_current(NOW, bound));
        assert!(log.is_current(NOW + Duration::from_secs(2), bound));
        assert!(!log.is_current(NOW + Duration::from_secs(3), bound));
        assert!(!log.is_current(NOW - Duration::from_secs(1), bound));
        log.lost();
        assert!(!log.is_current(NOW, bound));
    }
}
