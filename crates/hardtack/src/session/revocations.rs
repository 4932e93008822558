//! The sessions that have just ended, or whose claims have just changed, known to this process without asking
//! a store.

use std::sync::PoisonError;

use foldhash::quality::RandomState;

use super::SessionId;
use super::marks::{Drawn, Marks};
use super::sync::{HashMap, Mutex, MutexGuard};
use crate::clock::Timestamp;

/// What this process knows of a session beyond its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It goes on.
    Live(Notes),
    /// It was ended; its access tokens are dead before they expire.
    Ended,
    /// It was ended because the same browser got another one: its cookies are dead, but a reply to a
    /// request that still carried them must not delete those that replaced them.
    Replaced,
}

/// What is noted of a session that goes on. Each note stands by itself: a session whose claims change while
/// its newest generation has not been seen is both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// Access tokens of this generation and of those before it are outdated; of none where it is zero.
    pub(crate) outdated: u64,
    /// The newest generation that was made here and has not been seen since; none where it is zero.
    pub(crate) awaited: u64,
    /// Somebody may have ended it, or changed its claims, and nobody heard: the store knows.
    pub(crate) doubted: bool,
}

/// An entry lives as long as an access token of the session could: then the token's own expiry
/// refuses it, and the entry goes. So the map stays as small as an access lifetime's log-outs.
///
/// Every request reads it and few write: readers take no lock, and writers wait for each other. Of most sessions
/// nothing is noted, and their requests only read a mark.
#[derive(Debug)]
pub(crate) struct Revocations {
    standing: HashMap<SessionId, (Standing, Timestamp), RandomState>,
    marks: Marks,
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
const MIN_MARKS: usize = Marks::ALL / 64;

impl Default for Revocations {
    fn default() -> Self {
        let standing = HashMap::with_hasher(RandomState::default());
        Self { standing, marks: Marks::default(), upkeep: Mutex::default() }
    }
}

impl Revocations {
    #[inline]
    pub(crate) fn standing(&self, id: SessionId) -> Standing {
        if !self.marks.has(id) {
            return Standing::Live(Notes::default());
        }
        self.standing.pin().get(&id).map_or(Standing::Live(Notes::default()), |(standing, _)| *standing)
    }

    /// Ends a session for this process; nothing makes it live again.
    pub(crate) fn end(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, |_| Standing::Ended, until, now);
    }

    /// Ends a session whose browser holds the next one already.
    pub(crate) fn replace(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, |_| Standing::Replaced, until, now);
    }

    /// Remembers that a session's claims changed when it was at this generation.
    pub(crate) fn outdate(&self, id: SessionId, generation: u64, until: Timestamp, now: Timestamp) {
        let noted = |notes: Notes| Standing::Live(Notes { outdated: notes.outdated.max(generation), ..notes });
        self.note(id, noted, until, now);
    }

    /// Remembers that somebody may have ended a session, or changed its claims, and that this process was
    /// not told whether.
    pub(crate) fn doubt(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, |notes| Standing::Live(Notes { doubted: true, ..notes }), until, now);
    }

    /// Remembers that a generation was made and not yet seen.
    pub(crate) fn await_confirmation(&self, id: SessionId, generation: u64, until: Timestamp, now: Timestamp) {
        self.note(id, |notes| Standing::Live(Notes { awaited: generation, ..notes }), until, now);
    }

    /// Forgets that a generation is awaited, and nothing else.
    pub(crate) fn confirmed(&self, id: SessionId, generation: u64) {
        let _writing = self.writing();
        let entries = self.standing.pin();
        let Some(&(Standing::Live(notes), until)) = entries.get(&id) else { return };
        if notes.awaited != generation {
            return;
        }
        let rest = Notes { awaited: 0, ..notes };
        if rest == Notes::default() {
            entries.remove(&id);
        } else {
            entries.insert(id, (Standing::Live(rest), until));
        }
    }

    /// Adds to what is known of a session. One that has ended stays as it is.
    fn note(&self, id: SessionId, noted: impl Fn(Notes) -> Standing, until: Timestamp, now: Timestamp) {
        let mut upkeep = self.writing();
        upkeep.marked += usize::from(self.marks.set(id));
        let entries = self.standing.pin();
        entries.update_or_insert(
            id,
            |(old, old_until)| {
                let standing = match old {
                    Standing::Live(notes) => noted(*notes),
                    ended => *ended,
                };
                (standing, until.max(*old_until))
            },
            (noted(Notes::default()), until),
        );
        if entries.len() > upkeep.entries || upkeep.marked > upkeep.marks {
            let mut marks = Drawn::default();
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
        self.standing.len()
    }

    #[cfg(test)]
    pub(super) fn marked(&self) -> usize {
        self.writing().marked
    }

    fn writing(&self) -> MutexGuard<'_, Upkeep> {
        self.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
