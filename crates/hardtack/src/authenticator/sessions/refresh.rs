//! Extends sessions: exchanges refresh tokens, replaces access tokens in sliding mode, and re-authenticates users.

use super::tokens::AddedClaims;
use super::uncertain_write::UncertainWrite;
use super::{Refreshed, dead};
use crate::authenticator::{Authenticator, Freshness, SessionError, issue::TokenBuilder};
use crate::clock::Timestamp;
use crate::cookie::Setting;
use crate::error::BackendError;
use crate::event::{Client, EventKind};
use crate::jwt::{Claims, Fresh, TokenError, TokenKind};
use crate::refusal::Reason;
use crate::session::{RefreshFlaw, RefreshVerdict, RevocationKind, RevokeTarget, Rotation, Session, SessionId};
use crate::token::{IssueError, VerifiedToken};

/// How many times to try a rotation before returning an error. A rotation fails if another request writes to the same
/// row at the same time.
pub(super) const ATTEMPTS: usize = 8;

impl Authenticator {
    /// Exchanges a verified refresh token. The new access token is never fresh.
    ///
    /// If the refresh of a bound session is refused because there is no proof, the caller decides whether to
    /// [report](Self::report_unproven) the refusal. Even if a re-authentication has replaced the token, a browser with
    /// the device's key can still [refresh](Self::refresh_bound) if `mark` is the mark of this re-authentication.
    pub(crate) async fn exchange_refresh(
        &self,
        refresh: &VerifiedToken,
        mark: Option<&str>,
        client: &Client<'_>,
    ) -> Result<Refreshed, Reason> {
        let now = self.now();
        let Some(store) = self.store() else { return self.exchange_stateless(refresh, client, now).await };
        let (Some(id), Some(generation)) = (refresh.session(), refresh.claims().generation) else {
            return Err(self.flaw(RefreshFlaw::UnknownSession, refresh, client));
        };
        let auth_time = refresh.claims().auth_time;
        // Call the callback before the rotation, so that the client can use the refresh token again if the callback
        // fails.
        let added = self.added_claims(refresh.subject()).await?;
        let rotation = Rotation::new(now, now + self.idle_of(refresh));
        for _ in 0..ATTEMPTS {
            if let Some(row) = store.rotate(id, generation, rotation).await? {
                self.await_confirmation(&row);
                self.emit(EventKind::Refresh, &row.subject, Some(id), client);
                let added = self.added_claims_of(&row, generation, added).await?;
                return Ok(self.session_cookies(&row, added, Fresh::No, now)?);
            }
            let Some(row) = store.find(id).await? else {
                return Err(self.flaw(RefreshFlaw::UnknownSession, refresh, client));
            };
            let flaw = match self.0.rules.check_refresh(&row, generation, auth_time, now) {
                RefreshVerdict::Repeat => {
                    let added = self.added_claims_of(&row, generation, added).await?;
                    return Ok(self.session_cookies(&row, added, Fresh::No, now)?);
                }
                RefreshVerdict::Retry => continue,
                RefreshVerdict::Early => {
                    self.warn_of_early(row.rotated_at, now);
                    return Err(TokenError::IssuedInFuture.into());
                }
                RefreshVerdict::Superseded if row.bound_key.is_some() && row.has_mark(mark) => {
                    return Err(Reason::Refresh(RefreshFlaw::Unproven));
                }
                RefreshVerdict::Superseded => {
                    let _ = self.flaw(RefreshFlaw::Superseded, refresh, client);
                    // The browser already has the new tokens, or is about to get them.
                    return Err(Reason::Replaced);
                }
                // The caller knows whether the missing proof is a sign of an attack.
                RefreshVerdict::Unproven => return Err(Reason::Refresh(RefreshFlaw::Unproven)),
                RefreshVerdict::Revoked => RefreshFlaw::SessionEnded,
                RefreshVerdict::Expired => RefreshFlaw::SessionExpired,
                RefreshVerdict::Ahead => RefreshFlaw::Ahead,
                RefreshVerdict::Reuse => {
                    // End the session before responding, so that it ends even if the response cannot be sent.
                    let at = row.rotated_at.max(now);
                    self.end(RevokeTarget::Sessions(&[id]), &[&row.subject], at).await?;
                    RefreshFlaw::Reused
                }
            };
            let reason = self.flaw(flaw, refresh, client);
            return Err(if row.replaced { Reason::Replaced } else { reason });
        }
        Err(BackendError::new("the session could not be refreshed, because its row in the store kept changing").into())
    }

    /// Returns the claims that the callback adds to the tokens of a rotated row. The claims `added` were loaded while
    /// `generation` was current. If the claims have been changed since then, `added` may be outdated, so this method
    /// calls the callback again.
    pub(super) async fn added_claims_of(
        &self,
        row: &Session,
        generation: u64,
        added: AddedClaims,
    ) -> Result<AddedClaims, SessionError> {
        if row.outdated_generation < generation { Ok(added) } else { self.added_claims(&row.subject).await }
    }

