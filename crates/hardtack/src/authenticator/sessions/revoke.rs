//! Lists, ends and prunes sessions.

use std::time::Duration;

use crate::authenticator::Authenticator;
use crate::clock::{MAX_SKEW, Timestamp};
use crate::error::{BackendError, WithCauses};
use crate::event::{Client, EventKind};
use crate::refusal::Reason;
use crate::revocation::{Moment, SessionStatus};
use crate::session::{
    ErasedStore, RevocationKind, RevokeTarget, Session, SessionCursor, SessionId, SessionsPage, StoreAbility,
};
use crate::token::VerifiedToken;

/// The maximum number of sessions that [`Authenticator::sessions_page`] returns.
const SESSIONS_PAGE: u32 = 50;

/// How many sessions are read at once if only their ids and times are needed.
const IDS_PAGE: u32 = 500;

/// The Unix epoch. [`Authenticator::unended_sessions`] passes this time to the store as the current time, so that the
/// store also returns sessions that have already expired.
const NO_TIME: Timestamp = Timestamp::from_unix_seconds(0);

impl Authenticator {
    /// Ends sessions in the store, and then in this process's cache. After that, [reports](Self::report_ended) to the
    /// application that sessions of `subjects` have ended.
    ///
    /// `at` is the time at which the sessions end. It is the current time or the latest `iat` of their tokens,
    /// whichever is later. Each server keeps its record of the revocation for a fixed time after `at`. If the `iat` of
    /// a token were later than `at`, a server could drop the record before the token expires.
    ///
    /// If `ends` selects sessions by their subject, pass the current time as `at`. If one of the subject's sessions was
    /// last rotated at a later time, this method uses that later time instead.
    pub(crate) async fn end(
        &self,
        ends: RevokeTarget<'_>,
        subjects: &[&str],
        at: Timestamp,
    ) -> Result<Vec<SessionId>, BackendError> {
        let ended = self.end_unreported(ends, at).await;
        self.report_ended(&ended, ends, subjects).await;
        ended
    }

    /// Like [`Self::end`], but does not [report](Self::report_ended) that the sessions have ended.
    pub(super) async fn end_unreported(
        &self,
        ends: RevokeTarget<'_>,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, BackendError> {
        let (mut ended, mut at) = (Vec::new(), at);
        if let Some(store) = self.store() {
            let write = self.begin_uncertain_write(store, ends).await?;
            at = write.rotations().fold(at, |at, (_, rotated_at)| at.max(rotated_at));
            ended = store.revoke(ends, at).await?;
            write.confirm();
        }
        self.end_locally(&ended, ends, at);
        Ok(ended)
    }

    /// Tells the application that sessions of `subjects` have ended, so that it can refuse changes that were begun in
    /// these sessions ([`PendingRevocations::sessions_ended`](crate::session::PendingRevocations::sessions_ended)). A
    /// failure is only logged, because the sessions have already ended.
    ///
    /// `ended` is what the store returned when it was asked to end the sessions that `ends` selects. Even if the store
    /// returned an error, sessions might have ended, so this method reports them as ended in that case, too.
    pub(super) async fn report_ended(
        &self,
        ended: &Result<Vec<SessionId>, BackendError>,
        ends: RevokeTarget<'_>,
        subjects: &[&str],
    ) {
        let Some(pending) = &self.0.pending else { return };
        if ends.named().is_empty() && ended.as_ref().is_ok_and(Vec::is_empty) {
            return;
        }
        for (at, subject) in subjects.iter().enumerate() {
            if subjects.iter().take(at).any(|earlier| earlier == subject) {
                continue;
            }
            if let Err(error) = pending.sessions_ended(subject).await {
                tracing::warn!(
                    event = "end_not_counted", subject, error = %WithCauses(&error),
                    "some of the user's sessions have ended, but the database could not record this, so a change that \
                     was begun in one of them can still be stored"
                );
            }
        }
    }

