//! Exchanges refresh tokens.

use super::Refreshed;
use super::tokens::AddedClaims;
use crate::authenticator::{Authenticator, SessionError, issue::TokenBuilder};
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::event::{Client, EventKind};
use crate::jwt::{Claims, Fresh, TokenError, TokenKind};
use crate::refusal::Reason;
use crate::session::{Presented, RefreshFlaw, RefreshVerdict, RevokeTarget, Rotation, Session, SessionId};
use crate::token::VerifiedToken;

/// How many times to try a rotation before returning an error. A rotation fails if another request writes to the same
/// row at the same time.
pub(super) const ATTEMPTS: usize = 8;

impl Authenticator {
    /// Exchanges a verified refresh token for a new access token, which is never fresh.
    ///
    /// If a bound session's refresh is refused because the request contains no proof, the caller decides whether to
    /// [report](Self::report_unproven) the refusal.
    ///
    /// If a re-authentication has replaced the token, the token is accepted only together with that re-authentication's
    /// mark (`mark`).
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
        let presented = Presented { generation, auth_time: refresh.claims().auth_time, mark };
        // Call `additional_claims` before the rotation. If that callback fails, the client can then use the refresh
        // token again.
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
            let flaw = match self.0.rules.check_refresh(&row, presented, now) {
                RefreshVerdict::Repeat => {
                    let added = self.added_claims_of(&row, generation, added).await?;
                    return Ok(self.session_cookies(&row, added, Fresh::No, now)?);
                }
                RefreshVerdict::Retry => continue,
                RefreshVerdict::Early => {
                    self.warn_of_early(row.rotated_at, now);
                    return Err(TokenError::IssuedInFuture.into());
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
        Err(BackendError::new("the session could not be refreshed, because its stored state kept changing").into())
    }

    /// Returns the claims that the `additional_claims` callback adds to the tokens of a rotated session. `added`
    /// contains the claims that were loaded while `generation` was current. If the claims have been changed since then,
    /// `added` may be outdated, so this method calls the callback again.
    pub(super) async fn added_claims_of(
        &self,
        row: &Session,
        generation: u64,
        added: AddedClaims,
    ) -> Result<AddedClaims, SessionError> {
        if row.outdated_generation < generation { Ok(added) } else { self.added_claims(&row.subject).await }
    }

    /// Returns whether, according to the store, this refresh token is the newest one in its session. Also works for
    /// expired tokens. Returns `false` if there is no store.
    pub(crate) async fn is_newest_refresh(&self, refresh: &VerifiedToken) -> Result<bool, BackendError> {
        let (Some(store), Some(id)) = (self.store(), refresh.session()) else { return Ok(false) };
        Ok(store.find(id).await?.is_some_and(|row| refresh.claims().generation == Some(row.generation)))
    }

    /// Emits the event for a refresh request that belongs to a bound session but contains no proof.
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

    /// Exchanges a refresh token for a new access token when there is no store. The refresh token stays the same, as in
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

    pub(super) fn await_confirmation(&self, row: &Session) {
        let now = self.moment();
        let until = now.after(self.0.rules.lost_response_window);
        self.0.revocation_cache.await_confirmation(row.id, row.generation, until, now);
    }

    /// Records in the store that the client has used the tokens of this generation, which shows that it has received
    /// them. Also updates this process's cache, so that later requests do not write to the store again.
    pub(crate) async fn confirm(&self, id: SessionId, generation: u64) -> Result<(), BackendError> {
        if let Some(store) = self.store() {
            store.confirm(id, generation).await?;
        }
        self.0.revocation_cache.confirmed(id, generation);
        Ok(())
    }
}
