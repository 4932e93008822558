//! Creates a session when a user logs in, and replaces all of a user's sessions with a new one.

use std::borrow::Cow;

use serde_json::Value;

use super::dead;
use super::tokens::PERSISTENT;
use super::uncertain_write::UncertainWrite;
use super::undelivered::Undelivered;
use crate::authenticator::{Authenticator, LogIn, SessionError};
use crate::clock::Timestamp;
use crate::cookie::SetCookies;
use crate::error::{BackendError, WithCauses};
use crate::event::{Client, EventKind};
use crate::jwt::Fresh;
use crate::refusal::Reason;
use crate::session::{EndedSessions, Ending, ErasedStore, PendingRevocation, RevokeTarget, Session, SessionId};
use crate::token::VerifiedToken;

impl Authenticator {
    /// Logs a user in and returns the cookies of the new session.
    ///
    /// In a request handler, call the adapter's `Auth::log_in` instead. That method also checks the request's origin,
    /// and ends the browser's previous session.
    ///
    /// # Errors
    /// - The store failed.
    /// - A token cannot be issued, for example because the claims are not a JSON object, have a reserved name, or do
    ///   not fit into tokens and cookies.
    /// - The check that was set with [`LogIn::confirm`] refused the log-in.
    pub async fn log_in(&self, log_in: impl Into<LogIn>) -> Result<SetCookies, SessionError> {
        self.begin(log_in.into(), &[]).await
    }

    /// Creates a session, and ends the browser's previous sessions, whose tokens are in `held`.
    pub(crate) async fn begin(&self, log_in: LogIn, held: &[VerifiedToken]) -> Result<SetCookies, SessionError> {
        let now = self.now();
        let replaced: Vec<SessionId> = held.iter().filter_map(VerifiedToken::session).collect();
        let mut extra = log_in.extra.into_map()?;
        let confirm = log_in.confirm;
        if let (Some(remember), None) = (log_in.remember, self.store()) {
            extra.insert(PERSISTENT.into(), remember.into());
        }
        let session = Session {
            claims: (!extra.is_empty()).then(|| Value::Object(extra).to_string()),
            user_agent: log_in.user_agent,
            address: log_in.address,
            ..Session::begin(log_in.subject, now, &self.0.rules)
        };
        let persistent = log_in.remember.unwrap_or(!self.cookies().session_cookies);
        let session = session.with_persistence(persistent, &self.0.rules);
        // Issue the tokens before storing the session. Otherwise, if the claims do not fit into the tokens, a useless
        // session would be left in the store.
        let fresh = log_in.freshness.at(now);
        let added = self.added_claims(&session.subject).await?;
        let cookies = self.session_cookies(&session, added, fresh, now)?.cookies;
        let (mut ended, mut undelivered) = self.insert(&session, RevokeTarget::Replaced(&replaced), held, now).await?;
        let client = Client {
            address: session.address.as_deref().map(Cow::Borrowed),
            user_agent: session.user_agent.as_deref(),
        };
        // The browser's access token and refresh token can belong to the same session. Report the end of this session
        // only once.
        for token in held {
            if let Some(at) = ended.iter().position(|id| Some(*id) == token.session()) {
                self.emit(EventKind::Replaced, token.subject(), Some(ended.swap_remove(at)), &client);
            }
        }
        // The remaining sessions were ended because the user had reached the session limit.
        for id in ended {
            self.emit(EventKind::Revoked, &session.subject, Some(id), &client);
        }
        let mut cookies = self.asked_again(cookies, &session, &mut undelivered, fresh, now).await?;
        if let Some(confirm) = confirm {
            match confirm().await {
                Ok(more) => cookies.extend(more),
                Err(reason) => {
                    undelivered.end(&session.subject, session.id, now).await?;
                    return Err(SessionError::Refused(Box::new(reason)));
                }
            }
        }
        self.emit(EventKind::LogIn, &session.subject, Some(session.id), &client);
        // If the browser now belongs to another user, the Back button must not show the previous user's pages.
        let other_user = held.iter().any(|token| token.subject() != session.subject);
        let registration = self.registration(&session, now);
        let cookies = cookies.of_session(session.id).asking_to_bind(registration);
        undelivered.delivered();
        Ok(cookies.clearing_cache(other_user && !self.settings().flask))
    }

