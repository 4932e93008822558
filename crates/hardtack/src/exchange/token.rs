//! The token that a route needs: verified, refreshed in place where that is the mode, or refused.

use super::Exchange;
use super::rejection::Rejection;
use crate::authenticator::{Found, Refreshed, VerifiedToken};
use crate::config::RefreshMode;
use crate::cookie;
use crate::failure::{Failure, FailureKind, Reason};
use crate::jwt::{ExtraClaims, TokenError, TokenKind};
use crate::location::{Locations, TokenLocation};
use crate::request::Need;
use crate::session::{Notes, Standing};

impl Exchange<'_> {
    /// The token, or none where the need is optional and there is none, or where OPTIONS needs none
    /// (`verify_jwt_in_request`).
    ///
    /// # Errors
    /// The failure with the reply that the client gets.
    pub async fn token<T: ExtraClaims>(&self, need: Need) -> Result<Option<VerifiedToken<T>>, Failure> {
        let Some(token) = self.resolve(need).await.map_err(|rejection| self.reject(rejection))? else {
            return Ok(None);
        };
        let carried = token.location() != Some(TokenLocation::Cookies);
        let token = token.with_extra().map_err(|error| self.reject(Rejection { carried, ..error.into() }))?;
        Ok(Some(token))
    }

    /// The token that a need without `optional` asks for.
    ///
    /// # Errors
    /// The failure with the reply that the client gets.
    pub async fn required<T: ExtraClaims>(&self, need: Need) -> Result<VerifiedToken<T>, Failure> {
        self.token(need).await?.ok_or_else(|| self.refuse(Reason::Missing))
    }

    async fn resolve(&self, need: Need) -> Result<Option<VerifiedToken>, Rejection> {
        let settings = self.engine.settings();
        if settings.exempt_options && self.head.method == "OPTIONS" {
            return Ok(None);
        }
        let locations = if need.locations.is_empty() { settings.locations } else { need.locations };
        if settings.flask {
            self.resolve_as_flask(locations, need).await
        } else if locations == Locations::COOKIES {
            self.in_cookies(need).await
        } else {
            self.resolve_in(locations, need).await
        }
    }

    /// The token in the cookie, with all that belongs to cookies: origin, CSRF, refreshing.
    pub(super) async fn in_cookies(&self, need: Need) -> Result<Option<VerifiedToken>, Rejection> {
        let found = match need.kind {
            TokenKind::Access => self.access(need).await?,
            TokenKind::Refresh => self.refresh_token(need).await?,
        };
        let Some(token) = found else {
            return if need.optional {
                Ok(None)
            } else {
                Err(self.check_origin().err().unwrap_or(Reason::Missing).into())
            };
        };
        self.memo.note_authenticated();
        let token = token.found_in(TokenLocation::Cookies);
        if need.fresh && !token.is_fresh(self.engine.now()) {
            return Err(Rejection::from(Reason::NotFresh).about(token));
        }
        // A refresh token was shown to the application when it was read.
        if need.kind == TokenKind::Access
            && let Err(reason) = self.engine.check_by_application(&token, need.skip_revocation_check).await
        {
            return Err(Rejection::from(reason).about(token));
        }
        Ok(Some(token))
    }

    async fn access(&self, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        let refreshed = self.memo.state().refreshed.clone();
        if let Some(token) = refreshed {
            return Ok(Some(token));
        }
        match self.engine.read_as(&self.head, TokenKind::Access, need.expected_kind())? {
            Found::Valid(token) => {
                self.check_csrf(&token)?;
                if !need.skip_revocation_check {
                    match self.check_standing(&token).await {
                        Err(Reason::Token(TokenError::Expired)) => return self.renew_outdated(token, need).await,
                        standing => standing?,
                    }
                }
                self.slide_if_due(token).await.map(Some)
            }
            Found::Expired(token) => self.renew_or(Some(token), need).await,
            Found::Absent => self.renew_or(None, need).await,
        }
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
                let hint = cookie::find(&self.head, &policy.csrf_refresh.name);
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
            self.memo.state().cookies = self.engine.unset_jwt_cookies();
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
        Ok(Some(self.go_on_with(slid)))
    }

    async fn refresh_in_place(&self, refresh: &VerifiedToken) -> Result<VerifiedToken, Reason> {
        let refreshed = self.engine.exchange_refresh(refresh, &self.client()).await?;
        Ok(self.go_on_with(refreshed))
    }

    /// This request goes on with the new token, and its response carries the new cookies.
    fn go_on_with(&self, refreshed: Refreshed) -> VerifiedToken {
        let mut state = self.memo.state();
        state.cookies = refreshed.cookies;
        state.refreshed = Some(refreshed.access.clone());
        refreshed.access
    }

    /// The refresh cookie's token, its CSRF value checked; its session is judged when it is exchanged.
    pub(super) async fn refresh_token(&self, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        match self.engine.read_as(&self.head, TokenKind::Refresh, need.expected_kind())? {
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

    /// Sliding: a token past half of its life is replaced on the way out.
    async fn slide_if_due(&self, token: VerifiedToken) -> Result<VerifiedToken, Reason> {
        if self.engine.refresh_mode() != RefreshMode::Sliding || !self.memo.is_layered() {
            return Ok(token);
        }
        let claims = token.claims();
        let Some(expires_at) = claims.expires_at else { return Ok(token) };
        let due = self.engine.now().since(claims.issued_at) * 2 > expires_at.since(claims.issued_at);
        // Its successor is not fresh, even where this one still is: a fresh token is never prolonged.
        if due {
            let refreshed = self.engine.slide(&token, &self.client()).await?;
            let mut state = self.memo.state();
            state.cookies = refreshed.cookies;
            // This request still acts with the token that it came with.
            state.refreshed = Some(token.clone());
        }
        Ok(token)
    }
}
