//! A session store in memory, for tests, examples and single processes.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Revocation, RevocationKind, RevocationPage, RevokeTarget, Rotation, Session, SessionCursor, SessionId,
    SessionStore, StoreAbility,
};
use crate::clock::Timestamp;
use crate::error::BackendError;

/// A [`SessionStore`] in this process's memory. A restart ends every session.
///
/// This store is not [durable](SessionStore::is_durable), so by default, an authenticator does not follow its
/// revocation log. If several authenticators share the store, set
/// [`SessionPolicy::max_staleness`](super::SessionPolicy::max_staleness), so that they follow the log.
#[derive(Clone, Debug, Default)]
pub struct MemorySessions(Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    sessions: HashMap<SessionId, Session>,
    /// For each subject, the ids of the sessions that have not been ended.
    subjects: HashMap<String, HashSet<SessionId>>,
    log: VecDeque<Revocation>,
    sequence: u64,
}

impl MemorySessions {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // A poisoned lock is safe to use, because every operation leaves the rows consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Ends the sessions that `ends` selects. If the remaining sessions exceed the limit, also ends the least recently
    /// used ones. Then adds the new session.
    fn create(
        &mut self,
        session: &Session,
        ends: RevokeTarget<'_>,
        limit: Option<u32>,
    ) -> Result<Vec<SessionId>, BackendError> {
        if self.sessions.contains_key(&session.id) {
            return Err(BackendError::new("a session with this id already exists"));
        }
        if let RevokeTarget::Renewed(_, id) = ends
            && self.sessions.get(&id).is_some_and(|row| row.revoked_at.is_some())
        {
            return Ok(Vec::new());
        }
        let now = session.created_at.max(session.rotated_at);
        let mut ended = self.end(ends, now);
        if let Some(limit) = limit {
            let mut live: Vec<&Session> = self.live(&session.subject, now).collect();
            live.sort_by_key(|row| (row.rotated_at, row.created_at, row.id));
            let excess = (live.len() + 1).saturating_sub(limit as usize);
            live.truncate(excess);
            // A session must not end before its last rotation. According to this server's clock, that rotation may be
            // in the future.
            let at = live.iter().fold(now, |at, row| at.max(row.rotated_at));
            let least_used: Vec<SessionId> = live.into_iter().map(|row| row.id).collect();
            ended.extend(self.end(RevokeTarget::Sessions(&least_used), at));
        }
        self.sessions.insert(session.id, session.clone());
        if session.revoked_at.is_none() {
            self.subjects.entry(session.subject.clone()).or_default().insert(session.id);
        }
        Ok(ended)
    }

    /// Rotates a session if it is live, has this generation, and `allowed` returns `true` for it.
    fn rotate(
        &mut self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
        allowed: impl FnOnce(&Session) -> bool,
    ) -> Option<Session> {
        let row = self.sessions.get_mut(&id)?;
        if row.generation != generation || !row.is_live(rotation.now) || !allowed(row) {
            return None;
        }
        row.generation += 1;
        row.rotated_at = rotation.now;
        row.expires_at = rotation.expires_at.min(row.absolute_expires_at);
        row.auth_time = rotation.auth_time.unwrap_or(row.auth_time);
        row.confirmed = false;
        Some(row.clone())
    }

    /// Returns a subject's live sessions, in no particular order.
    fn live(&self, subject: &str, now: Timestamp) -> impl Iterator<Item = &Session> {
        let theirs = self.subjects.get(subject).into_iter().flatten().filter_map(|id| self.sessions.get(id));
        theirs.filter(move |row| row.is_live(now))
    }

    fn end(&mut self, ends: RevokeTarget<'_>, now: Timestamp) -> Vec<SessionId> {
        let of = |subject| self.subjects.get(subject).into_iter().flatten().copied();
        let matching: Vec<SessionId> = match ends {
            RevokeTarget::Sessions(ids) | RevokeTarget::Replaced(ids) => ids.to_vec(),
            RevokeTarget::AllOf(subject) | RevokeTarget::Renewed(subject, _) => of(subject).collect(),
            RevokeTarget::AllExcept(subject, kept) => of(subject).filter(|id| *id != kept).collect(),
        };
        let ended = matching.into_iter().filter(|id| self.end_one(*id, ends.kind(*id), now)).collect();
        let lost: HashSet<SessionId> =
            ends.named().iter().filter(|id| !self.sessions.contains_key(id)).copied().collect();
        lost.into_iter().for_each(|id| self.write(id, ends.kind(id), now));
        ended
    }

    /// Ends a session. Returns `false` if it had already ended or does not exist.
    fn end_one(&mut self, id: SessionId, kind: RevocationKind, now: Timestamp) -> bool {
        let Some(row) = self.sessions.get_mut(&id).filter(|row| row.revoked_at.is_none()) else { return false };
        row.revoked_at = Some(now);
        row.replaced = kind == RevocationKind::Replaced;
        let subject = row.subject.clone();
        self.leave(&subject, id);
        self.write(id, kind, now);
        true
    }

