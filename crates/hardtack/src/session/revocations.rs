//! The sessions that have just ended, known to this process without asking a store.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

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
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    entries: RwLock<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    standing: HashMap<SessionId, (Standing, Timestamp)>,
    sweep_at: usize,
}

impl Revocations {
    pub(crate) fn standing(&self, id: SessionId) -> Standing {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.standing.get(&id).map_or(Standing::Live, |(standing, _)| *standing)
    }

    /// Ends a session for this process; nothing makes it live again.
    pub(crate) fn end(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, Standing::Ended, until, now);
    }

    /// Ends a session whose browser holds the next one already.
    pub(crate) fn replace(&self, id: SessionId, until: Timestamp, now: Timestamp) {
        self.note(id, Standing::Replaced, until, now);
    }

    /// Remembers that a generation was made and not yet seen.
    pub(crate) fn await_confirmation(&self, id: SessionId, generation: u64, until: Timestamp, now: Timestamp) {
        self.note(id, Standing::Unconfirmed(generation), until, now);
    }

    /// Forgets that a generation is awaited; an ended session stays ended.
    pub(crate) fn confirmed(&self, id: SessionId, generation: u64) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.standing.get(&id).is_some_and(|(standing, _)| *standing == Standing::Unconfirmed(generation)) {
            entries.standing.remove(&id);
        }
    }

    fn note(&self, id: SessionId, standing: Standing, until: Timestamp, now: Timestamp) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.standing.entry(id).or_insert((standing, until));
        if !matches!(entry.0, Standing::Ended | Standing::Replaced) {
            entry.0 = standing;
        }
        entry.1 = entry.1.max(until);
        if entries.standing.len() > entries.sweep_at {
            entries.standing.retain(|_, (_, until)| *until > now);
            entries.sweep_at = (entries.standing.len() * 2).max(1024);
        }
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
    fn entries_go_when_their_tokens_have_expired() {
        let map = Revocations::default();
        for second in 0..10_000 {
            let now = NOW + Duration::from_secs(second);
            map.end(SessionId::random(), now + Duration::from_secs(10), now);
        }
        assert!(map.entries.read().unwrap().standing.len() < 2048);
    }
}