    /// After a password change, ends all of the user's sessions and starts a new session for this browser. `previous`
    /// is the token of the browser's old session.
    ///
    /// With a store, the CSRF value stays the same, so forms in other tabs can still be posted. When this method
    /// returns, all of the user's older sessions have ended, even those that began in the same second. Without a store,
    /// only the session to which `previous` belongs ends.
    ///
    /// The application's transaction might already have ended the sessions, or recorded that they must end. The new
    /// password is then stored, so this method reports no failure of the change:
    ///
    /// - If the browser's session has been replaced in the meantime, no cookies are returned. The browser sent the
    ///   request twice, and the other response contains its new cookies.
    /// - If the session has ended for another reason, the error is [`Reason::EndedAfterChange`].
    /// - If the store fails or no tokens can be issued, the failure is only logged, and no cookies are returned.
    pub(crate) async fn renew(
        &self,
        previous: &VerifiedToken,
        ended: EndedSessions,
        client: &Client<'_>,
    ) -> Result<SetCookies, Reason> {
        if ended.subject().is_some_and(|subject| subject != previous.subject()) {
            return Err(Reason::OtherUser);
        }
        let renewed = match ended.0 {
            Ending::None => return self.replace_all(previous, &[], client).await,
            Ending::InTransaction { subject, ids } => {
                self.learn_committed(&subject, &ids, previous.session(), client).await;
                self.replace_all(previous, &ids, client).await
            }
            Ending::Pending(intention) => {
                // Do not end the browser's own session yet, because `replace_all` replaces it with the new session.
                let intention = PendingRevocation { kept: previous.session(), ..intention };
                if self.try_to_work_off(&intention).await {
                    self.replace_all(previous, &[], client).await
                } else {
                    Ok(SetCookies::default())
                }
            }
        };
        let outcome = match renewed {
            Ok(cookies) => Ok(cookies),
            Err(Reason::Replaced) => Ok(SetCookies::default()),
            Err(Reason::Revoked) => Err(Reason::EndedAfterChange),
            Err(error) => {
                tracing::error!(event = "renewal_failed", error = %WithCauses(&error));
                Ok(SetCookies::default())
            }
        };
        if outcome.as_ref().map_or(true, SetCookies::is_empty) {
            self.emit(EventKind::PasswordChanged, previous.subject(), previous.session(), client);
        }
        outcome
    }

    /// Does the same as [`Self::renew`], but does not create a new session. Call this method if cookies can no longer
    /// reach the browser, for example because the client has disconnected. If the password change did not end the
    /// browser's own session, that session continues.
    pub(crate) async fn end_unseen(
        &self,
        previous: &VerifiedToken,
        ended: EndedSessions,
        client: &Client<'_>,
    ) -> Result<(), Reason> {
        if ended.subject().is_some_and(|subject| subject != previous.subject()) {
            return Err(Reason::OtherUser);
        }
        self.finish_ending(ended).await;
        self.emit(EventKind::PasswordChanged, previous.subject(), previous.session(), client);
        Ok(())
    }

    /// Ends all of the user's sessions and starts a new session for this browser. `previous` is the token of the
    /// browser's old session. `ended` lists the sessions that the application's transaction has already ended.
    async fn replace_all(
        &self,
        previous: &VerifiedToken,
        ended: &[SessionId],
        client: &Client<'_>,
    ) -> Result<SetCookies, Reason> {
        let now = self.now();
        let mut ended_with_change = false;
        let mut session = Session::begin(previous.subject(), now, &self.0.rules);
        if let (Some(store), Some(id)) = (self.store(), previous.session()) {
            let Some(row) = store.find(id).await? else {
                // The store has lost the session's row. Record in the revocation log that the session has ended, so
                // that other processes refuse its tokens.
                self.revoke_session_of(previous).await?;
                return Err(Reason::Revoked);
            };
            // The application's transaction has ended this session, which was live until then, so the browser gets a
            // new session. The row of the ended session also proves that the transaction was committed.
            ended_with_change = ended.contains(&id) && row.revoked_at.is_some() && now < row.expires_at;
            if !ended_with_change && !row.is_live(now) {
                return Err(dead(&row));
            }
            session = Session {
                salt: row.salt,
                created_at: row.created_at,
                claims: row.claims,
                user_agent: row.user_agent,
                address: row.address,
                ..session.with_persistence(row.persistent, &self.0.rules)
            };
        } else {
            let added = self.added_claims(previous.subject()).await?;
            let extra = self.carried_claims(previous, &added);
            session.persistent = self.are_persistent(&extra);
            session.claims = Some(Value::Object(extra).to_string());
        }
        let added = self.added_claims(&session.subject).await?;
        let cookies = self.session_cookies(&session, added, Fresh::Yes, now)?.cookies;
        let replaced = previous.session().filter(|_| !ended_with_change);
        let ends =
            replaced.map_or(RevokeTarget::AllOf(&session.subject), |id| RevokeTarget::Renewed(&session.subject, id));
        let (ended, mut undelivered) = self.insert(&session, ends, &[], now).await?;
        if let Some(id) = replaced {
            // The old session might have ended between the read and the write. In this case, the store has not added
            // the new session.
            if let (Some(store), false) = (self.store(), ended.contains(&id)) {
                return Err(store.find(id).await?.map_or(Reason::Revoked, |row| dead(&row)));
            }
        }
        // The old session's claims might have changed since they were read. In this case, the new session has outdated
        // claims, so it must end as well. It also ends if the store does not say whether the claims have changed.
        if let (Some(store), Some(id)) = (self.store(), replaced) {
            let found = store.find(id).await;
            let is_unchanged = matches!(&found, Ok(Some(row)) if row.claims == session.claims);
            if !is_unchanged {
                undelivered.end(&session.subject, session.id, now).await?;
                return Err(found.map_or_else(Reason::from, |_| Reason::Revoked));
            }
        }
        for id in ended {
            let kind = if Some(id) == replaced { EventKind::Replaced } else { EventKind::Revoked };
            self.emit(kind, &session.subject, Some(id), client);
        }
        let cookies = self.asked_again(cookies, &session, &mut undelivered, Fresh::Yes, now).await?;
        self.emit(EventKind::PasswordChanged, &session.subject, Some(session.id), client);
        undelivered.delivered();
        Ok(cookies.of_session(session.id).asking_to_bind(self.registration(&session, now)))
    }

