//! Operations on the request's session: log in, log out, refresh, re-authenticate, renew.

use super::Exchange;
use crate::authenticator::LogIn;
use crate::cookie::SetCookies;
use crate::event::EventKind;
use crate::jwt::TokenKind;
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
        self.check_pre_session().map_err(|reason| self.refuse(reason))?;
        // Values that the application has set take precedence: behind a proxy, only it knows the client's address.
        if let (None, Some(agent)) = (&log_in.user_agent, self.head.header_text("user-agent")) {
            log_in = log_in.user_agent(agent);
        }
        if let (None, Some(peer)) = (&log_in.address, self.head.peer()) {
            log_in = log_in.address(peer.to_string());
        }
        self.authenticator.begin(log_in, &self.cookie_tokens()).await.map_err(|error| self.refuse(error))
    }

    /// Ends the session that the request's tokens belong to, expired or not, and returns cookies that delete those of
    /// the browser. A refresh that is already in flight cannot revive the session.
    ///
    /// # Errors
    /// - The method is GET, the request comes from another site, or the CSRF token is missing.
    /// - The store failed.
    pub async fn log_out(&self) -> Result<SetCookies, Failure> {
        self.try_log_out().await.map_err(|reason| self.refuse(reason))
    }

    async fn try_log_out(&self) -> Result<SetCookies, Reason> {
        self.check_changing()?;
        let in_cookies = self.cookie_tokens();
        // Both tokens of a session have the same CSRF value. If the tokens belong to two sessions, both values are
        // needed, so an attacker who planted one of the tokens cannot end the other session with it. Tokens of
        // Flask-JWT-Extended have no session, and each has its own CSRF value: for them, the first token's value
        // suffices.
        let asked = in_cookies.iter().enumerate().filter(|(at, token)| *at == 0 || token.session().is_some());
        asked.map(|(_, token)| token).try_for_each(|token| self.verifier().check_csrf(token))?;
        let others = self.other_tokens();
        let mut ids: Vec<SessionId> = in_cookies.iter().chain(&others).filter_map(VerifiedToken::session).collect();
        ids.dedup();
        let ended = self.authenticator.end(RevokeTarget::Sessions(&ids), self.authenticator.now()).await?;
        for id in ids {
            let subject = in_cookies.iter().find(|token| token.session() == Some(id)).map(VerifiedToken::subject);
            if let (Some(subject), true) = (subject, !self.authenticator.has_store() || ended.contains(&id)) {
                self.authenticator.emit(EventKind::LogOut, subject, Some(id), &self.verifier().client());
            }
        }
        Ok(self.authenticator.unset_jwt_cookies())
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

    /// Returns the CSRF value of the token in the refresh cookie, for a form that posts to the refresh URL. Returns
    /// `None` if the token is missing or invalid; an expired one still counts.
    pub fn refresh_csrf_token(&self) -> Option<String> {
        let token = self.authenticator.cookie_token(&self.head, TokenKind::Refresh).ok()??.any_age();
        token.claims().csrf.clone()
    }

    /// Makes the session fresh again and returns its new cookies. Call it after checking the password of `subject`.
    ///
    /// # Errors
    /// - The method is GET, the request comes from another site, or the CSRF token is missing.
    /// - No user is logged in, or the logged-in user is not `subject`.
    /// - The store failed.
    pub async fn reauthenticate(&self, subject: &str) -> Result<SetCookies, Failure> {
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
    /// the transaction that stored a new password and ended the sessions has committed.
    ///
    /// If sessions have ended in that transaction, and the store fails now, it returns no cookies: the change is
    /// stored, so do not tell the user to try again.
    ///
    /// # Errors
    /// No user is logged in, or a user other than the one whose sessions have ended; the store failed, and no session
    /// has ended.
    pub async fn renew(&self, ended: EndedSessions) -> Result<SetCookies, Failure> {
        // The session may have ended with the change. The authenticator looks at its row.
        let judged_by_row = ended.subject().is_some() && self.authenticator.has_store();
        let need = if judged_by_row { Need::access().skip_revocation_check() } else { Need::access() };
        let token = self.acting_token(need).await?;
        self.authenticator.renew(&token, ended, &self.verifier().client()).await.map_err(|reason| self.refuse(reason))
    }

    async fn acting_token(&self, need: Need) -> Result<VerifiedToken, Failure> {
        self.check_changing().map_err(|reason| self.refuse(reason))?;
        self.required(need).await
    }

    /// The valid or expired tokens in the request's cookies. A cookie with an invalid token counts as missing.
    fn cookie_tokens(&self) -> Vec<VerifiedToken> {
        let read = |kind| Some(self.authenticator.cookie_token(&self.head, kind).ok()??.any_age());
        [TokenKind::Access, TokenKind::Refresh].into_iter().filter_map(read).collect()
    }

    /// The valid or expired tokens in the request's other locations, such as the `Authorization` header.
    fn other_tokens(&self) -> Vec<VerifiedToken> {
        let verifier = self.verifier();
        let locations = self.authenticator.settings().sources.locations.iter();
        let others = locations.filter(|location| *location != TokenLocation::Cookies);
        let found = others.filter_map(|location| match verifier.extract(location, TokenKind::Access) {
            Extracted::Token(text) => {
                Some(self.authenticator.verify_token(&text, None, self.authenticator.now()).ok()?.any_age())
            }
            _ => None,
        });
        found.collect()
    }
}