    /// Ends the sessions in `dated` whose tokens have an `iat` more than [`MAX_SKEW`] in the future. A token has such
    /// an `iat` if the clock of the server that issued it is ahead. `dated` contains sessions that `ends` selects, each
    /// with the time of its last rotation or the `iat` of one of its tokens.
    ///
    /// Call this method before creating a session that replaces or ends other sessions. When the store creates the
    /// session, it records the current time as the end of the other sessions. Each server keeps such a record for a
    /// fixed time. If the `iat` of an ended session's tokens were far in the future, the servers would drop the record
    /// before the tokens expire.
    ///
    /// After creating the session, the caller must also call [`Self::report_ended`].
    pub(super) async fn end_early(
        &self,
        ends: RevokeTarget<'_>,
        dated: impl Iterator<Item = (SessionId, Timestamp)>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, BackendError> {
        // Servers keep the record of an ended session for `MAX_SKEW` longer than access tokens live, so an `iat` may be
        // up to `MAX_SKEW` in the future. The session in `Renewed` is skipped, because the store records it as replaced
        // when it creates the new session.
        let early = dated
            .filter(|(id, at)| *at > now + MAX_SKEW && !matches!(ends, RevokeTarget::Renewed(_, own) if own == *id));
        let (ids, times): (Vec<SessionId>, Vec<Timestamp>) = early.unzip();
        let Some(at) = times.into_iter().max() else { return Ok(Vec::new()) };
        let early = if matches!(ends, RevokeTarget::Replaced(_)) {
            RevokeTarget::Replaced(&ids)
        } else {
            RevokeTarget::Sessions(&ids)
        };
        self.end_unreported(early, at).await
    }

    /// Records ended and replaced sessions in this process's cache: those that the store has just ended (`ended`), and
    /// those that `ends` lists by id. A session that `ends` lists might have ended earlier, or might not be in the
    /// store at all.
    pub(super) fn end_locally(&self, ended: &[SessionId], ends: RevokeTarget<'_>, at: Timestamp) {
        let now = self.moment();
        for id in ended.iter().chain(ends.named()) {
            self.learn(*id, ends.kind(*id), at, now);
        }
    }

    /// Records in the cache what happened to a session at the time `at`, and keeps the record for the time that
    /// [`Self::token_memory`] returns.
    ///
    /// The cache keeps the record for at least [`Self::token_memory`] from now on, even if `at` is in the past, because
    /// this process's clock may be wrong. If `at` is in the future, the clock of the server that issued the tokens is
    /// ahead, so the cache keeps the record longer by the difference.
    pub(super) fn learn(&self, id: SessionId, what: RevocationKind, at: Timestamp, now: Moment) {
        let until = now.after(at.since(now.date).saturating_add(self.token_memory()));
        match what {
            RevocationKind::Ended => self.0.revocation_cache.end(id, until, now),
            RevocationKind::Replaced => self.0.revocation_cache.replace(id, until, now),
            RevocationKind::Outdated(generation) => self.0.revocation_cache.outdate(id, generation, until, now),
        }
        self.0.watchers.wake(id);
    }

    /// Returns how long to keep the record that a session has ended. The record is needed until every server considers
    /// the session's access tokens expired, including a server whose clock is up to [`MAX_SKEW`] behind. Without a
    /// store, the record is also needed until the refresh token has expired.
    pub(super) fn token_memory(&self) -> Duration {
        let settings = self.settings();
        let longest = match (settings.access_lifetime.duration(), settings.refresh_lifetime.duration()) {
            (Some(access), _) if self.store().is_some() => Some(access),
            // Without a store, only this cache records that the refresh token is revoked.
            (Some(access), Some(refresh)) => Some(access.max(refresh)),
            _ => None,
        };
        let margin = settings.claims.exp_leeway() + MAX_SKEW;
        longest.map_or(Duration::from_secs(u64::from(u32::MAX)), |span| span.saturating_add(margin))
    }

    /// Returns a subject's live sessions, newest first. Without a store, the list is empty.
    ///
    /// A subject can have as many sessions as
    /// [`SessionPolicy::max_sessions`](crate::session::SessionPolicy::max_sessions) allows. To list sessions on a page
    /// for the user, call [`Self::sessions_page`] instead.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions(&self, subject: &str) -> Result<Vec<Session>, BackendError> {
        match self.store() {
            Some(store) => store.list(subject, self.now()).await,
            None => Ok(Vec::new()),
        }
    }

