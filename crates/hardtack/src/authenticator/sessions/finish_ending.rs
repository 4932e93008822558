//! Ends sessions after the application changes something, such as a password. The transaction that makes the change
//! either ends the sessions itself or stores a [`PendingRevocation`], which records that the sessions must end. In the
//! second case, the sessions are ended after the commit.

use super::sooner::sooner;
use crate::authenticator::Authenticator;
use crate::clock::Timestamp;
use crate::error::{BackendError, WithCauses};
use crate::event::{Client, EventKind};
use crate::refusal::Reason;
use crate::session::{EndedSessions, Ending, ErasedStore, PendingRevocation, RevokeTarget, SessionId};
use crate::token::VerifiedToken;

/// How many pending revocations one query reads.
const BATCH: u32 = 100;

impl Authenticator {
    /// Makes this process refuse the sessions that a transaction of the application has ended. Call this method after
    /// the commit if the browser does not get a new session. That is the case after a password reset by mail, for
    /// example, or after a user is disabled or deleted.
    ///
    /// Returns `false` if the sessions could not be ended yet. This can only happen if the sessions are in a different
    /// database from the one that the transaction changed, and one of the two databases has failed. This process then
    /// refuses the sessions, and a server ends them once both databases work again. What the transaction changed, such
    /// as the new password, is stored in any case, so do not tell the user to try again.
    ///
    /// ```
    /// # async fn reset(auth: &hardtack::Authenticator, ended: hardtack::session::EndedSessions) -> &'static str {
    /// // … the transaction that stored the new password has committed.
    /// if auth.finish_ending(ended).await {
    ///     "Your password was changed, and all devices were logged out."
    /// } else {
    ///     "Your password was changed. All devices will be logged out within seconds."
    /// }
    /// # }
    /// ```
    pub async fn finish_ending(&self, ended: EndedSessions) -> bool {
        match ended.0 {
            Ending::None => true,
            Ending::InTransaction { subject, ids } => {
                self.learn_committed(&subject, &ids, None, &Client::default()).await;
                true
            }
            Ending::Pending(intention) => self.try_to_work_off(&intention).await,
        }
    }

    /// Reads the revocation log to find out which of the sessions ended, and emits an event for each session that did.
    /// If the transaction was rolled back, no session ended. The browser that held the session `renewed` gets a new
    /// session, so the event for `renewed` is [`EventKind::Replaced`].
    pub(super) async fn learn_committed(
        &self,
        subject: &str,
        ids: &[SessionId],
        renewed: Option<SessionId>,
        client: &Client<'_>,
    ) {
        if !self.read_committed(ids.iter().copied()).await {
            return;
        }
        for id in ids {
            if self.is_known_to_have_ended(*id) {
                let kind = if Some(*id) == renewed { EventKind::Replaced } else { EventKind::Revoked };
                self.emit(kind, subject, Some(*id), client);
            }
        }
    }

    /// Reads the revocation log after the application has run a transaction that may have changed these sessions.
    /// Returns `false` if reading fails. This process then looks up these sessions in the store on each request until
    /// it has read the log.
    pub(super) async fn read_committed(&self, ids: impl Iterator<Item = SessionId>) -> bool {
        let now = self.moment();
        let until = now.after(self.token_memory());
        ids.for_each(|id| self.0.revocation_cache.mark_uncertain(id, until, now));
        let read = self.read_log(std::future::pending::<()>).await;
        if let Err(error) = &read {
            tracing::warn!(event = "ending_unread", error = %WithCauses(error));
        }
        read.is_ok()
    }

    /// Carries out a pending revocation. If that fails, returns `false`, and this process refuses the sessions until an
    /// attempt succeeds.
    pub(super) async fn try_to_work_off(&self, intention: &PendingRevocation) -> bool {
        let result = self.work_off(intention).await;
        if let Err(error) = &result {
            log_failed(Some(intention.number), error);
        }
        result.is_ok()
    }

    /// Carries out all pending revocations for a subject. A log-in calls this method before it creates a session,
    /// because an old pending revocation could otherwise end the new session later.
    pub(super) async fn work_off_all_of(&self, subject: &str) -> Result<(), BackendError> {
        let Some(pending) = &self.0.pending else { return Ok(()) };
        for intention in pending.find(subject).await? {
            self.work_off(&intention).await?;
        }
        self.0.held.release(subject);
        Ok(())
    }

    /// Carries out all due pending revocations, including those that other processes have stored, and then retries
    /// those that failed in this process. If several attempts in a row fail, only the first failure is logged.
    pub(super) async fn follow_pending<S: Future<Output = ()>>(&self, failed: &mut bool, patience: impl Fn() -> S) {
        if self.0.pending.is_none() {
            return;
        }
        let mut work: std::pin::Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(self.work_off_due());
        let result = sooner(&mut work, patience()).await;
        let result = result.unwrap_or_else(|| Err(BackendError::new("ending sessions took too long")));
        match result {
            Ok(()) if std::mem::take(failed) => tracing::info!(event = "ending_recovered"),
            Ok(()) => {}
            Err(error) => {
                if !std::mem::replace(failed, true) {
                    log_failed(None, &error);
                }
            }
        }
    }

    pub(super) async fn work_off_due(&self) -> Result<(), BackendError> {
        let Some(pending) = &self.0.pending else { return Ok(()) };
        loop {
            let due = pending.due(BATCH).await?;
            for (at, intention) in due.iter().enumerate() {
                if let Err(error) = self.work_off(intention).await {
                    // The store is failing, so do not make another request to it for each remaining pending revocation.
                    due.iter().skip(at + 1).for_each(|rest| self.hold(rest));
                    return Err(error);
                }
            }
            if due.len() < BATCH as usize {
                break;
            }
        }
        for subject in self.0.held.subjects() {
            self.work_off_all_of(&subject).await?;
        }
        Ok(())
    }