    /// Returns whether the store says that a refresh token is the newest of its session. Also works for expired tokens.
    /// Returns `false` if there is no store.
    pub(crate) async fn is_newest_refresh(&self, refresh: &VerifiedToken) -> Result<bool, BackendError> {
        let (Some(store), Some(id)) = (self.store(), refresh.session()) else { return Ok(false) };
        Ok(store.find(id).await?.is_some_and(|row| refresh.claims().generation == Some(row.generation)))
    }

    /// Emits the event for a refresh of a bound session that contained no proof.
    pub(crate) fn report_unproven(&self, refresh: &VerifiedToken, client: &Client<'_>) {
        let _ = self.flaw(RefreshFlaw::Unproven, refresh, client);
    }

    pub(super) fn flaw(&self, flaw: RefreshFlaw, refresh: &VerifiedToken, client: &Client<'_>) -> Reason {
        let kind = match flaw {
            RefreshFlaw::Reused => EventKind::ReuseDetected,
            RefreshFlaw::Ahead => EventKind::RefreshAhead,
            RefreshFlaw::Unproven => EventKind::UnprovenRefresh,
            RefreshFlaw::ProofFailed => EventKind::ProofFailed,
            flaw => EventKind::RefreshRefused(flaw),
        };
        self.emit(kind, refresh.subject(), refresh.session(), client);
        Reason::Refresh(flaw)
    }

    /// Issues a new access token for a refresh token if there is no store. The refresh token stays the same, as in
    /// Flask-JWT-Extended.
    async fn exchange_stateless(
        &self,
        refresh: &VerifiedToken,
        client: &Client<'_>,
        now: Timestamp,
    ) -> Result<Refreshed, Reason> {
        let from = refresh.claims();
        let mut claims =
            Claims::new(from.subject.clone(), format!("{:032x}", rand::random::<u128>()), TokenKind::Access, now);
        claims.csrf = from.csrf.clone();
        claims.session = from.session;
        claims.auth_time = from.auth_time;
        claims.issuer = from.issuer.clone();
        claims.audience = from.audience.clone();
        let lifetime = self.settings().access_lifetime;
        let added = self.added_claims(refresh.subject()).await?;
        let extra = self.carried_claims(refresh, &added);
        let persistent = self.are_persistent(&extra);
        let access = TokenBuilder::without_callbacks(self, claims, lifetime, extra).with_added(added).issue()?;
        let cookies = self.access_cookies(&access, from.expires_at, persistent)?;
        self.emit(EventKind::Refresh, refresh.subject(), refresh.session(), client);
        Ok(Refreshed { access: access.into_verified(), cookies })
    }

    /// Exchanges a valid access token for a new one of the same session. Sliding mode, which has no refresh tokens,
    /// extends a session in this way.
    pub(crate) async fn slide(&self, access: &VerifiedToken, client: &Client<'_>) -> Result<Refreshed, Reason> {
        let slid = self.advance(access, Freshness::Not).await?;
        self.emit(EventKind::Refresh, access.subject(), access.session(), client);
        Ok(slid)
    }

    /// Issues fresh tokens for the session of a valid access token, after the user has typed the password again. The
    /// session's earlier tokens are then refused (ASVS 5.0 V7.2.4). All processes refuse the earlier refresh token at
    /// once. This process also refuses the earlier access tokens at once. Other processes do so as soon as they have
    /// read the revocation log.
    ///
    /// A request whose access token has already been verified continues.
    pub(crate) async fn step_up(&self, access: &VerifiedToken, client: &Client<'_>) -> Result<Refreshed, Reason> {
        let raised = self.advance(access, Freshness::FreshLifetime).await?;
        self.emit(EventKind::Reauthenticated, access.subject(), access.session(), client);
        Ok(raised)
    }

    /// Returns whether a re-authentication has replaced this access token within the race window, and the session is
    /// live. [`Self::step_up`] then returns the tokens of that re-authentication again.
    pub(crate) async fn has_just_stepped_up(&self, access: &VerifiedToken) -> Result<bool, BackendError> {
        let now = self.now();
        let (Some(store), Some(id)) = (self.store(), access.session()) else { return Ok(false) };
        let row = store.find(id).await?;
        Ok(row.is_some_and(|row| row.is_live(now) && self.has_just_replaced(&row, access, now)))
    }

    /// Adds the cookie with the mark of a re-authentication, if the session is bound. Call this method if the response
    /// to a refresh might arrive later than the response to the re-authentication.
    fn with_mark(&self, mut raised: Refreshed, row: &Session, now: Timestamp) -> Result<Refreshed, IssueError> {
        if row.bound_key.is_some() {
            let policy = self.cookies();
            let setting = Setting { domain: None, max_age: Some(row.expires_at.since(now)), now };
            let value = format!(".{}", row.reauthentication_mark());
            policy.set(&policy.device_proof, &value, &setting, &mut raised.cookies)?;
        }
        Ok(raised)
    }

