//! Operations on the request's session: log in, log out, refresh, re-authenticate, renew.

use super::Exchange;
use crate::authenticator::{LogIn, TokenVerdict};
use crate::clock::Timestamp;
use crate::cookie::SetCookies;
use crate::csrf::{CsrfError, CsrfToken};
use crate::event::EventKind;
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::{Failure, Reason};
use crate::session::{EndedSessions, RevokeTarget, SessionId};
use crate::token::VerifiedToken;
use crate::token_source::{Extracted, Need, TokenLocation};

impl Exchange<'_> {
    /// Starts a session and returns its cookies. Call it after checking the user's password. The browser's previous
    /// session, if any, ends in the same transaction (ASVS 5.0 V7.2.4).
    ///
    /// # Errors
    /// - The method is GET, the request comes from another site, or the form has no valid pre-session token.
    /// - The store failed.
    /// - A claim has a reserved name, or the claims do not fit into a token.
    pub async fn log_in(&self, log_in: impl Into<LogIn>) -> Result<SetCookies, Failure> {
        let mut log_in = log_in.into();
        self.require_unsent_head("log_in")?;
        self.check_pre_session().map_err(|reason| self.refuse(reason))?;
        // Values that the application has set take precedence.
        if let (None, Some(agent)) = (&log_in.user_agent, self.head.header_text("user-agent")) {
            log_in = log_in.user_agent(agent);
        }
        if let (None, Some(address)) = (&log_in.address, self.client_address()) {
            log_in = log_in.address(address.to_string());
        }
        let held = self.current_tokens(Expired::CountForNothing).await.map_err(|reason| self.refuse(reason))?.tokens;
        self.authenticator.begin(log_in, &held).await.map_err(|error| self.refuse(error))
    }

    /// Ends the session that the request's tokens belong to, and returns cookies that delete those of the browser. A
    /// refresh that is already in flight cannot revive the session.
    ///
    /// An expired access token ends a session only if the refresh cookie is not sent to this path: a copy from a log
    /// must not end a session. If cookies occur twice, all sessions that they name end.
    ///
    /// # Errors
    /// - The method is GET, the request comes from another site, or the CSRF token is missing.
    /// - The only token is outside of cookies and has expired.
    /// - The store failed.
    pub async fn log_out(&self) -> Result<SetCookies, Failure> {
        self.try_log_out().await.map_err(|reason| self.refuse(reason))
    }

    async fn try_log_out(&self) -> Result<SetCookies, Reason> {
        self.check_changing()?;
        let refresh_is_sent = self.authenticator.cookies().refresh.is_sent_to(self.head.path());
        let expired = if refresh_is_sent { Expired::CountForNothing } else { Expired::Count };
        let CookieTokens { tokens: in_cookies, doubled } = self.current_tokens(expired).await?;
        if doubled {
            self.check_any_csrf(&in_cookies)?;
        } else {
            self.check_every_csrf(&in_cookies)?;
        }
        let others = self.other_tokens()?;
        let mut ids: Vec<SessionId> = Vec::new();
        for id in in_cookies.iter().chain(&others).filter_map(VerifiedToken::session) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let issued_at = in_cookies.iter().chain(&others).map(|token| token.claims().issued_at);
        let at = issued_at.fold(self.authenticator.now(), Timestamp::max);
        let ended = self.authenticator.end(RevokeTarget::Sessions(&ids), at).await?;
        for id in ids {
            let subject = in_cookies.iter().find(|token| token.session() == Some(id)).map(VerifiedToken::subject);
            if let (Some(subject), true) = (subject, !self.authenticator.has_store() || ended.contains(&id)) {
                self.authenticator.emit(EventKind::LogOut, subject, Some(id), &self.verifier().client());
            }
        }
        Ok(self.verifier().unset_own_cookies().clearing_cache(!self.authenticator.settings().flask))
    }

    /// Refuses a log-out whose request lacks the CSRF value of one of the sessions in its cookies.
    fn check_every_csrf(&self, tokens: &[VerifiedToken]) -> Result<(), Reason> {
        // Both tokens of a session have the same CSRF value. If the tokens belong to two sessions, both values are
        // needed, so an attacker who planted one of the tokens cannot end the other session with it. Tokens of
        // Flask-JWT-Extended have no session, and each has its own CSRF value: for them, the first token's value
        // suffices.
        let asked = tokens.iter().enumerate().filter(|(at, token)| *at == 0 || token.session().is_some());
        asked.map(|(_, token)| token).try_for_each(|token| self.verifier().check_csrf(token))
    }

    /// Refuses a log-out with cookies that occur twice, unless its request has the CSRF value of one of the sessions. A
    /// browser with two cookies of a name can have no page with both values.
    fn check_any_csrf(&self, tokens: &[VerifiedToken]) -> Result<(), Reason> {
        let mut refused = None;
        for token in tokens {
            match self.verifier().check_csrf(token) {
                Ok(()) => return Ok(()),
                // That a value belongs to another session says more than that it is missing for this kind of token.
                Err(reason @ Reason::Csrf(CsrfError::Mismatch)) => refused = Some(reason),
                Err(reason) => refused = refused.or(Some(reason)),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Exchanges the token in the refresh cookie for new tokens and returns their cookies. The new access token is
    /// never fresh. GET is allowed, for refreshes by redirect. HEAD is refused, because routers may call the handler
    /// for GET with it.
    ///
    /// # Errors
    /// - The refresh token is missing, invalid, reused or revoked.
    /// - The method is HEAD, or the request comes from another site.
    /// - The store failed.
    pub async fn refresh(&self) -> Result<SetCookies, Failure> {
        if self.head.method() == "HEAD" {
            return Err(self.refuse(Reason::Method));
        }
        self.require_unsent_head("refresh")?;
        self.require_same_origin()?;
        let token = match self.verifier().refresh_token(Need::refresh()).await {
            Ok(Some(token)) => token,
            Ok(None) => return Err(self.refuse(Reason::Missing)),
            Err(reason) => return Err(self.refuse(reason)),
        };
        let refreshed = self
            .authenticator
            .exchange_refresh(&token, &self.verifier().client())
            .await
            .map_err(|reason| self.refuse(reason))?;
        self.state.set_authenticated();
        Ok(refreshed.cookies)
    }

    /// Returns the CSRF value of the token in the refresh cookie, for a form that posts to the refresh URL. It is
    /// masked like that of an access token. Returns `None` if the token is missing or invalid; an expired one still
    /// counts.
    pub fn refresh_csrf_token(&self) -> Option<CsrfToken> {
        let token = self.authenticator.cookie_token(&self.head, TokenKind::Refresh).ok()??.any_age();
        token.csrf_value().is_some().then(|| token.csrf_token())
    }

    /// Makes the session fresh again and returns its new cookies. Call it after checking the password of `subject`.
    ///
    /// # Errors
    /// - The method is GET, the request comes from another site, or the CSRF token is missing.
    /// - No user is logged in, or the logged-in user is not `subject`.
    /// - The store failed.
    pub async fn reauthenticate(&self, subject: &str) -> Result<SetCookies, Failure> {
        self.require_unsent_head("reauthenticate")?;
        let token = self.acting_token(Need::access()).await?;
        if token.subject() != subject {
            return Err(self.refuse(Reason::OtherUser));
        }
        let raised = self
            .authenticator
            .step_up(&token, &self.verifier().client())
            .await
            .map_err(|reason| self.refuse(reason))?;
        Ok(raised.cookies)
    }

    /// Replaces all sessions of the user with a new one and returns its cookies (ASVS 5.0 V7.4.3). Call it after
    /// the transaction that stored a new password and ended the sessions has committed. The adapter adds
    /// `Clear-Site-Data: "cache"` to the response that gets the cookies.
    ///
    /// If sessions have ended in that transaction, and the store fails now, it returns no cookies: the change is
    /// stored, so do not tell the user to try again. The same holds if the client has hung up meanwhile.
    ///
    /// # Errors
    /// - The method is GET, the request comes from another site, or the CSRF token is missing.
    /// - No user is logged in, or a user other than the one whose sessions have ended.
    /// - The store failed, and no session has ended.
    pub async fn renew(&self, ended: EndedSessions) -> Result<SetCookies, Failure> {
        // The session may have ended with the change. The authenticator looks at its row.
        let judged_by_row = ended.subject().is_some() && self.authenticator.has_store();
        let need = if judged_by_row { Need::access().skip_revocation_check() } else { Need::access() };
        if ended.subject().is_none() {
            self.require_unsent_head("renew")?;
        }
        let token = self.acting_token(need).await?;
        let verifier = self.verifier();
        let client = verifier.client();
        let renewed = if self.state.is_head_sent() {
            self.authenticator.end_unseen(&token, ended, &client).await.map(|()| SetCookies::default())
        } else {
            self.authenticator.renew(&token, ended, &client).await
        };
        let clears = !self.authenticator.settings().flask;
        renewed.map(|cookies| cookies.clearing_cache(clears)).map_err(|reason| self.refuse(reason))
    }

    async fn acting_token(&self, need: Need) -> Result<VerifiedToken, Failure> {
        self.check_changing().map_err(|reason| self.refuse(reason))?;
        self.required(need).await
    }

    /// Refuses to make tokens that could not reach the browser, which would then look like a thief with its old ones.
    fn require_unsent_head(&self, method: &str) -> Result<(), Failure> {
        if !self.state.is_head_sent() {
            return Ok(());
        }
        let advice = format!(
            "Auth::{method} was called after the head of the response was sent, so its cookies cannot reach the browser; \
             call it before the handler returns, or let the browser send another request"
        );
        Err(self.refuse(Reason::NotSetUp(advice.into())))
    }

    /// The valid tokens in the request's cookies: of all cookies of a name if there are several, because the browser
    /// may have one of each session. A cookie with an invalid token counts as missing.
    ///
    /// Expired tokens may be copies, so they count only if they are the newest of their session: refresh tokens,
    /// because the store knows which one that is.
    async fn current_tokens(&self, expired: Expired) -> Result<CookieTokens, Reason> {
        let (policy, now) = (self.authenticator.cookies(), self.authenticator.now());
        let mut found = CookieTokens { tokens: Vec::new(), doubled: false };
        for (kind, slot) in [(TokenKind::Access, &policy.access), (TokenKind::Refresh, &policy.refresh)] {
            let mut texts = slot.name.find_all(&self.head);
            // Some clients keep a deleted cookie with an empty value.
            texts.retain(|text| !text.is_empty());
            found.doubled |= texts.len() > 1;
            for text in texts {
                match self.authenticator.verify_token(text, Some(kind), now) {
                    Ok(TokenVerdict::Valid(token) | TokenVerdict::Early(token, _)) => found.tokens.push(token),
                    Ok(TokenVerdict::Expired(token)) => {
                        let counts = match kind {
                            TokenKind::Access => expired == Expired::Count,
                            TokenKind::Refresh => self.authenticator.is_newest_refresh(&token).await?,
                        };
                        if counts {
                            found.tokens.push(token);
                        }
                    }
                    Err(_) => {}
                }
            }
        }
        Ok(found)
    }

    /// The valid tokens in the request's other locations, such as the `Authorization` header. Fails if the request has
    /// no other token than one that has expired, so that a program is not told that its session has ended.
    fn other_tokens(&self) -> Result<Vec<VerifiedToken>, Reason> {
        let verifier = self.verifier();
        let locations = self.authenticator.settings().sources.locations.iter();
        let (mut found, mut expired) = (Vec::new(), false);
        for location in locations.filter(|location| *location != TokenLocation::Cookies) {
            let Extracted::Token(text) = verifier.extract(location, TokenKind::Access) else { continue };
            match self.authenticator.verify_token(&text, None, self.authenticator.now()) {
                Ok(TokenVerdict::Valid(token) | TokenVerdict::Early(token, _)) => found.push(token),
                Ok(TokenVerdict::Expired(token)) => expired |= token.session().is_some(),
                Err(_) => {}
            }
        }
        if expired && found.is_empty() { Err(TokenError::Expired.into()) } else { Ok(found) }
    }
}

/// Whether expired access tokens tell which session a browser has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expired {
    Count,
    CountForNothing,
}

/// The tokens in a request's cookies.
struct CookieTokens {
    tokens: Vec<VerifiedToken>,
    /// Whether a cookie occurs twice.
    doubled: bool,
}
