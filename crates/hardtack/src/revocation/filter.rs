//! A filter in front of the revocation cache: one bit for many sessions.

use super::sync::{AtomicU64, MARK_WORDS, Ordering};
use crate::session::SessionId;

/// Tells for most sessions with one atomic load that the cache has no entry for them, which saves the look-up in the
/// map (decision 12). Sessions share bits by the lowest bits of their random ids; if the bit is set, the map decides.
///
/// The bit is set before its entry is written, and stays set as long as the entry is there: a cleared bit means that
/// no entry has been published yet.
#[derive(Debug)]
pub(super) struct RevocationFilter(Box<[AtomicU64]>);

impl Default for RevocationFilter {
    fn default() -> Self {
        Self((0..MARK_WORDS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl RevocationFilter {
    /// The number of bits.
    pub(super) const ALL: usize = MARK_WORDS * 64;

    #[inline]
    pub(super) fn has(&self, id: SessionId) -> bool {
        let (word, bit) = place(id);
        self.0.get(word).is_some_and(|word| word.load(Ordering::Acquire) & bit != 0)
    }

    /// Sets the bit of a session, and returns whether it was clear.
    pub(super) fn set(&self, id: SessionId) -> bool {
        let (word, bit) = place(id);
        self.0.get(word).is_some_and(|word| word.fetch_or(bit, Ordering::AcqRel) & bit == 0)
    }

    /// Replaces all bits, and returns how many are set. No other thread may set a bit meanwhile. A bit that is set
    /// before and after never appears cleared.
    pub(super) fn replace(&self, others: &FilterDraft) -> usize {
        self.0.iter().zip(&others.0).for_each(|(word, other)| word.store(*other, Ordering::Release));
        others.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// A filter that is not published yet.
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

/// The word and the bit of a session.
#[inline]
fn place(id: SessionId) -> (usize, u64) {
    // Only the lowest bits are used.
    let low = id.as_u128() as usize;
    (low / 64 % MARK_WORDS, 1 << (low % 64))
}