    /// Returns a page of at most 50 live sessions of a subject, newest first. To get the first page, pass `None`. To
    /// get the next page, pass the [`next`](SessionsPage::next) of the previous page. Without a store, the page is
    /// empty.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sessions_page(
        &self,
        subject: &str,
        after: Option<SessionCursor>,
    ) -> Result<SessionsPage, BackendError> {
        let Some(store) = self.store() else { return Ok(SessionsPage::default()) };
        let mut sessions = sessions_page(store, subject, self.now(), after, SESSIONS_PAGE + 1).await?;
        let has_more = sessions.len() > SESSIONS_PAGE as usize;
        sessions.truncate(SESSIONS_PAGE as usize);
        let next = sessions.last().filter(|_| has_more).map(SessionCursor::after);
        Ok(SessionsPage { sessions, next })
    }

    /// Returns a live session of a subject, or `None` if the session is not live or belongs to another subject. Without
    /// a store, returns `None`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session(&self, subject: &str, id: SessionId) -> Result<Option<Session>, BackendError> {
        let Some(store) = self.store() else { return Ok(None) };
        let row = store.find(id).await?;
        Ok(row.filter(|row| row.subject == subject && row.is_live(self.now())))
    }

    /// Reads the revocation log. If the log says that this session has ended, returns why the session's tokens must be
    /// refused: [`Reason::Replaced`] if the browser got a new session instead, or [`Reason::Revoked`] otherwise.
    ///
    /// If the log does not say that the session has ended, returns `None`. If the store has lost the row of a live
    /// session, both this method and [`session`](Self::session) therefore return `None`. Without a store, this method
    /// knows only about sessions that this process has ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn logged_end(&self, id: SessionId) -> Result<Option<Reason>, BackendError> {
        self.sync_revocations().await?;
        Ok(match self.0.revocation_cache.status(id) {
            SessionStatus::Live(_) => None,
            SessionStatus::Ended => Some(Reason::Revoked),
            SessionStatus::Replaced => Some(Reason::Replaced),
        })
    }

    /// For each of a subject's sessions that has not been ended, returns the id and the time of the last rotation.
    /// Sessions that have expired according to this server's clock are included, because this clock may be ahead. If
    /// the store supports [`StoreAbility::ListPages`], only one page of rows is in memory at a time.
    pub(super) async fn unended_sessions(
        &self,
        store: &dyn ErasedStore,
        subject: &str,
    ) -> Result<Vec<(SessionId, Timestamp)>, BackendError> {
        let (mut unended, mut after) = (Vec::new(), None);
        loop {
            let page = sessions_page(store, subject, NO_TIME, after, IDS_PAGE).await?;
            unended.extend(page.iter().map(|row| (row.id, row.rotated_at)));
            match page.last() {
                Some(last) if page.len() == IDS_PAGE as usize => after = Some(SessionCursor::after(last)),
                _ => return Ok(unended),
            }
        }
    }

    /// Ends one session of a subject (ASVS 5.0 V7.5.2). Returns `false` if the session does not exist, has already
    /// ended or belongs to another subject. Without a store, does nothing and returns `false`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_session(&self, subject: &str, id: SessionId) -> Result<bool, BackendError> {
        let Some(store) = self.store() else { return Ok(false) };
        // Include a session that has expired according to this server's clock, because this clock may be ahead.
        let row = store.find(id).await?.filter(|row| row.subject == subject && row.revoked_at.is_none());
        let Some(row) = row else { return Ok(false) };
        let at = row.rotated_at.max(self.now());
        self.revoke(RevokeTarget::Sessions(&[id]), subject, at).await.map(|ended| ended > 0)
    }

    /// Ends all of a subject's sessions except one, and returns the number of sessions that it ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_other_sessions(&self, subject: &str, kept: SessionId) -> Result<usize, BackendError> {
        self.revoke(RevokeTarget::AllExcept(subject, kept), subject, self.now()).await
    }

    /// Ends all of a subject's sessions, and returns the number of sessions that it ended. Call this method when a user
    /// is disabled or deleted.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_all_sessions(&self, subject: &str) -> Result<usize, BackendError> {
        self.revoke(RevokeTarget::AllOf(subject), subject, self.now()).await
    }

    /// Ends all sessions of the user that a token belongs to, and returns the number of sessions that it ended. Call
    /// this method when a logged-in user logs out everywhere.
    ///
    /// The session that `token` belongs to ends even if the store has lost the session's row.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_all_sessions_of(&self, token: &VerifiedToken) -> Result<usize, BackendError> {
        let ended = self.revoke_all_sessions(token.subject()).await?;
        Ok(ended + usize::from(self.revoke_session_of(token).await?))
    }

    /// Ends the session of a token. Returns `false` if the token has no session, if the session has already ended, or
    /// if the store has no row for the session. Even if the row is missing, the session's tokens are refused from then
    /// on.
    ///
    /// # Errors
    /// The store failed.
    pub async fn revoke_session_of(&self, token: &VerifiedToken) -> Result<bool, BackendError> {
        let Some(id) = token.session() else { return Ok(false) };
        let row = match self.store() {
            Some(store) => store.find(id).await?,
            None => None,
        };
        let at = row.map_or(token.claims().issued_at, |row| row.rotated_at).max(self.now());
        Ok(self.revoke(RevokeTarget::Sessions(&[id]), token.subject(), at).await? > 0)
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, subject: &str, at: Timestamp) -> Result<usize, BackendError> {
        let ended = self.end(ends, &[subject], at).await?;
        for id in &ended {
            self.emit(EventKind::Revoked, subject, Some(*id), &Client::default());
        }
        Ok(ended.len())
    }

    /// Deletes up to `limit` old rows, and returns how many rows it deleted. Old rows are sessions and revocation log
    /// entries that no valid token refers to. If a process uses an adapter, you need not call this method, because the
    /// adapter calls it every ten minutes.
    ///
    /// If the store has its own clock ([`SessionStore::time`](crate::session::SessionStore::time)), that clock
    /// determines which rows are old. If the store's clock differs from the authenticator's clock by more than a
    /// minute, nothing is deleted, and a warning is logged ([`Self::time_to_prune`]).
    ///
    /// # Errors
    /// The store failed.
    pub async fn prune_sessions(&self, limit: u32) -> Result<u64, BackendError> {
        let Some(store) = self.store() else { return Ok(0) };
        let now = store.time().await?.map_or_else(|| Some(self.now()), |theirs| self.time_to_prune(theirs));
        match now {
            Some(now) => store.prune(now - self.token_memory() - self.0.rules.idle, limit).await,
            None => Ok(0),
        }
    }

    /// Checks a database's clock before old rows are deleted. Returns `database`, which is the time on that clock, if
    /// it is within a minute of the authenticator's time. If the difference is larger, one of the clocks is wrong, so
    /// this method returns `None` and logs a warning (`prune_skipped`).
    ///
    /// Call this method before you delete your own rows by age. Otherwise, if the database's clock is ahead, rows that
    /// are still needed look old and are deleted.
    pub fn time_to_prune(&self, database: Timestamp) -> Option<Timestamp> {
        let ours = self.now();
        let difference = ours.distance(database);
        if difference <= MAX_SKEW {
            return Some(database);
        }
        tracing::warn!(
            event = "prune_skipped",
            seconds = difference.as_secs(),
            "this server's clock is {} s {} the database's clock, so old rows are not deleted; synchronize the clocks, \
             for example with NTP",
            difference.as_secs(),
            if ours > database { "ahead of" } else { "behind" },
        );
        None
    }
}

/// Returns up to `limit` sessions of a subject that are live at `now`, starting after the position `after`. If the
/// store does not support [`StoreAbility::ListPages`], this function reads all live sessions of the subject and returns
/// only the requested ones.
async fn sessions_page(
    store: &dyn ErasedStore,
    subject: &str,
    now: Timestamp,
    after: Option<SessionCursor>,
    limit: u32,
) -> Result<Vec<Session>, BackendError> {
    if store.can(StoreAbility::ListPages) {
        return store.list_page(subject, now, after, limit).await;
    }
    let mut sessions = store.list(subject, now).await?;
    sessions.retain(|row| after.is_none_or(|after| after.precedes(row)));
    sessions.truncate(limit as usize);
    Ok(sessions)
}
