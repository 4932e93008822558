//! Completes a verification that needs I/O, for example to read the session's row, to refresh the tokens in place, or
//! to call a callback.

use super::explain::Found;
use super::verify::{CookieVerdict, Pending, RequestVerifier, TokenVerdict};
use crate::config::{DeviceBinding, RefreshMode};
use crate::cookie::SetCookies;
use crate::event::Client;
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::{FailureKind, Reason, Rejection};
use crate::revocation::{Notes, SessionStatus};
use crate::session::RefreshFlaw;
use crate::token::VerifiedToken;
use crate::token_source::{Need, TokenLocation};

/// The maximum number of refresh cookies that the routes for device binding read from one request.
const MOST_DEVICE_TOKENS: usize = 4;

impl RequestVerifier<'_> {
    /// Completes a verification. This method does not repeat the checks that `try_verify` has already made.
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
        self.complete_cookie(verdict, need).await.or_else(|rejection| self.refused(rejection, need))
    }

    async fn complete_cookie(&self, verdict: CookieVerdict, need: Need) -> Result<Option<VerifiedToken>, Rejection> {
        let found = match verdict {
            CookieVerdict::Valid(token) => Some(token),
            CookieVerdict::CheckSession(token) => self.check_session_or_renew(token, need).await?,
            CookieVerdict::Expired(token) => self.refresh_or_refuse(Some(token), need).await?,
            CookieVerdict::Missing => self.refresh_or_refuse(None, need).await?,
            CookieVerdict::WantsRefreshToken => self.looked_up_refresh_token(need).await?,
        };
        let Some(token) = found else {
            return if need.optional {
                Ok(None)
            } else {
                Err(self.check_origin().err().unwrap_or(Reason::Missing).into())
            };
        };
        self.finish_token(token, need).await.map(Some)
    }

    /// Checks freshness, and calls the application's callbacks.
    async fn finish_token(&self, token: VerifiedToken, need: Need) -> Result<VerifiedToken, Rejection> {
        let token = self.check_freshness(token, need)?;
        // If this is a refresh token, the callbacks have already checked it.
        if need.kind == TokenKind::Access
            && let Err(reason) = self.authenticator.0.callbacks.check_token(&token, need.skip_revocation_check).await
        {
            return Err(Rejection::from(reason).about(token));
        }
        Ok(token)
    }

    /// Decides what a refusal means for a route whose token is optional. If a browser's cookies are invalid, the server
    /// treats the browser as a visitor, and the response deletes cookies that have become useless. The request is still
    /// refused for any other reason, such as a store failure or a missing CSRF value.
    #[cold]
    pub(crate) fn refused(&self, rejection: Rejection, need: Need) -> Result<Option<VerifiedToken>, Rejection> {
        let are_dead = rejection.from_cookie && rejection.reason.kind().unsets_cookies();
        let repeats = rejection.reason.is_unproven() && self.may_prove();
        if !need.optional || !are_dead || repeats || self.authenticator.settings().flask {
            return Err(Rejection { optional: need.optional, ..rejection });
        }
        self.authenticator.log_refusal(&rejection.reason);
        self.record(need, Found::Visitor(Some(&rejection.reason)));
        if self.makes_cookies_useless(&rejection.reason) {
            self.state.set_cookies(self.unset_own_cookies());
        }
        Ok(None)
    }

    /// Returns the `Set-Cookie` values that delete both tokens. Cookies that belong to another application on this host
    /// are not deleted.
    pub(crate) fn unset_own_cookies(&self) -> SetCookies {
        let mut cookies = self.unset_own_access_cookies();
        if !self.is_anothers(TokenKind::Refresh, TokenKind::Access) {
            cookies.extend(self.authenticator.unset_refresh_cookies());
        }
        cookies
    }

    /// Returns the `Set-Cookie` values that delete the access token. If the access cookie belongs to another
    /// application on this host, returns no value.
    pub(crate) fn unset_own_access_cookies(&self) -> SetCookies {
        if self.is_anothers(TokenKind::Access, TokenKind::Refresh) {
            SetCookies::default()
        } else {
            self.authenticator.unset_access_cookies()
        }
    }

    /// Returns the `Set-Cookie` values that delete the access token, but not its CSRF value. A browser with a bound
    /// session then refreshes the session before it sends the next request. A script on the page reads the CSRF value
    /// before this refresh, so the CSRF cookie must stay.
    pub(crate) fn unset_own_access_token(&self) -> SetCookies {
        let (policy, mut cookies) = (self.authenticator.cookies(), SetCookies::default());
        if !self.is_anothers(TokenKind::Access, TokenKind::Refresh) {
            policy.delete(&policy.access, None, &mut cookies);
        }
        cookies
    }

    /// Returns whether the cookie for `kind` belongs to another application on this host. If the request has no such
    /// cookie, checks the cookie for `other` instead, because a log-in sets both cookies.
    fn is_anothers(&self, kind: TokenKind, other: TokenKind) -> bool {
        let is_foreign = |kind| match self.authenticator.find_cookie(&self.head, kind) {
            Ok(found) => found.map(|text| self.authenticator.is_foreign(text)),
            Err(_) => Some(false),
        };
        is_foreign(kind).unwrap_or_else(|| is_foreign(other) == Some(true))
    }

    /// Replaces an access token that lacks a claim with a new token in the same session. The new token must have the
    /// claim, the old token must have been sent in a cookie, and this request must not have refreshed its token yet.
    /// Otherwise, returns `None`. In redirect mode, returns [`Reason::RefreshNeeded`] instead of a new token.
    ///
    /// This method first checks that the new token will have the claim. The new token is not fresh, so without this
    /// check, the user could lose a fresh token and still be refused.
    pub(crate) async fn renew_for_claims(
        &self,
        token: &VerifiedToken,
        need: Need,
        suffices: &(dyn Fn(&[u8]) -> bool + Sync),
    ) -> Result<Option<VerifiedToken>, Rejection> {
        let from_cookie = token.location() == Some(TokenLocation::Cookies);
        if !from_cookie || token.kind() != TokenKind::Access || self.state.refreshed().is_some() {
            return Ok(None);
        }
        let payload = self.authenticator.next_payload(token).await.map_err(Reason::from)?;
        if !payload.is_some_and(|payload| suffices(&payload)) {
            return Ok(None);
        }
        let renewed = match self.authenticator.refresh_mode() {
            RefreshMode::Transparent if self.state.can_refresh() => {
                let is_same = |refresh: &VerifiedToken| {
                    refresh.session() == token.session() && refresh.subject() == token.subject()
                };
                match self.refresh_token(Need::refresh()).await {
                    Ok(Some(refresh)) if is_same(&refresh) => self.refresh_in_place(&refresh).await?,
                    Err(reason) if reason.kind() == FailureKind::Unavailable => return Err(reason.into()),
                    _ => return Ok(None),
                }
            }
            RefreshMode::Sliding if self.state.can_refresh() => self.slide_in_place(token).await?,
            RefreshMode::Redirect if !self.state.is_head_sent() && self.may_have_refresh_cookie()? => {
                return Err(Reason::RefreshNeeded.into());
            }
            _ => return Ok(None),
        };
        self.finish_token(renewed, need).await.map(Some)
    }

    /// Checks the session of a valid token. Replaces the token if its claims are outdated or, in sliding mode, if it is
    /// due to be replaced.
    async fn check_session_or_renew(&self, token: VerifiedToken, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        let status = if need.skip_revocation_check { Ok(()) } else { self.check_session(&token).await };
        match status {
            Ok(()) => self.slide_if_due(token).await.map(Some),
            Err(Reason::Token(TokenError::Expired)) => {
                // The browser submitted the password form twice.
                if need.reauthenticating && self.authenticator.has_just_stepped_up(&token).await? {
                    return Ok(Some(token));
                }
                self.renew_outdated(token, need).await
            }
            Err(reason) => Err(reason),
        }
    }

    /// Refreshes the access token, or refuses the request if that is not possible. Call this method only if the access
    /// token is missing, has expired or has outdated claims. A token with any other flaw must not be refreshed.
    async fn refresh_or_refuse(
        &self,
        expired: Option<VerifiedToken>,
        need: Need,
    ) -> Result<Option<VerifiedToken>, Reason> {
        let flaw = |expired: &Option<_>| if expired.is_some() { TokenError::Expired.into() } else { Reason::Missing };
        let path = self.authenticator.settings().public_path(self.head.path());
        if expired.is_none() && !self.authenticator.cookies().access.is_sent_to(&path) {
            // Browsers do not send the access cookie to this path, so a missing access cookie does not mean that the
            // token has expired. If the token were refreshed here, each request would replace it. The new token is not
            // fresh, so a user with a fresh token would lose it.
            if !need.optional {
                self.authenticator.setup_notices().notice_unsent_access_cookie(&path);
            }
            return self.refuse_or_none(Reason::Missing, need);
        }
        match self.authenticator.refresh_mode() {
            RefreshMode::Transparent if self.state.can_refresh() => {
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
            // A redirect is possible only before the head of the response has been sent.
            RefreshMode::Redirect if !self.state.is_head_sent() => {
                if let Some(token) = &expired {
                    self.check_csrf(token)?;
                    return Err(Reason::RefreshNeeded);
                }
                let binds = self.authenticator.settings().binding == DeviceBinding::Offer;
                match self.has_refresh_hint()? {
                    true if !need.optional => Err(Reason::RefreshNeeded),
                    // The session might be bound to a device. If it is, the access cookie expires together with the
                    // access token, so a user without an access cookie might still be logged in.
                    true if binds && self.is_arrival() => Err(Reason::Refresh(RefreshFlaw::Unproven)),
                    _ => self.refuse_or_none(Reason::Missing, need),
                }
            }
            RefreshMode::Transparent | RefreshMode::Redirect | RefreshMode::Sliding | RefreshMode::Off => {
                self.refuse_or_none(flaw(&expired), need)
            }
        }
    }

    /// In redirect mode, returns whether the browser has a refresh cookie. By default, browsers do not send the refresh
    /// cookie to the request's path. However, they send the refresh token's CSRF cookie, which shows that the browser
    /// has a refresh cookie.
    fn has_refresh_hint(&self) -> Result<bool, Reason> {
        let csrf_cookie = &self.authenticator.cookies().csrf_refresh.name;
        let hint = csrf_cookie.find(&self.head).map_err(|_| Reason::DuplicateCookie)?;
        Ok(hint.is_some_and(|hint| !hint.is_empty()))
    }

    /// In redirect mode, returns whether the browser might have a refresh cookie. If CSRF cookies are turned off, the
    /// server cannot tell, so this method returns `true`.
    pub(crate) fn may_have_refresh_cookie(&self) -> Result<bool, Reason> {
        Ok(!self.authenticator.cookies().csrf_cookies || self.has_refresh_hint()?)
    }

    /// Refuses the request for `reason`. However, if the token is optional and missing, the request continues without a
    /// token.
    ///
    /// If the token is required, this method checks the origin first. If the request comes from another site, the error
    /// says so instead of reporting a missing token: the token might be missing only because `SameSite` keeps the
    /// browser from sending the cookies.
    fn refuse_or_none(&self, reason: Reason, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        if !need.optional {
            self.check_origin()?;
        } else if matches!(reason, Reason::Missing) {
            return Ok(None);
        }
        Err(reason)
    }

    /// Handles a valid token with outdated claims. A token's claims are outdated if the session's claims have changed
    /// since the token was issued.
    ///
    /// - If this request has already refreshed its token and the head of the response has not been sent yet, the
    ///   request continues with the outdated token.
    /// - In sliding mode, if the response can still carry a new token, the outdated token is replaced at once.
    /// - In all other cases, the outdated token is treated like an expired one.
    async fn renew_outdated(&self, token: VerifiedToken, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        if self.state.refreshed().is_some() && !self.state.is_head_sent() {
            // A request refreshes its token only once. The browser's next request replaces the token.
            return Ok(Some(token));
        }
        if self.authenticator.refresh_mode() != RefreshMode::Sliding || !self.state.can_refresh() {
            return self.refresh_or_refuse(Some(token), need).await;
        }
        self.slide_in_place(&token).await.map(Some)
    }

    async fn slide_in_place(&self, token: &VerifiedToken) -> Result<VerifiedToken, Reason> {
        let slid = self.authenticator.slide(token, self.reauthentication_mark(), &self.client()).await?;
        self.state.set_refreshed(slid.access.clone(), slid.cookies);
        Ok(slid.access)
    }

    async fn refresh_in_place(&self, refresh: &VerifiedToken) -> Result<VerifiedToken, Reason> {
        let mark = self.reauthentication_mark();
        let refreshed = match self.authenticator.exchange_refresh(refresh, mark, &self.client()).await {
            Err(reason) if reason.is_unproven() && !self.may_prove() => {
                self.authenticator.report_unproven(refresh, &self.client());
                return Err(reason);
            }
            refreshed => refreshed?,
        };
        self.state.set_refreshed(refreshed.access.clone(), refreshed.cookies);
        Ok(refreshed.access)
    }

    /// Returns the token in the refresh cookie, for a route that only verifies the token and does not exchange it.
    async fn looked_up_refresh_token(&self, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        let token = self.refresh_token(need).await?;
        if let (Some(token), false) = (&token, need.skip_revocation_check) {
            self.check_session(token).await?;
        }
        Ok(token)
    }

    /// Returns the token in the refresh cookie if it is valid and the CSRF check succeeds. Refuses the token if this
    /// process's cache says that its session has ended. The session's row is checked only when the token is exchanged.
    pub(crate) async fn refresh_token(&self, need: Need) -> Result<Option<VerifiedToken>, Reason> {
        self.refresh_token_if(need, |token| self.check_csrf(token)).await
    }

    /// Returns the tokens of the refresh cookies, without a CSRF check. The routes for device binding use this method,
    /// because they require a proof that no other site can create.
    ///
    /// The request can contain several refresh cookies: in redirect mode, the cookie is not bound to its host, so
    /// another host in the domain can plant a cookie with the same name. The caller selects the token by its session.
    /// Returns at most [`MOST_DEVICE_TOKENS`] tokens. If no token is valid, returns why the last token is invalid.
    pub(crate) async fn device_tokens(&self) -> Result<Vec<VerifiedToken>, Reason> {
        let (mut tokens, mut refused) = (Vec::new(), None);
        let mut texts = self.authenticator.cookies().refresh.name.find_all(&self.head);
        texts.retain(|text| !text.is_empty());
        for text in texts.into_iter().take(MOST_DEVICE_TOKENS) {
            match self.refresh_token_of(text, Need::refresh(), |_| Ok(())).await {
                Ok(token) => tokens.extend(token),
                Err(reason) if reason.kind() == FailureKind::Unavailable => return Err(reason),
                Err(reason) => refused = Some(reason),
            }
        }
        match refused {
            Some(reason) if tokens.is_empty() => Err(reason),
            _ => Ok(tokens),
        }
    }

    async fn refresh_token_if(
        &self,
        need: Need,
        check: impl FnOnce(&VerifiedToken) -> Result<(), Reason>,
    ) -> Result<Option<VerifiedToken>, Reason> {
        match self.authenticator.find_cookie(&self.head, TokenKind::Refresh)? {
            Some(text) => self.refresh_token_of(text, need, check).await,
            None => Ok(None),
        }
    }

    async fn refresh_token_of(
        &self,
        text: &[u8],
        need: Need,
        check: impl FnOnce(&VerifiedToken) -> Result<(), Reason>,
    ) -> Result<Option<VerifiedToken>, Reason> {
        let authenticator = self.authenticator;
        let token = match authenticator.verify_token(text, need.expected_kind(), authenticator.now()) {
            Err(_) if authenticator.is_foreign(text) => return Ok(None),
            verdict => verdict?.valid()?,
        };
        check(&token)?;
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

    /// Checks that a token's session is live. Looks up the session in the revocation cache or, if the cache might be
    /// stale or the token is a refresh token, in the store. An access token with outdated claims counts as expired.
    pub(crate) async fn check_session(&self, token: &VerifiedToken) -> Result<(), Reason> {
        self.authenticator.check_not_held(token)?;
        let Some(id) = token.session() else { return Ok(()) };
        let notes = match self.authenticator.session_status(id, token.kind()).await? {
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

    /// If a token is due to be replaced in sliding mode, adds a new token to the response. The new token is not fresh,
    /// even if the old token is, because sliding never extends freshness.
    async fn slide_if_due(&self, token: VerifiedToken) -> Result<VerifiedToken, Reason> {
        if self.is_due_to_slide(&token, self.authenticator.now()) {
            // The request itself continues with the old token.
            match self.authenticator.slide(&token, self.reauthentication_mark(), &self.client()).await {
                Ok(refreshed) => self.state.set_refreshed(token.clone(), refreshed.cookies),
                // The session was bound to a device before sliding mode was turned on. Such a session cannot be
                // extended, but its token stays valid until the token expires.
                Err(Reason::Refresh(RefreshFlaw::Unproven)) => {}
                Err(reason) => return Err(reason),
            }
        }
        Ok(token)
    }

    /// Returns whether this refusal makes the cookies useless. If it does, the response should delete the cookies.
    ///
    /// If refreshing the token is left to the application or to a later request, the refresh token might still be valid
    /// after the access token has expired. In this case, the cookies are useless only if both tokens have expired.
    pub(crate) fn makes_cookies_useless(&self, reason: &Reason) -> bool {
        if matches!(reason, Reason::Token(TokenError::Expired)) && self.leaves_refreshing() {
            let refresh = self.authenticator.cookie_token(&self.head, TokenKind::Refresh);
            return matches!(refresh, Ok(Some(TokenVerdict::Expired(_))));
        }
        // If the session was replaced, the browser has newer cookies or is about to get them. A token that is not valid
        // yet will become valid, and the server that issued this token already considers it valid (RFC 7519 section
        // 4.1.5). If a session is bound to a device, its browser refreshes the session as soon as it can send a proof.
        let goes_on = matches!(reason, Reason::Replaced) || reason.is_early() || reason.is_unproven();
        !goes_on && reason.kind().unsets_cookies()
    }

    /// Returns whether this request leaves refreshing the token to the application or to a later request. If the
    /// refresh mode is off, this method always returns `true`. In transparent mode, it returns `true` in three cases:
    /// no layer wraps the route, the head of the response has been sent, or this request has already refreshed its
    /// token.
    fn leaves_refreshing(&self) -> bool {
        match self.authenticator.refresh_mode() {
            RefreshMode::Off => true,
            RefreshMode::Transparent => !self.state.can_refresh(),
            RefreshMode::Redirect | RefreshMode::Sliding => false,
        }
    }

    /// Returns the client that sent the request, for use in events.
    pub(crate) fn client(&self) -> Client<'_> {
        Client::of(&self.head, self.authenticator.client_address(&self.head))
    }
}
