//! Sessions that have ended recently, or whose claims have changed recently, known to this process without asking the
//! store.

use std::sync::PoisonError;

use foldhash::quality::RandomState;

use super::filter::{FilterDraft, RevocationFilter};
use super::status::{Notes, SessionStatus};
use super::sync::{HashMap, Mutex, MutexGuard};
use crate::clock::Timestamp;
use crate::session::SessionId;

/// A map of recent revocations. An entry lives as long as the session's access tokens could be valid: after that,
/// they are refused because they have expired. So the map stays as small as the log-outs within one access lifetime.
///
/// Every request reads it, and few write to it: readers take no lock, and writers wait for each other (decision 12).
/// For most sessions there is no entry, and their requests read one bit of the filter.
#[derive(Debug)]
pub(crate) struct RevocationCache {
    status: HashMap<SessionId, (SessionStatus, Timestamp), RandomState>,
    marks: RevocationFilter,
    upkeep: Mutex<Upkeep>,
}

/// When a writer removes expired entries next.
#[derive(Debug)]
struct Upkeep {
    /// When there are more entries than this.
    entries: usize,
    /// When more bits are set than this. The bit of an entry that is removed early stays set.
    marks: usize,
    /// How many bits are set.
    marked: usize,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { entries: MIN_ENTRIES, marks: MIN_MARKS, marked: 0 }
    }
}

/// Fewer entries than this are not worth a sweep.
const MIN_ENTRIES: usize = 1024;

/// With this many bits set, one in 64 sessions without an entry is looked up in the map.
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

    /// Notes that a session has ended. Nothing makes it live again.
    pub(crate) fn end(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, |_| SessionStatus::Ended, until, now);
    }

    /// Notes that a session was replaced by a new session of the same browser.
    pub(crate) fn replace(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, |_| SessionStatus::Replaced, until, now);
    }

    /// Notes that the claims of a session changed at this generation.
    pub(crate) fn outdate(&self, id: SessionId, generation: u64, until: Timestamp, now: Timestamp) {
        let noted = |notes: Notes| SessionStatus::Live(Notes { outdated: notes.outdated.max(generation), ..notes });
        self.note(id, noted, until, now);
    }

    /// Notes that a write which ends a session or changes its claims has an unknown outcome.
    pub(crate) fn mark_uncertain(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, |notes| SessionStatus::Live(Notes { uncertain: true, ..notes }), until, now);
    }

    /// Notes that a generation was issued and not used yet.
    pub(crate) fn await_confirmation(&self, id: SessionId, generation: u64, until: Timestamp, now: Timestamp) {
        self.note(id, |notes| SessionStatus::Live(Notes { awaited: generation, ..notes }), until, now);
    }

    /// Notes that an awaited generation was used.
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

    /// Changes the entry of a session. An ended session stays ended.
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