    /// Ends the sessions that a pending revocation selects, and then removes the pending revocation. If the future
    /// fails or is dropped, this process refuses the sessions until an attempt succeeds.
    async fn work_off(&self, intention: &PendingRevocation) -> Result<(), BackendError> {
        let unfinished = UnfinishedEnding { authenticator: self, intention, finished: false };
        let Some(store) = self.store() else {
            return Err(BackendError::new(
                "the sessions cannot be ended, because the authenticator has no session store; call \
                 AuthenticatorBuilder::sessions",
            ));
        };
        let PendingRevocation { number, subject, kept } = intention;
        let unended = self.unended_sessions(store, subject).await?.into_iter();
        let ending: Vec<_> = unended.filter(|(id, _)| Some(*id) != *kept).collect();
        let ending = self.without_successor(store, *kept, ending).await?;
        let (ids, times): (Vec<SessionId>, Vec<Timestamp>) = ending.into_iter().unzip();
        // List the sessions first, and then check whether the pending revocation is still stored. If another process
        // has already carried it out, the list may contain the session of a later log-in, which must not end.
        if self.is_stored(intention).await? {
            if !ids.is_empty() {
                // If another server's clock is ahead, the times in these sessions' rows may be in the future.
                let at = times.into_iter().fold(self.now(), Timestamp::max);
                // Do not report that the sessions ended, because the transaction that stored the pending revocation has
                // already recorded this.
                let ended = self.end_unreported(RevokeTarget::Sessions(&ids), at).await?;
                for id in ended {
                    self.emit(EventKind::Revoked, subject, Some(id), &Client::default());
                }
            }
            match &self.0.pending {
                Some(pending) => pending.remove(*number).await?,
                None => tracing::error!(
                    event = "intention_not_removed",
                    number,
                    "the sessions have ended, but their pending revocation stays in the database, because the \
                     authenticator does not know where pending revocations are stored; call \
                     AuthenticatorBuilder::pending_revocations"
                ),
            }
        } else {
            // Read from the log which sessions the other process has ended.
            self.read_log(std::future::pending::<()>).await?;
        }
        unfinished.confirm();
        Ok(())
    }

    /// Removes from `ending` the session that has replaced `kept` after a password change. Without this step, a browser
    /// that sends a password form twice could lose its new session: the first request replaces the session `kept`, and
    /// then the second request's pending revocation would end the new session.
    ///
    /// A session that replaces another one after a password change has the same salt.
    async fn without_successor(
        &self,
        store: &dyn ErasedStore,
        kept: Option<SessionId>,
        ending: Vec<(SessionId, Timestamp)>,
    ) -> Result<Vec<(SessionId, Timestamp)>, BackendError> {
        let kept = match kept {
            Some(id) if !ending.is_empty() => store.find(id).await?.filter(|row| row.replaced),
            _ => None,
        };
        let Some(kept) = kept else { return Ok(ending) };
        let mut left = Vec::new();
        for (id, at) in ending {
            if store.find(id).await?.is_none_or(|row| row.salt != kept.salt) {
                left.push((id, at));
            }
        }
        Ok(left)
    }

    /// Returns whether the pending revocation is still stored, which means that no process has carried it out yet. If
    /// the application has not registered a store for pending revocations, returns `true`, because the pending
    /// revocation then comes from a transaction that has just been committed.
    async fn is_stored(&self, intention: &PendingRevocation) -> Result<bool, BackendError> {
        let Some(pending) = &self.0.pending else { return Ok(true) };
        Ok(pending.find(&intention.subject).await?.iter().any(|found| found.number == intention.number))
    }

    /// Makes this process refuse the sessions that a pending revocation selects.
    fn hold(&self, intention: &PendingRevocation) {
        self.0.held.hold(&intention.subject, intention.kept);
        // Hold the subject before marking the cache as incomplete, because requests look for held subjects only if the
        // cache is marked as incomplete.
        self.0.log.incomplete();
        self.0.watchers.wake_all();
    }

    /// Refuses a token if an earlier attempt to end its session in the store failed.
    pub(crate) fn check_not_held(&self, token: &VerifiedToken) -> Result<(), Reason> {
        if self.0.held.holds(token.subject(), token.session()) {
            return Err(BackendError::new("the session must end, but the store has not ended it yet").into());
        }
        Ok(())
    }
}

/// A pending revocation that is being carried out. If this value is dropped before [`Self::confirm`] is called, this
/// process refuses the sessions that the pending revocation selects.
struct UnfinishedEnding<'a> {
    authenticator: &'a Authenticator,
    intention: &'a PendingRevocation,
    finished: bool,
}

/// Logs that sessions could not be ended. `number` is the number of the pending revocation, if it is known.
pub(super) fn log_failed(number: Option<u64>, error: &BackendError) {
    tracing::error!(
        event = "ending_failed",
        number,
        error = %WithCauses(error),
        "sessions that must end could not be ended in the session store; the server tries again until it succeeds; check \
         that the session store is running and can be reached"
    );
}

impl UnfinishedEnding<'_> {
    fn confirm(mut self) {
        self.finished = true;
    }
}

impl Drop for UnfinishedEnding<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.authenticator.hold(self.intention);
        }
    }
}
