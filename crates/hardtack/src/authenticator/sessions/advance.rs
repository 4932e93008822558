//! Renews the session of an access token: replaces the token in sliding mode, and re-authenticates the user.

use super::refresh::ATTEMPTS;
use super::uncertain_write::UncertainWrite;
use super::{Refreshed, dead};
use crate::authenticator::{Authenticator, Freshness, issue::TokenBuilder};
use crate::clock::Timestamp;
use crate::cookie::Setting;
use crate::error::BackendError;
use crate::event::{Client, EventKind};
use crate::jwt::{Fresh, TokenKind};
use crate::refusal::Reason;
use crate::session::{RefreshFlaw, RevocationKind, RevokeTarget, Rotation, Session};
use crate::token::{IssueError, VerifiedToken};

impl Authenticator {
    /// Exchanges a valid access token for a new one in the same session. Sliding mode, which has no refresh tokens,
    /// extends a session in this way.
    ///
    /// If a re-authentication has replaced the token, the token is accepted only together with the mark of that
    /// re-authentication (`mark`).
    pub(crate) async fn slide(
        &self,
        access: &VerifiedToken,
        mark: Option<&str>,
        client: &Client<'_>,
    ) -> Result<Refreshed, Reason> {
        let slid = self.advance(access, mark, Freshness::Not).await?;
        self.emit(EventKind::Refresh, access.subject(), access.session(), client);
        Ok(slid)
    }

    /// Issues fresh tokens for the session of a valid access token, after the user has typed the password again. The
    /// session's earlier tokens are then refused (ASVS 5.0 V7.2.4). All processes refuse the earlier refresh token at
    /// once. This process also refuses the earlier access tokens at once. Other processes do so as soon as they have
    /// read the revocation log.
    ///
    /// Requests whose access token was verified before the step-up are not interrupted.
    pub(crate) async fn step_up(&self, access: &VerifiedToken, client: &Client<'_>) -> Result<Refreshed, Reason> {
        let raised = self.advance(access, None, Freshness::FreshLifetime).await?;
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

    /// Adds the cookie that contains the mark of a re-authentication. If the response to an earlier refresh arrives
    /// later than this response, the browser loses the new tokens, but keeps the mark, because no other response sets
    /// or deletes the mark's cookie.
    fn with_mark(&self, mut raised: Refreshed, row: &Session, now: Timestamp) -> Result<Refreshed, IssueError> {
        let policy = self.cookies();
        let setting = Setting { domain: None, max_age: Some(row.expires_at.since(now)), now };
        policy.set(&policy.reauthentication, &row.reauthentication_mark(), &setting, &mut raised.cookies)?;
        Ok(raised)
    }

    /// Returns whether a re-authentication replaced this access token recently enough to be within the race window.
    fn has_just_replaced(&self, row: &Session, access: &VerifiedToken, now: Timestamp) -> bool {
        row.supersedes(access.claims().auth_time) && now.since(row.auth_time) <= self.0.rules.race_window
    }

    async fn advance(
        &self,
        access: &VerifiedToken,
        mark: Option<&str>,
        freshness: Freshness,
    ) -> Result<Refreshed, Reason> {
        let now = self.now();
        let (fresh, typed) = (freshness.at(now), freshness != Freshness::Not);
        let (Some(store), Some(id)) = (self.store(), access.session()) else {
            return self.advance_stateless(access, fresh, typed.then_some(now), now).await;
        };
        let mut has_failed = false;
        for _ in 0..ATTEMPTS {
            let row = store.find(id).await?.ok_or(Reason::Revoked)?;
            if !row.is_live(now) {
                return Err(dead(&row));
            }
            // A re-authentication needs no proof of the device's key, because the user has entered the password.
            // Sliding mode does not use proofs.
            if row.bound_key.is_some() && !typed {
                return Err(Reason::Refresh(RefreshFlaw::Unproven));
            }
            let typed_just_now = typed && self.has_just_replaced(&row, access, now);
            if row.supersedes(access.claims().auth_time) && !typed_just_now && !row.has_mark(mark) {
                return Err(Reason::Replaced);
            }
            let added = self.added_claims(&row.subject).await?;
            let rotation = Rotation {
                auth_time: typed.then(|| row.next_auth_time(now)),
                proven: typed,
                ..Rotation::new(now, now + self.0.rules.idle(row.persistent))
            };
            // If two requests extend the session at once, or a re-authentication is sent twice, the second request gets
            // the tokens of the first. A second rotation would make the first request's tokens look stolen. The
            // generation shows whether another request has rotated the row. If the token has no generation, compare its
            // `iat` with the time of the last rotation. This comparison is less reliable, because two servers' clocks
            // may differ. If the last rotation is so far in the future that this server would refuse tokens issued at
            // that time, rotate again.
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
            let asked = self.moment();
            let rotated = match store.rotate(id, row.generation, rotation).await {
                Ok(rotated) => rotated,
                // The store may have rotated the row, although its reply was lost. In this case, the next attempt returns
                // the new tokens.
                Err(_) if !has_failed && self.can_ask_again(asked) => {
                    has_failed = true;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            write.into_iter().for_each(UncertainWrite::confirm);
            if let Some(rotated) = rotated {
                if typed {
                    self.learn(id, RevocationKind::Outdated(row.generation), now, self.moment());
                }
                self.await_confirmation(&rotated);
                let added = self.added_claims_of(&rotated, row.generation, added).await?;
                let advanced = self.proven_cookies(&rotated, added, fresh, proven_at, now)?;
                return Ok(if typed { self.with_mark(advanced, &rotated, now)? } else { advanced });
            }
        }
        Err(BackendError::new("the session could not be refreshed, because its stored state kept changing").into())
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
}
