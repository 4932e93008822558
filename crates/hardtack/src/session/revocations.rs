//! The sessions that have just ended, known to this process without asking a store.

use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use papaya::HashMap;

use super::SessionId;
use crate::clock::Timestamp;

/// What this process knows of a session beyond its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing against it.
    Live,
    /// It was ended; its access tokens are dead before they expire.
    Ended,
    /// It was ended because the same browser got another one: its cookies are dead, but a reply to a
    /// request that still carried them must not delete those that replaced them.
    Replaced,
    /// Its newest generation has not been seen since it was made here.
    Unconfirmed(u64),
}

/// An entry lives as long as an access token of the session could: then the token's own expiry
/// refuses it, and the entry goes. So the map stays as small as an access lifetime's log-outs.
///
/// An entry that says [`Standing::Live`] is a doubt: the session may have been ended, and nobody heard.
///
/// Every request reads it and few write: readers take no lock, and writers wait for each other.
#[derive(Debug)]
pub(crate) struct Revocations {
    standing: HashMap<SessionId, (Standing, Timestamp), RandomState>,
    /// The number of entries above which the next writer looks for those that are over.
    sweep_at: Mutex<usize>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self { standing: HashMap::with_hasher(RandomState::default()), sweep_at: Mutex::default() }
    }
}

impl Revocations {
    pub(crate) fn standing(&self, id: SessionId) -> Standing {
        self.look_up(id).0
    }

    /// What is known, and whether it is in doubt.
    #[inline]
    pub(crate) fn look_up(&self, id: SessionId) -> (Standing, bool) {
        let known = self.standing.pin().get(&id).map(|(standing, _)| *standing);
        (known.unwrap_or(Standing::Live), known == Some(Standing::Live))
    }

    /// Ends a session for this process; nothing makes it live again.
    pub(crate) fn end(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, Standing::Ended, until, now);
    }

    /// Ends a session whose browser holds the next one already.
    pub(crate) fn replace(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, Standing::Replaced, until, now);
    }

    /// Remembers that somebody may have ended a session, and that this process was not told whether.
    pub(crate) fn doubt(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, Standing::Live, until, now);
    }

    /// Remembers that a generation was made and not yet seen.
    pub(crate) fn await_confirmation(&self, id: SessionId, generation: u64, until: Timestamp, now: Timestamp) {
        self.note(id, Standing::Unconfirmed(generation), until, now);
    }

    /// Forgets that a generation is awaited; an ended session stays ended.
    pub(crate) fn confirmed(&self, id: SessionId, generation: u64) {
        let _writing = self.writing();
        let awaited = Standing::Unconfirmed(generation);
        // What it would answer is whether there was one.
        let _ = self.standing.pin().remove_if(&id, |_, (standing, _)| *standing == awaited);
    }

    fn note(&self, id: SessionId, standing: Standing, until: Timestamp, now: Timestamp) {
        let mut sweep_at = self.writing();
        let entries = self.standing.pin();
        entries.update_or_insert(
            id,
            |(old, old_until)| {
                let kept = match (old, standing) {
                    (Standing::Ended | Standing::Replaced, _) => true,
                    (Standing::Live, standing) => matches!(standing, Standing::Unconfirmed(_)),
                    (Standing::Unconfirmed(_), _) => false,
                };
                (if kept { *old } else { standing }, until.max(*old_until))
            },
            (standing, until),
        );
        if entries.len() > *sweep_at {
            entries.retain(|_, (_, until)| *until > now);
            *sweep_at = (entries.len() * 2).max(1024);
        }
    }

    fn writing(&self) -> MutexGuard<'_, usize> {
        self.sweep_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    #[test]
    fn an_ended_session_stays_ended() {
        let (map, id) = (Revocations::default(), SessionId::random());
        assert_eq!(map.standing(id), Standing::Live);
        map.await_confirmation(id, 2, NOW + Duration::from_secs(1), NOW);
        assert_eq!(map.standing(id), Standing::Unconfirmed(2));
        map.end(id, NOW + Duration::from_secs(1), NOW);
        map.await_confirmation(id, 3, NOW, NOW);
        map.confirmed(id, 3);
        assert_eq!(map.standing(id), Standing::Ended);
    }

    #[test]
    fn a_doubt_stays_until_the_end_is_known() {
        let (map, id, until) = (Revocations::default(), SessionId::random(), NOW + Duration::from_secs(1));
        map.await_confirmation(id, 2, until, NOW);
        assert_eq!(map.look_up(id), (Standing::Unconfirmed(2), false));
        map.doubt(id, until, NOW);
        map.await_confirmation(id, 3, until, NOW);
        map.confirmed(id, 3);
        assert_eq!(map.look_up(id), (Standing::Live, true));
        map.replace(id, until, NOW);
        map.doubt(id, until, NOW);
        assert_eq!(map.look_up(id), (Standing::Replaced, false));
    }

    #[test]
    fn entries_go_when_their_tokens_have_expired() {
        let map = Revocations::default();
        for second in 0..10_000 {
            let now = NOW + Duration::from_secs(second);
            map.end(SessionId::random(), now + Duration::from_secs(10), now);
        }
        assert!(map.standing.len() < 2048);
    }
}
