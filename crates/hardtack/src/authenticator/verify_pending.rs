//! The rest of a verification when it needs I/O: the session's row, a refresh in place, a callback.

use super::verify::{CookieVerdict, Pending, RequestVerifier, TokenVerdict};
use crate::config::RefreshMode;
use crate::event::Client;
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::{FailureKind, Reason, Rejection};
use crate::revocation::{Notes, SessionStatus};
use crate::token::VerifiedToken;
use crate::token_source::Need;

impl RequestVerifier<'_> {
    /// Completes a verification. Nothing that was checked before is checked again.
    pub(crate) async fn finish_verifying(
        &self,
        pending: Pending,
        need: Need,
    ) -> Result<Option<VerifiedToken>, Rejection> {
        match pending {
            Pending::Sources(locations) if self.authenticator.settings().flask => {
                self.verify_as_flask(locations, need).await
            }
            Pending::Sources(locations) => self.verify_sources(locations, need).await,
            Pending::Cookie(verdict) => self.finish_cookie(verdict, need).await,
        }
    }

    pub(super) async fn finish_cookie(
        &self,
        verdict: CookieVerdict,
        need: Need,
    ) -> Result<Option<VerifiedToken>, Rejection> {
        let found = match verdict {
            CookieVerdict::Valid(token) => Some(token),
            CookieVerdict::CheckSession(token) => self.check_session_or_renew(token, need).await?,
            CookieVerdict::Expired(token) => self.refresh_or_refuse(Some(token), need).await?,
            CookieVerdict::Missing => self.refresh_or_refuse(None, need).await?,
            CookieVerdict::WantsRefreshToken => self.refresh_token(need).await?,
        };
        let Some(token) = found else {
            return if need.optional {
                Ok(None)
            } else {
                Err(self.check_origin().err().unwrap_or(Reason::Missing).into())
            };
        };
        let token = self.check_freshness(token, need)?;
        // A refresh token was passed to the callbacks when it was read.
        if need.kind == TokenKind::Access
            && let Err(reason) = self.authenticator.0.callbacks.check_token(&token, need.skip_revocation_check).await
        {
            return Err(Rejection::from(reason).about(token));
        }
        Ok(Some(token))
    }

    /// Looks up the session of a valid token, and replaces the token if it is due or its claims are outdated.
    async fn check_session_or_renew(&self, token: VerifiedToken, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        let status = if need.skip_revocation_check { Ok(()) } else { self.check_session(&token).await };
        match status {
            Ok(()) => self.slide_if_due(token).await.map(Some),
            Err(Reason::Token(TokenError::Expired)) => self.renew_outdated(token, need).await,
            Err(reason) => Err(reason),
        }
    }

    /// Refreshes because the access token is expired or missing: no other flaw may lead to a refresh.
    async fn refresh_or_refuse(
        &self,
        expired: Option<VerifiedToken>,
        need: Need,
    ) -> Result<Option<VerifiedToken>, Reason> {
        let flaw = |expired: &Option<_>| if expired.is_some() { TokenError::Expired.into() } else { Reason::Missing };
        match self.authenticator.refresh_mode() {
            RefreshMode::Transparent if self.state.is_in_layer() => {
                let refreshed = match self.refresh_token(Need::refresh()).await {
                    Ok(Some(refresh)) => self.refresh_in_place(&refresh).await,
                    Ok(None) => return self.refuse_or_none(flaw(&expired), need),
                    Err(reason) => Err(reason),
                };
                match refreshed {
                    Err(reason) if reason.kind() == FailureKind::Expired => self.refuse_or_none(reason, need),
                    other => other.map(Some),
                }
            }
            RefreshMode::Redirect => {
                if let Some(token) = &expired {
                    self.check_csrf(token)?;
                    return Err(Reason::RefreshNeeded);
                }
                // The refresh cookie is not sent here, but its CSRF cookie is, and shows that there is one. If the
                // access cookie is not sent here either, a refresh would lead back here forever.
                let policy = self.authenticator.cookies();
                let can_refresh = !need.optional && policy.access.is_sent_to(self.head.path());
                let hint = policy.csrf_refresh.name.find(&self.head).map_err(|_| Reason::DuplicateCookie)?;
                match hint {
                    Some(hint) if !hint.is_empty() && can_refresh => Err(Reason::RefreshNeeded),
                    _ => self.refuse_or_none(Reason::Missing, need),
                }
            }
            RefreshMode::Transparent | RefreshMode::Sliding | RefreshMode::Off => {
                self.refuse_or_none(flaw(&expired), need)
            }
        }
    }

    /// Refuses, unless the token is optional: then the request goes on without one, and stale cookies are deleted.
    ///
    /// A request from another site is refused for that reason, because `SameSite` may have withheld the cookies of a
    /// user who is logged in.
    fn refuse_or_none(&self, reason: Reason, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        if !need.optional {
            self.check_origin()?;
            return Err(reason);
        }
        if reason.kind() == FailureKind::Expired && self.makes_cookies_useless(&reason) {
            self.state.set_cookies(self.authenticator.unset_jwt_cookies());
        }
        Ok(None)
    }

    /// Handles a token that is valid except that its claims have changed: refreshes it like an expired one, or replaces
    /// it at once in sliding mode.
    async fn renew_outdated(&self, token: VerifiedToken, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        if self.authenticator.refresh_mode() != RefreshMode::Sliding || !self.state.is_in_layer() {
            return self.refresh_or_refuse(Some(token), need).await;
        }
        let slid = self.authenticator.slide(&token, &self.client()).await?;
        self.state.set_refreshed(slid.access.clone(), slid.cookies);
        Ok(Some(slid.access))
    }

    async fn refresh_in_place(&self, refresh: &VerifiedToken) -> Result<VerifiedToken, Reason> {
        let refreshed = self.authenticator.exchange_refresh(refresh, &self.client()).await?;
        self.state.set_refreshed(refreshed.access.clone(), refreshed.cookies);
        Ok(refreshed.access)
    }

    /// Returns the refresh cookie's token after the CSRF check. Its session is checked when it is exchanged.
    pub(crate) async fn refresh_token(&self, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        let authenticator = self.authenticator;
        let Some(text) = authenticator.find_cookie(&self.head, TokenKind::Refresh)? else { return Ok(None) };
        let token = match authenticator.verify_token(text, need.expected_kind(), authenticator.now())? {
            TokenVerdict::Valid(token) => token,
            TokenVerdict::Expired(_) => return Err(TokenError::Expired.into()),
        };
        self.check_csrf(&token)?;
        if !need.skip_revocation_check {
            authenticator.check_not_held(&token)?;
            match token.session().map(|id| authenticator.0.revocation_cache.status(id)) {
                Some(SessionStatus::Ended) => return Err(Reason::Revoked),
                Some(SessionStatus::Replaced) => return Err(Reason::Replaced),
                Some(SessionStatus::Live(_)) | None => {}
            }
        }
        authenticator.0.callbacks.check_token(&token, need.skip_revocation_check).await?;
        Ok(Some(token))
    }

    /// Checks a token's session in the revocation cache, or in the store if the cache may be stale. An access token
    /// with outdated claims counts as expired.
    pub(super) async fn check_session(&self, token: &VerifiedToken) -> Result<(), Reason> {
        self.authenticator.check_not_held(token)?;
        let Some(id) = token.session() else { return Ok(()) };
        let notes = match self.authenticator.session_status(id).await? {
            SessionStatus::Live(Notes { outdated: 0, awaited: 0, .. }) => return Ok(()),
            SessionStatus::Live(notes) => notes,
            SessionStatus::Ended => return Err(Reason::Revoked),
            SessionStatus::Replaced => return Err(Reason::Replaced),
        };
        let generation = token.claims().generation.unwrap_or_default();
        if token.kind() == TokenKind::Access && generation <= notes.outdated {
            return Err(TokenError::Expired.into());
        }
        if notes.awaited > 0 && generation == notes.awaited {
            self.authenticator.confirm(id, generation).await?;
        }
        Ok(())
    }

    /// In sliding mode, replaces a token that is due by adding a new one to the response. The new token is not fresh,
    /// even if the old one still is: a fresh token is never prolonged.
    async fn slide_if_due(&self, token: VerifiedToken) -> Result<VerifiedToken, Reason> {
        if self.is_due_to_slide(&token, self.authenticator.now()) {
            let refreshed = self.authenticator.slide(&token, &self.client()).await?;
            // This request goes on with the token that it came with.
            self.state.set_refreshed(token.clone(), refreshed.cookies);
        }
        Ok(token)
    }

    /// Whether the cookies are useless after this refusal and should be deleted.
    ///
    /// If refreshing is left to the application, a valid refresh token may accompany an expired access token.
    pub(crate) fn makes_cookies_useless(&self, reason: &Reason) -> bool {
        if matches!(reason, Reason::Token(TokenError::Expired)) && self.leaves_refreshing() {
            let refresh = self.authenticator.cookie_token(&self.head, TokenKind::Refresh);
            return matches!(refresh, Ok(Some(TokenVerdict::Expired(_))));
        }
        // After a replacement, the browser has other cookies or is about to get them.
        !matches!(reason, Reason::Replaced) && reason.kind().unsets_cookies()
    }

    /// Whether refreshing is left to the application: because of its settings, or because there is no layer.
    fn leaves_refreshing(&self) -> bool {
        match self.authenticator.refresh_mode() {
            RefreshMode::Off => true,
            RefreshMode::Transparent => !self.state.is_in_layer(),
            RefreshMode::Redirect | RefreshMode::Sliding => false,
        }
    }

    /// The client, for events.
    pub(crate) fn client(&self) -> Client<'_> {
        Client::of(&self.head)
    }
}
