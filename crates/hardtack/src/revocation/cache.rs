//! What this process knows about revocations without asking the store. A [`RevocationCache`] contains the sessions that
//! have recently ended or whose claims have recently changed. A [`LogPosition`] says how far the store's revocation log
//! has been read into the cache.
//!
//! A writer updates the cache before it publishes the [`LogPosition`]. A reader loads the position before it reads the
//! cache. Therefore, the cache contains every log entry up to the position that the reader loaded.

use std::sync::PoisonError;
use std::time::Duration;

use foldhash::quality::RandomState;

use super::moment::Moment;
use super::sync::{AtomicI64, AtomicU64, HashMap, MARK_WORDS, Mutex, MutexGuard, Ordering};
use crate::clock::Timestamp;
use crate::session::SessionId;

/// The status of a session, as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionStatus {
    /// The session is live.
    Live(Notes),
    /// The session has ended. Its access tokens are refused even before they expire.
    Ended,
    /// The session was replaced by a new session in the same browser. Its tokens are refused. The response must not
    /// delete cookies, because the browser might already have the cookies of the new session.
    Replaced,
}

/// What this process knows about a live session. The fields do not depend on each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// Access tokens of this generation and of earlier generations are outdated. Zero if no token is outdated.
    pub(crate) outdated: u64,
    /// The newest generation of tokens that this process has issued but no client has used yet. Zero if there is no
    /// such generation.
    pub(crate) awaited: u64,
    /// Whether requests must look up the session in the store. They must after a write that was meant to end the
    /// session or change its claims, but might have failed.
    pub(crate) uncertain: bool,
}

/// A map of recent revocations. An entry is needed only until the session's access tokens have expired, because expired
/// tokens are refused without an entry. The size of the map therefore depends on the number of sessions that end or
/// change within the lifetime of an access token.
///
/// When this process learns of a revocation, it computes the moment until which the entry is needed. Once both the
/// system clock and the monotonic clock have reached that moment, a writer can drop the entry. If the system clock is
/// then set back to an earlier time, the session's tokens no longer look expired, but the entry is missing.
/// [`Self::has_forgotten`] detects this. The log must then be read again (decision 31).
///
/// Every request reads the cache, but few requests write to it. Readers take no lock. Writers wait for each other
/// (decision 12). Most sessions have no entry, and for such a session, a request usually reads only one bit of the
/// [`RevocationFilter`].
#[derive(Debug)]
pub(crate) struct RevocationCache {
    status: HashMap<SessionId, (SessionStatus, Moment), RandomState>,
    marks: RevocationFilter,
    /// The time, in Unix seconds, until which a dropped entry could still be needed. The value is [`NEVER`] if no entry
    /// has been dropped since the whole log was last read.
    dropped: AtomicI64,
    upkeep: Mutex<Upkeep>,
}

/// When to sweep the cache. In a sweep, a writer removes the expired entries and rebuilds the filter. A sweep starts
/// when the map has more than `entries` entries, when the filter has more than `marks` set bits, or when the time `due`
/// is reached.
#[derive(Debug)]
struct Upkeep {
    /// The number of entries that the map may have before the next sweep.
    entries: usize,
    /// If the filter has more set bits than this, a writer sweeps the cache. The filter can have more set bits than the
    /// map has entries, because an entry's bit stays set when [`RevocationCache::confirmed`] removes the entry.
    marks: usize,
    /// The time on the monotonic clock at which the next regular sweep is due. A map with at most [`MIN_ENTRIES`]
    /// entries is not swept at this time.
    due: Duration,
    /// How many of the filter's bits are set.
    marked: usize,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { entries: MIN_ENTRIES, marks: MIN_MARKS, due: Duration::ZERO, marked: 0 }
    }
}

/// If the map has at most this many entries, it is not swept at regular intervals.
const MIN_ENTRIES: usize = 1024;

/// The interval between sweeps of a map with more than [`MIN_ENTRIES`] entries. Without this interval, expired entries
/// would stay in the map until the map had doubled in size.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The filter triggers a sweep only if more than this many of its bits are set. With this many set bits, one in 64
/// look-ups of sessions without an entry has to search the map.
const MIN_MARKS: usize = RevocationFilter::ALL / 64;