    /// Completes a log-in after the session has been stored. If the application adds claims with a callback, these
    /// claims might have changed since they were first loaded. A call to `reload_claims` before the session was stored
    /// could not mark the session's tokens as outdated, so this method calls the callback again and reissues the
    /// cookies.
    ///
    /// If the claims cannot be loaded again, this method ends the new session, because the claims that were loaded
    /// first might be outdated, and nothing would replace them.
    async fn asked_again(
        &self,
        cookies: SetCookies,
        session: &Session,
        undelivered: &mut Undelivered<'_>,
        fresh: Fresh,
        now: Timestamp,
    ) -> Result<SetCookies, SessionError> {
        if self.0.callbacks.additional_claims.is_none() {
            return Ok(cookies);
        }
        let reissued = match self.added_claims(&session.subject).await {
            Ok(added) => self.session_cookies(session, added, fresh, now).map_err(SessionError::from),
            Err(error) => Err(error),
        };
        match reissued {
            Ok(reissued) => Ok(reissued.cookies),
            Err(error) => {
                undelivered.end(&session.subject, session.id, now).await?;
                Err(error)
            }
        }
    }

    /// Stores a session, and ends the sessions that `ends` selects. If `ends` is [`RevokeTarget::Replaced`], `held`
    /// contains the tokens of the sessions to end. Returns the ids of the sessions that were ended. If the store fails,
    /// it may have stored the session, so the session ends in the background.
    async fn insert(
        &self,
        session: &Session,
        ends: RevokeTarget<'_>,
        held: &[VerifiedToken],
        now: Timestamp,
    ) -> Result<(Vec<SessionId>, Undelivered<'_>), BackendError> {
        self.work_off_all_of(&session.subject).await?;
        let Some(store) = self.store() else {
            let at = held.iter().fold(now, |at, token| at.max(token.claims().issued_at));
            self.end_locally(&[], ends, at);
            return Ok((ends.named().to_vec(), self.undelivered(&session.subject, session.id)));
        };
        let write = self.begin_uncertain_write(store, ends).await?;
        let undelivered = self.undelivered(&session.subject, session.id);
        let asked = self.moment();
        let created = self.create(store, session, ends, held, &write, now).await;
        if let Ok(ended) = &created {
            self.end_locally(ended, ends, now);
        }
        let subjects: Vec<&str> = held.iter().map(VerifiedToken::subject).chain([session.subject.as_str()]).collect();
        self.report_ended(&created, ends, &subjects).await;
        match created {
            Ok(ended) => {
                write.confirm();
                Ok((ended, undelivered))
            }
            // Do not confirm the write, because the reply that lists the ended sessions is lost.
            Err(error) => {
                let ended = self.find_after_error(store, session, ends, &write, (asked, error)).await?;
                self.end_locally(&ended, ends, now);
                Ok((ended, undelivered))
            }
        }
    }

    async fn create(
        &self,
        store: &dyn ErasedStore,
        session: &Session,
        ends: RevokeTarget<'_>,
        held: &[VerifiedToken],
        write: &UncertainWrite<'_>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, BackendError> {
        let dated = held.iter().filter_map(|token| Some((token.session()?, token.claims().issued_at)));
        let mut ended = self.end_early(ends, write.rotations().chain(dated), now).await?;
        ended.extend(match self.settings().sessions.max_sessions {
            Some(limit) => store.create_within(session, ends, limit).await?,
            None => store.create(session, ends).await?,
        });
        Ok(ended)
    }
}
