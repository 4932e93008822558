//! A bit for each of many sessions: whether anything may be noted of any of them.

use super::sync::{AtomicU64, MARK_WORDS, Ordering};
use crate::session::SessionId;

/// Tells at a glance of most sessions that nothing is noted of them. Of another one the map knows: sessions share
/// bits, by the low end of their ids, which are random.
///
/// Whoever sees a note's mark missing sees what was before the note. A mark stays as long as its note does.
#[derive(Debug)]
pub(super) struct RevocationFilter(Box<[AtomicU64]>);

impl Default for RevocationFilter {
    fn default() -> Self {
        Self((0..MARK_WORDS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl RevocationFilter {
    /// How many there can be.
    pub(super) const ALL: usize = MARK_WORDS * 64;

    #[inline]
    pub(super) fn has(&self, id: SessionId) -> bool {
        let (word, bit) = place(id);
        self.0.get(word).is_some_and(|word| word.load(Ordering::Acquire) & bit != 0)
    }

    /// Sets a session's mark; says whether it is a new one.
    pub(super) fn set(&self, id: SessionId) -> bool {
        let (word, bit) = place(id);
        self.0.get(word).is_some_and(|word| word.fetch_or(bit, Ordering::AcqRel) & bit == 0)
    }

    /// Puts others in the place of all marks. Nobody may set one meanwhile; those that are in both never go.
    pub(super) fn replace(&self, others: &FilterDraft) -> usize {
        self.0.iter().zip(&others.0).for_each(|(word, other)| word.store(*other, Ordering::Release));
        others.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// RevocationFilter that nobody sees yet.
pub(super) struct FilterDraft(Vec<u64>);

impl Default for FilterDraft {
    fn default() -> Self {
        Self(vec![0; MARK_WORDS])
    }
}

impl FilterDraft {
    pub(super) fn set(&mut self, id: SessionId) {
        let (word, bit) = place(id);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }
}

/// The word that a session's mark is in, and its bit there.
#[inline]
fn place(id: SessionId) -> (usize, u64) {
    // Only the lowest bits count.
    let low = id.as_u128() as usize;
    (low / 64 % MARK_WORDS, 1 << (low % 64))
}
