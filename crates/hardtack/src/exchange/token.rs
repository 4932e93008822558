//! The token in the cookie where somebody has to be waited for: refreshed in place where that is the mode, or
//! refused.

use super::Exchange;
use super::rejection::Rejection;
use super::settle::Looked;
use crate::authenticator::{Found, VerifiedToken};
use crate::clock::Timestamp;
use crate::config::RefreshMode;
use crate::failure::{FailureKind, Reason};
use crate::jwt::{TokenError, TokenKind};
use crate::request::Need;
use crate::session::{Notes, Standing};

impl Exchange<'_> {
    /// The token in the cookie, with all that belongs to cookies: origin, CSRF, refreshing.
    pub(super) async fn in_cookies(&self, need: Need) -> Result<Option<VerifiedToken>, Rejection> {
        self.pursue(self.look(need)?, need).await
    }

    /// What comes of a look at the cookie when somebody is waited for.
    pub(super) async fn pursue(&self, looked: Looked, need: Need) -> Result<Option<VerifiedToken>, Rejection> {
        let found = match looked {
            Looked::Good(token) => Some(token),
            Looked::Undecided(token) => {
                let skipped = need.skip_revocation_check;
                let standing = if skipped { Ok(()) } else { self.check_standing(&token).await };
                match standing {
                    Ok(()) => Some(self.slide_if_due(token).await?),
                    Err(Reason::Token(TokenError::Expired)) => self.renew_outdated(token, need).await?,
                    Err(reason) => return Err(reason.into()),
                }
            }
            Looked::Lapsed(expired) => self.renew_or(expired, need).await?,
            Looked::Refresh => self.refresh_token(need).await?,
        };
        let Some(token) = found else {
            return if need.optional {
                Ok(None)
            } else {
                Err(self.check_origin().err().unwrap_or(Reason::Missing).into())
            };
        };
        let token = self.recognise(token, need)?;
        // A refresh token was shown to the application when it was read.
        if need.kind == TokenKind::Access
            && let Err(reason) = self.engine.check_by_application(&token, need.skip_revocation_check).await
        {
            return Err(Rejection::from(reason).about(token));
        }
        Ok(Some(token))
    }

    /// An access token that is expired or absent: the only two that a refresh may follow.
    async fn renew_or(&self, expired: Option<VerifiedToken>, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        let flaw = |expired: &Option<_>| if expired.is_some() { TokenError::Expired.into() } else { Reason::Missing };
        match self.engine.refresh_mode() {
            RefreshMode::Transparent if self.memo.is_layered() => {
                let refreshed = match self.refresh_token(Need::refresh()).await {
                    Ok(Some(refresh)) => self.refresh_in_place(&refresh).await,
                    Ok(None) => return self.lapsed(flaw(&expired), need),
                    Err(reason) => Err(reason),
                };
                match refreshed {
                    Err(reason) if reason.kind() == FailureKind::Expired => self.lapsed(reason, need),
                    other => other.map(Some),
                }
            }
            RefreshMode::Redirect => {
                if let Some(token) = &expired {
                    self.check_csrf(token)?;
                    return Err(Reason::RefreshNeeded);
                }
                // The refresh cookie does not come here, but its CSRF cookie does, and tells of it. Not
                // where no access cookie comes to either: a refresh would lead back here for ever.
                let policy = self.engine.cookies();
                let mendable = !need.optional && policy.access.is_sent_to(self.head.path());
                let hint = policy.csrf_refresh.name.find(&self.head);
                match hint.map_err(|_| Reason::DuplicateCookie)? {
                    Some(hint) if !hint.is_empty() && mendable => Err(Reason::RefreshNeeded),
                    _ => self.lapsed(Reason::Missing, need),
                }
            }
            _ => self.lapsed(flaw(&expired), need),
        }
    }

    /// Whoever need not be logged in and no longer is counts as nobody; the stale cookies go. A request of
    /// another site is told so: `SameSite` keeps cookies back, and its sender may well be logged in.
    fn lapsed(&self, reason: Reason, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        if !need.optional {
            self.check_origin()?;
            return Err(reason);
        }
        if reason.kind() == FailureKind::Expired && self.ends_here(&reason) {
            *self.memo.cookies() = self.engine.unset_jwt_cookies();
        }
        Ok(None)
    }

    /// A token that is good but for its claims, which have changed since: to be refreshed like an expired one,
    /// or to be replaced where tokens are replaced before they expire.
    async fn renew_outdated(&self, token: VerifiedToken, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        if self.engine.refresh_mode() != RefreshMode::Sliding || !self.memo.is_layered() {
            return self.renew_or(Some(token), need).await;
        }
        let slid = self.engine.slide(&token, &self.client()).await?;
        self.memo.note_refreshed(slid.access.clone(), slid.cookies);
        Ok(Some(slid.access))
    }

    async fn refresh_in_place(&self, refresh: &VerifiedToken) -> Result<VerifiedToken, Reason> {
        let refreshed = self.engine.exchange_refresh(refresh, &self.client()).await?;
        self.memo.note_refreshed(refreshed.access.clone(), refreshed.cookies);
        Ok(refreshed.access)
    }

    /// The refresh cookie's token, its CSRF value checked; its session is judged when it is exchanged.
    pub(super) async fn refresh_token(&self, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        match self.engine.read_as(&self.head, TokenKind::Refresh, need.expected_kind(), self.engine.now())? {
            Found::Absent => Ok(None),
            Found::Expired(_) => Err(TokenError::Expired.into()),
            Found::Valid(token) => {
                self.check_csrf(&token)?;
                if !need.skip_revocation_check {
                    match token.session().map(|id| self.engine.revocations().standing(id)) {
                        Some(Standing::Ended) => return Err(Reason::Revoked),
                        Some(Standing::Replaced) => return Err(Reason::Replaced),
                        _ => {}
                    }
                }
                self.engine.check_by_application(&token, need.skip_revocation_check).await?;
                Ok(Some(token))
            }
        }
    }

    /// One look-up in this process's map; in the store where that may be behind. An access token whose claims
    /// are outdated counts as expired.
    pub(super) async fn check_standing(&self, token: &VerifiedToken) -> Result<(), Reason> {
        let Some(id) = token.session() else { return Ok(()) };
        let notes = match self.engine.standing(id).await? {
            Standing::Live(Notes { outdated: 0, awaited: 0, .. }) => return Ok(()),
            Standing::Live(notes) => notes,
            Standing::Ended => return Err(Reason::Revoked),
            Standing::Replaced => return Err(Reason::Replaced),
        };
        let generation = token.claims().generation.unwrap_or_default();
        if token.kind() == TokenKind::Access && generation <= notes.outdated {
            return Err(TokenError::Expired.into());
        }
        if notes.awaited > 0 && generation == notes.awaited {
            self.engine.confirm(id, generation).await?;
        }
        Ok(())
    }

    /// Sliding: whether a token is past half of its life.
    #[inline]
    pub(super) fn is_due_to_slide(&self, token: &VerifiedToken, now: Timestamp) -> bool {
        self.engine.shortcuts().slides
            && self.memo.is_layered()
            && token.life().is_some_and(|[from, to]| now.since(from) * 2 > to.since(from))
    }

    /// A token that is due is replaced on the way out. Its successor is not fresh, even where this one still is: a
    /// fresh token is never prolonged.
    async fn slide_if_due(&self, token: VerifiedToken) -> Result<VerifiedToken, Reason> {
        if self.is_due_to_slide(&token, self.engine.now()) {
            let refreshed = self.engine.slide(&token, &self.client()).await?;
            // This request still acts with the token that it came with.
            self.memo.note_refreshed(token.clone(), refreshed.cookies);
        }
        Ok(token)
    }
}
