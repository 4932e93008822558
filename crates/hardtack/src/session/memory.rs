//! Sessions in this process's memory: for tests, examples and single processes that may forget.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Ends, Revocation, RevocationPage, Rotation, Session, SessionId, SessionStore, StoreError};
use crate::clock::Timestamp;

/// A [`SessionStore`] without a database. A restart ends every session.
#[derive(Clone, Debug, Default)]
pub struct MemorySessions(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    sessions: HashMap<SessionId, Session>,
    log: Vec<Revocation>,
    sequence: u64,
}

impl MemorySessions {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // Every operation leaves the rows whole, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn end(&mut self, ends: Ends<'_>, now: Timestamp) -> Vec<SessionId> {
        let matching = |row: &Session| match ends {
            Ends::These(ids) => ids.contains(&row.id),
            Ends::AllOf(subject) => row.subject == subject,
            Ends::OthersOf(subject, kept) => row.subject == subject && row.id != kept,
        };
        let mut ended = Vec::new();
        for row in self.sessions.values_mut().filter(|row| row.revoked_at.is_none() && matching(row)) {
            row.revoked_at = Some(now);
            self.sequence += 1;
            self.log.push(Revocation { sequence: self.sequence, session: row.id, at: now });
            ended.push(row.id);
        }
        ended
    }
}

impl SessionStore for MemorySessions {
    async fn create(&self, session: &Session, ends: Ends<'_>) -> Result<Vec<SessionId>, StoreError> {
        let mut rows = self.rows();
        if rows.sessions.contains_key(&session.id) {
            return Err(StoreError::new("a session with this id exists"));
        }
        let ended = rows.end(ends, session.created_at.max(session.rotated_at));
        rows.sessions.insert(session.id, session.clone());
        Ok(ended)
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.rows().sessions.get(&id).cloned())
    }

    async fn rotate(&self, id: SessionId, generation: u64, rotation: Rotation) -> Result<Option<Session>, StoreError> {
        let mut rows = self.rows();
        let row = rows.sessions.get_mut(&id).filter(|row| row.generation == generation && row.is_live(rotation.now));
        Ok(row.map(|row| {
            row.generation += 1;
            row.rotated_at = rotation.now;
            row.expires_at = rotation.expires_at.min(row.absolute_expires_at);
            row.auth_time = rotation.auth_time.unwrap_or(row.auth_time);
            row.confirmed = false;
            row.clone()
        }))
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), StoreError> {
        if let Some(row) = self.rows().sessions.get_mut(&id).filter(|row| row.generation == generation) {
            row.confirmed = true;
        }
        Ok(())
    }

    async fn revoke(&self, ends: Ends<'_>, now: Timestamp) -> Result<Vec<SessionId>, StoreError> {
        Ok(self.rows().end(ends, now))
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let rows = self.rows();
        let mut live: Vec<Session> =
            rows.sessions.values().filter(|row| row.subject == subject && row.is_live(now)).cloned().collect();
        live.sort_by_key(|row| (std::cmp::Reverse(row.created_at), row.id));
        Ok(live)
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, StoreError> {
        let rows = self.rows();
        let behind = rows.log.iter().filter(|entry| entry.sequence > after);
        Ok(RevocationPage { head: rows.sequence, entries: behind.take(limit as usize).copied().collect() })
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut rows = self.rows();
        let dead: Vec<SessionId> = rows
            .sessions
            .values()
            .filter(|row| row.expires_at < before || row.revoked_at.is_some_and(|at| at < before))
            .map(|row| row.id)
            .take(limit as usize)
            .collect();
        for id in &dead {
            rows.sessions.remove(id);
        }
        let mut left = limit as usize - dead.len();
        let kept = rows.log.len();
        rows.log.retain(|entry| {
            let forgotten = left > 0 && entry.at < before;
            left -= usize::from(forgotten);
            !forgotten
        });
        Ok((dead.len() + kept - rows.log.len()) as u64)
    }
}
