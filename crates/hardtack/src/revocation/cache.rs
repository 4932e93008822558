//! The sessions that have just ended, or whose claims have just changed, known to this process without asking
//! a store.

use std::sync::PoisonError;

use foldhash::quality::RandomState;

use super::filter::{FilterDraft, RevocationFilter};
use super::status::{Notes, SessionStatus};
use super::sync::{HashMap, Mutex, MutexGuard};
use crate::clock::Timestamp;
use crate::session::SessionId;

/// An entry lives as long as an access token of the session could: then the token's own expiry
/// refuses it, and the entry goes. So the map stays as small as an access lifetime's log-outs.
///
/// Every request reads it and few write: readers take no lock, and writers wait for each other. Of most sessions
/// nothing is noted, and their requests only read a mark.
#[derive(Debug)]
pub(crate) struct RevocationCache {
    status: HashMap<SessionId, (SessionStatus, Timestamp), RandomState>,
    marks: RevocationFilter,
    upkeep: Mutex<Upkeep>,
}

/// When the next writer looks for what is over.
#[derive(Debug)]
struct Upkeep {
    /// Above this number of entries.
    entries: usize,
    /// Above this number of marks. A note that is taken back leaves its own.
    marks: usize,
    /// How many there are.
    marked: usize,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { entries: MIN_ENTRIES, marks: MIN_MARKS, marked: 0 }
    }
}

/// Fewer entries than this aren't worth looking through.
const MIN_ENTRIES: usize = 1024;

/// With so many marks, one session in 64 of which nothing is noted has one all the same.
const MIN_MARKS: usize = RevocationFilter::ALL / 64;

impl Default for RevocationCache {
    fn default() -> Self {
        let status = HashMap::with_hasher(RandomState::default());
        Self { status, marks: RevocationFilter::default(), upkeep: Mutex::default() }
    }
}

impl RevocationCache {
    #[inline]
    pub(crate) fn status(&self, id: SessionId) -> SessionStatus {
        if !self.marks.has(id) {
            return SessionStatus::Live(Notes::default());
        }
        self.status.pin().get(&id).map_or(SessionStatus::Live(Notes::default()), |(status, _)| *status)
    }

    /// Ends a session for this process; nothing makes it live again.
    pub(crate) fn end(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, |_| SessionStatus::Ended, until, now);
    }

    /// Ends a session whose browser holds the next one already.
    pub(crate) fn replace(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, |_| SessionStatus::Replaced, until, now);
    }

    /// Remembers that a session's claims changed when it was at this generation.
    pub(crate) fn outdate(&self, id: SessionId, generation: u64, until: Timestamp, now: Timestamp) {
        let noted = |notes: Notes| SessionStatus::Live(Notes { outdated: notes.outdated.max(generation), ..notes });
        self.note(id, noted, until, now);
    }

    /// Remembers that somebody may have ended a session, or changed its claims, and that this process was
    /// not told whether.
    pub(crate) fn mark_uncertain(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, |notes| SessionStatus::Live(Notes { uncertain: true, ..notes }), until, now);
    }

    /// Remembers that a generation was made and not yet seen.
    pub(crate) fn await_confirmation(&self, id: SessionId, generation: u64, until: Timestamp, now: Timestamp) {
        self.note(id, |notes| SessionStatus::Live(Notes { awaited: generation, ..notes }), until, now);
    }

    /// Forgets that a generation is awaited, and nothing else.
    pub(crate) fn confirmed(&self, id: SessionId, generation: u64) {
        let _writing = self.writing();
        let entries = self.status.pin();
        let Some(&(SessionStatus::Live(notes), until)) = entries.get(&id) else { return };
        if notes.awaited != generation {
            return;
        }
        let rest = Notes { awaited: 0, ..notes };
        if rest == Notes::default() {
            entries.remove(&id);
        } else {
            entries.insert(id, (SessionStatus::Live(rest), until));
        }
    }

    /// Adds to what is known of a session. One that has ended stays as it is.
    fn note(&self, id: SessionId, noted: impl Fn(Notes) -> SessionStatus, until: Timestamp, now: Timestamp) {
        let mut upkeep = self.writing();
        upkeep.marked += usize::from(self.marks.set(id));
        let entries = self.status.pin();
        entries.update_or_insert(
            id,
            |(old, old_until)| {
                let status = match old {
                    SessionStatus::Live(notes) => noted(*notes),
                    ended => *ended,
                };
                (status, until.max(*old_until))
            },
            (noted(Notes::default()), until),
        );
        if entries.len() > upkeep.entries || upkeep.marked > upkeep.marks {
            let mut marks = FilterDraft::default();
            entries.retain(|id, (_, until)| {
                let stays = *until > now;
                if stays {
                    marks.set(*id);
                }
                stays
            });
            let marked = self.marks.replace(&marks);
            *upkeep =
                Upkeep { entries: (entries.len() * 2).max(MIN_ENTRIES), marks: (marked * 2).max(MIN_MARKS), marked };
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.status.len()
    }

    #[cfg(test)]
    pub(super) fn marked(&self) -> usize {
        self.writing().marked
    }

    fn writing(&self) -> MutexGuard<'_, Upkeep> {
        self.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