    /// Returns whether a re-authentication replaced this access token within the last race window.
    fn has_just_replaced(&self, row: &Session, access: &VerifiedToken, now: Timestamp) -> bool {
        row.supersedes(access.claims().auth_time) && now.since(row.auth_time) <= self.0.rules.race_window
    }

    async fn advance(&self, access: &VerifiedToken, freshness: Freshness) -> Result<Refreshed, Reason> {
        let now = self.now();
        let (fresh, typed) = (freshness.at(now), freshness != Freshness::Not);
        let (Some(store), Some(id)) = (self.store(), access.session()) else {
            return self.advance_stateless(access, fresh, typed.then_some(now), now).await;
        };
        for _ in 0..ATTEMPTS {
            let row = store.find(id).await?.ok_or(Reason::Revoked)?;
            if !row.is_live(now) {
                return Err(dead(&row));
            }
            // A re-authentication needs no proof of the device's key, because the user has entered the password.
            // Sliding mode has no proofs.
            if row.bound_key.is_some() && !typed {
                return Err(Reason::Refresh(RefreshFlaw::Unproven));
            }
            let typed_just_now = typed && self.has_just_replaced(&row, access, now);
            if row.supersedes(access.claims().auth_time) && !typed_just_now {
                return Err(Reason::Replaced);
            }
            let added = self.added_claims(&row.subject).await?;
            let rotation = Rotation {
                auth_time: typed.then(|| row.next_auth_time(now)),
                proven: typed,
                ..Rotation::new(now, now + self.0.rules.idle(row.persistent))
            };
            // If two requests extend the session at once, or a re-authentication is sent twice, the second request gets
            // the tokens of the first. A second rotation would make the tokens of the first request look stolen. The
            // generation shows whether another request has rotated the row. If the token has no generation, its `iat`
            // is compared with the time of the rotation. This comparison is less reliable, because the clocks of two
            // servers may differ. If the time of the rotation is so far in the future that this server would refuse the
            // tokens issued then, rotate again.
            let is_rotated = match access.claims().generation {
                Some(generation) => row.generation > generation,
                None => row.rotated_at >= access.claims().issued_at,
            };
            let overtaken = is_rotated && !self.0.rules.is_early(row.rotated_at, now);
            let proven_at = access.claims().proven_at;
            if overtaken && (!typed || typed_just_now) {
                let repeated = self.proven_cookies(&row, added, fresh, proven_at, now)?;
                return Ok(if typed { self.with_mark(repeated, &row, now)? } else { repeated });
            }
            let write = match typed {
                true => Some(self.begin_uncertain_write(store, RevokeTarget::Sessions(&[id])).await?),
                false => None,
            };
            let rotated = store.rotate(id, row.generation, rotation).await?;
            write.into_iter().for_each(UncertainWrite::confirm);
            if let Some(rotated) = rotated {
                if typed {
                    self.learn(id, RevocationKind::Outdated(row.generation), now, self.moment());
                }
                self.await_confirmation(&rotated);
                let added = self.added_claims_of(&rotated, row.generation, added).await?;
                let advanced = self.proven_cookies(&rotated, added, fresh, proven_at, now)?;
                return Ok(if typed && is_rotated { self.with_mark(advanced, &rotated, now)? } else { advanced });
            }
        }
        Err(BackendError::new("the session could not be refreshed, because its row in the store kept changing").into())
    }

    async fn advance_stateless(
        &self,
        access: &VerifiedToken,
        fresh: Fresh,
        auth_time: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Refreshed, Reason> {
        let mut session = Session::begin(access.subject(), now, &self.0.rules);
        session.auth_time = auth_time.or(access.claims().auth_time).unwrap_or(now);
        let mut claims = self.session_claims(&session, TokenKind::Access, session.token_id("access", now), now);
        claims.csrf = access.claims().csrf.clone();
        claims.session = access.claims().session;
        claims.fresh = fresh;
        let lifetime = self.settings().access_lifetime;
        let added = self.added_claims(access.subject()).await?;
        let extra = self.carried_claims(access, &added);
        let persistent = self.are_persistent(&extra);
        let token = TokenBuilder::without_callbacks(self, claims, lifetime, extra).with_added(added).issue()?;
        let cookies = self.access_cookies(&token, Some(session.expires_at), persistent)?;
        Ok(Refreshed { access: token.into_verified(), cookies })
    }

    pub(super) fn await_confirmation(&self, row: &Session) {
        let now = self.moment();
        let until = now.after(self.0.rules.lost_response_window);
        self.0.revocation_cache.await_confirmation(row.id, row.generation, until, now);
    }

    /// Records in the store that a client has used the tokens of this generation, and therefore has received them. Also
    /// updates this process's cache, so that later requests do not write this to the store again.
    pub(crate) async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        if let Some(store) = self.store() {
            store.confirm(id, generation).await?;
        }
        self.0.revocation_cache.confirmed(id, generation);
        Ok(())
    }
}