    fn write(&mut self, session: SessionId, kind: RevocationKind, at: Timestamp) {
        self.sequence += 1;
        self.log.push_back(Revocation { sequence: self.sequence, session, at, kind });
    }

    fn leave(&mut self, subject: &str, id: SessionId) {
        if let Some(theirs) = self.subjects.get_mut(subject) {
            theirs.remove(&id);
            if theirs.is_empty() {
                self.subjects.remove(subject);
            }
        }
    }
}

impl SessionStore for MemorySessions {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> Result<Vec<SessionId>, BackendError> {
        self.rows().create(session, ends, None)
    }

    fn can(&self, ability: StoreAbility) -> bool {
        matches!(ability, StoreAbility::LimitSessions | StoreAbility::ListPages | StoreAbility::BindSessions)
    }

    async fn create_within(
        &self,
        session: &Session,
        ends: RevokeTarget<'_>,
        limit: u32,
    ) -> Result<Vec<SessionId>, BackendError> {
        self.rows().create(session, ends, Some(limit))
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, BackendError> {
        Ok(self.rows().sessions.get(&id).cloned())
    }

    async fn rotate(
        &self,
        id: SessionId,
        generation: u64,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        let mut rows = self.rows();
        let Some(mut row) = rows.rotate(id, generation, rotation, |row| rotation.proven || row.bound_key.is_none())
        else {
            return Ok(None);
        };
        if rotation.auth_time.is_some() {
            row.outdated_generation = generation;
            rows.sessions.insert(id, row.clone());
            rows.write(id, RevocationKind::Outdated(generation), rotation.now);
        }
        Ok(Some(row))
    }

    async fn bind(
        &self,
        id: SessionId,
        generation: u64,
        key: &str,
        rotation: Rotation,
    ) -> Result<Option<Session>, BackendError> {
        let mut rows = self.rows();
        let Some(_) = rows.rotate(id, generation, rotation, |row| row.bound_key.is_none()) else { return Ok(None) };
        Ok(rows.sessions.get_mut(&id).map(|row| {
            row.bound_key = Some(key.to_owned());
            row.bound_at = Some(rotation.now);
            row.clone()
        }))
    }

    async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        if let Some(row) = self.rows().sessions.get_mut(&id).filter(|row| row.generation == generation) {
            row.confirmed = true;
        }
        Ok(())
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> Result<Vec<SessionId>, BackendError> {
        Ok(self.rows().end(ends, now))
    }

    async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, u64)>, BackendError> {
        let mut rows = self.rows();
        let theirs: Vec<SessionId> = rows.subjects.get(subject).into_iter().flatten().copied().collect();
        let mut outdated = Vec::new();
        for id in theirs {
            let Some(row) = rows.sessions.get_mut(&id) else { continue };
            row.outdated_generation = row.generation;
            if let Some(claims) = claims {
                row.claims = Some(claims.to_owned());
            }
            let generation = row.generation;
            outdated.push((id, generation));
            rows.write(id, RevocationKind::Outdated(generation), now);
        }
        Ok(outdated)
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Result<Vec<Session>, BackendError> {
        let rows = self.rows();
        let mut live: Vec<&Session> = rows.live(subject, now).collect();
        live.sort_by_key(|row| (Reverse(row.created_at), row.id));
        Ok(live.into_iter().cloned().collect())
    }

    async fn list_page(
        &self,
        subject: &str,
        now: Timestamp,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, BackendError> {
        let rows = self.rows();
        let mut live: Vec<&Session> =
            rows.live(subject, now).filter(|row| after.is_none_or(|after| after.precedes(row))).collect();
        live.sort_by_key(|row| (Reverse(row.created_at), row.id));
        Ok(live.into_iter().take(limit as usize).cloned().collect())
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, BackendError> {
        let rows = self.rows();
        let read = rows.log.partition_point(|entry| entry.sequence <= after);
        let behind = rows.log.range(read..).take(limit as usize);
        Ok(RevocationPage::new(rows.sequence, behind.copied().collect()))
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let mut rows = self.rows();
        let dead: Vec<SessionId> = rows
            .sessions
            .values()
            .filter(|row| row.expires_at < before || row.revoked_at.is_some_and(|at| at < before))
            .map(|row| row.id)
            .take(limit as usize)
            .collect();
        for id in &dead {
            if let Some(row) = rows.sessions.remove(id) {
                rows.leave(&row.subject, *id);
            }
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

    /// Returns `false`. The sessions do not outlive this process, and normally only one authenticator uses the store.
    fn is_durable(&self) -> bool {
        false
    }
}