impl Default for RevocationCache {
    fn default() -> Self {
        let status = HashMap::with_hasher(RandomState::default());
        Self { status, marks: RevocationFilter::default(), dropped: AtomicI64::new(NEVER), upkeep: Mutex::default() }
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

    /// Returns whether the clock was set back to a time at which dropped entries were still needed.
    #[inline]
    pub(crate) fn has_forgotten(&self, now: Timestamp) -> bool {
        now.unix_seconds() < self.dropped.load(Ordering::Acquire)
    }

    /// Returns the time until which the dropped entries were needed. Returns `None` if [`Self::has_forgotten`] returns
    /// `false`.
    pub(crate) fn forgotten_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.has_forgotten(now).then(|| Timestamp::from_unix_seconds(self.dropped.load(Ordering::Acquire)))
    }

    /// Records that the whole log has been read again since [`Self::forgotten_until`] returned `until`.
    pub(crate) fn remembers(&self, until: Timestamp) {
        let _writing = self.writing();
        // If more entries were dropped in the meantime, the log has to be read once more.
        if self.dropped.load(Ordering::Acquire) == until.unix_seconds() {
            self.dropped.store(NEVER, Ordering::Release);
        }
    }

    /// Records that a session has ended. The session cannot become live again.
    pub(crate) fn end(&self, id: SessionId, until: Moment, now: Moment) {
        self.note(id, |_| SessionStatus::Ended, until, now);
    }

    /// Records that a session was replaced by a new session in the same browser.
    pub(crate) fn replace(&self, id: SessionId, until: Moment, now: Moment) {
        self.note(id, |_| SessionStatus::Replaced, until, now);
    }

    /// Records that a session's claims changed at this generation.
    pub(crate) fn outdate(&self, id: SessionId, generation: u64, until: Moment, now: Moment) {
        let noted = |notes: Notes| SessionStatus::Live(Notes { outdated: notes.outdated.max(generation), ..notes });
        self.note(id, noted, until, now);
    }

    /// Records that the outcome of a write is unknown. The write might have ended the session or changed its claims.
    pub(crate) fn mark_uncertain(&self, id: SessionId, until: Moment, now: Moment) {
        self.note(id, |notes| SessionStatus::Live(Notes { uncertain: true, ..notes }), until, now);
    }

    /// Records that the tokens of a generation have been issued, and that no client has used them yet.
    pub(crate) fn await_confirmation(&self, id: SessionId, generation: u64, until: Moment, now: Moment) {
        self.note(id, |notes| SessionStatus::Live(Notes { awaited: generation, ..notes }), until, now);
    }

    /// Records that a client has used the tokens of the generation in [`Notes::awaited`].
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

    /// Changes a session's entry. An ended session stays ended.
    fn note(&self, id: SessionId, noted: impl Fn(Notes) -> SessionStatus, until: Moment, now: Moment) {
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
        let due = entries.len() > MIN_ENTRIES && now.monotonic >= upkeep.due;
        if due || entries.len() > upkeep.entries || upkeep.marked > upkeep.marks {
            let (mut marks, mut dropped) = (FilterDraft::default(), self.dropped.load(Ordering::Acquire));
            entries.retain(|id, (_, until)| {
                let stays = !until.has_passed(now);
                if stays {
                    marks.set(*id);
                } else {
                    dropped = dropped.max(until.date.unix_seconds());
                }
                stays
            });
            self.dropped.store(dropped, Ordering::Release);
            let marked = self.marks.replace(&marks);
            *upkeep = Upkeep {
                entries: (entries.len() * 2).max(MIN_ENTRIES),
                marks: (marked * 2).max(MIN_MARKS),
                due: now.monotonic.saturating_add(SWEEP_INTERVAL),
                marked,
            };
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

/// A filter that avoids most look-ups in the map (decision 12). The lowest bits of a session's random id select one bit
/// of the filter. If this bit is clear, the map has no entry for the session. If the bit is set, the map must be
/// searched, because several sessions share the bit.
///
/// A writer sets the bit before it adds the entry to the map, and the bit stays set as long as the entry is in the map.
/// A clear bit therefore proves that there is no entry.
#[derive(Debug)]
struct RevocationFilter(Box<[AtomicU64]>);

impl Default for RevocationFilter {
    fn default() -> Self {
        Self((0..MARK_WORDS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl RevocationFilter {
    /// The number of bits in the filter.
    const ALL: usize = MARK_WORDS * 64;

    #[inline]
    fn has(&self, id: SessionId) -> bool {
        let (word, bit) = place(id);
        self.0.get(word).is_some_and(|word| word.load(Ordering::Acquire) & bit != 0)
    }

    /// Sets a session's bit, and returns whether it was clear before.
    fn set(&self, id: SessionId) -> bool {
        let (word, bit) = place(id);
        self.0.get(word).is_some_and(|word| word.fetch_or(bit, Ordering::AcqRel) & bit == 0)
    }

    /// Replaces all bits with those of `others`, and returns how many bits are then set. No other thread is allowed to
    /// set a bit during the call. If a bit is set both before and after the call, readers see it set during the call as
    /// well.
    fn replace(&self, others: &FilterDraft) -> usize {
        self.0.iter().zip(&others.0).for_each(|(word, other)| word.store(*other, Ordering::Release));
        others.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// The bits of a filter that readers cannot see yet.
struct FilterDraft(Vec<u64>);

impl Default for FilterDraft {
    fn default() -> Self {
        Self(vec![0; MARK_WORDS])
    }
}

impl FilterDraft {
    fn set(&mut self, id: SessionId) {
        let (word, bit) = place(id);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }
}

/// Returns the index of the word that contains a session's bit, and the bit within that word.
#[inline]
fn place(id: SessionId) -> (usize, u64) {
    // Cut off the high bits, because only the lowest bits select the filter's bit.
    let low = id.as_u128() as usize;
    (low / 64 % MARK_WORDS, 1 << (low % 64))
}

/// The last log entry that was read into the cache, and the last time at which the cache was complete.
#[derive(Debug)]
pub(crate) struct LogPosition {
    read: AtomicU64,
    synced_at: AtomicI64,
    /// Until this time on the monotonic clock, access tokens of sessions that the store has lost might still be valid.
    /// Zero if the store has lost no sessions.
    lost_until: AtomicU64,
}

/// A time that is earlier than any real time. In [`LogPosition`], it means that the cache is stale, no matter how much
/// staleness is allowed. In [`RevocationCache`], it means that the cache has dropped no entry that it could need again.
const NEVER: i64 = i64::MIN;

impl Default for LogPosition {
    fn default() -> Self {
        Self { read: AtomicU64::new(0), synced_at: AtomicI64::new(NEVER), lost_until: AtomicU64::new(0) }
    }
}

impl LogPosition {
    /// Returns the number of the last entry that was read. This entry and all entries before it are in the cache.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Acquire)
    }

    /// Records that all entries up to `position` are in the cache. Call this method after you have added the entries.
    pub(crate) fn reached(&self, position: u64) {
        self.read.store(position, Ordering::Release);
    }

    /// Records that the cache contains everything that the log contained at the time `at`. Call this method after you
    /// have added the entries.
    pub(crate) fn synced(&self, at: Timestamp) {
        self.synced_at.store(at.unix_seconds(), Ordering::Release);
    }

    /// Records that the cache might be incomplete. There are two cases: some sessions that must end have no entry yet,
    /// or the log could not be read for too long. If the clock was set back, [`Self::is_current`] alone might miss the
    /// second case.
    pub(crate) fn incomplete(&self) {
        self.synced_at.store(NEVER, Ordering::Release);
    }

    /// Records that this process has missed entries of the log. The cache is stale until the log has been read from the
    /// beginning.
    pub(crate) fn lost(&self) {
        self.synced_at.store(NEVER, Ordering::Release);
        self.read.store(0, Ordering::Release);
    }

    /// Records that the store may have lost sessions, and that their access tokens expire by the time `until`. The log
    /// does not contain these sessions, so the cache is stale until then.
    pub(crate) fn lost_sessions(&self, until: Moment) {
        // Round up, so that the period does not end early.
        self.lost_until.fetch_max(until.monotonic.as_secs().saturating_add(1), Ordering::AcqRel);
        self.incomplete();
    }

    /// The store may have lost sessions. Returns whether the access tokens of all these sessions have expired.
    pub(crate) fn lost_no_sessions(&self, now: Moment) -> bool {
        self.lost_sessions_left(now).is_zero()
    }

    /// Returns how long it takes until the access tokens of all sessions that the store may have lost have expired.
    pub(crate) fn lost_sessions_left(&self, now: Moment) -> Duration {
        Duration::from_secs(self.lost_until.load(Ordering::Acquire).saturating_sub(now.monotonic.as_secs()))
    }

    /// Returns whether the cache is less than `bound` behind the log. Call this method before you read the cache. If
    /// you read the cache first, an update between the two calls could make a stale result look current.
    ///
    /// Times are whole seconds. The cache counts as stale as soon as its age reaches `bound`, so rounding never extends
    /// the bound. If the clock shows a time before the last update, the cache counts as stale.
    pub(crate) fn is_current(&self, now: Timestamp, bound: Duration) -> bool {
        let age = now.unix_seconds().checked_sub(self.synced_at.load(Ordering::Acquire));
        age.and_then(|age| u64::try_from(age).ok()).is_some_and(|age| age < bound.as_secs())
    }
}
