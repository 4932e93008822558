//! What a handler does with a session: begin it, end it, refresh it, prove it anew.

use super::Exchange;
use crate::authenticator::LogIn;
use crate::cookie::SetCookies;
use crate::event::EventKind;
use crate::jwt::TokenKind;
use crate::refusal::{Failure, Reason};
use crate::session::{RevokeTarget, SessionId};
use crate::token::VerifiedToken;
use crate::token_source::{Extracted, Need, TokenLocation};

impl Exchange<'_> {
    /// Logs a user in whose password was just checked. The session that the browser had before, if
    /// any, ends in the same transaction (ASVS 5.0 V7.2.4).
    ///
    /// # Errors
    /// A request by GET, from another site, or from a form without its pre-session token; a store
    /// that failed; claims that do not fit.
    pub async fn log_in(&self, log_in: impl Into<LogIn>) -> Result<SetCookies, Failure> {
        let mut log_in = log_in.into();
        self.check_pre_session().map_err(|reason| self.refuse(reason))?;
        // What the application says goes first: behind a proxy, only it knows the address.
        if let (None, Some(agent)) = (&log_in.user_agent, self.head.header_text("user-agent")) {
            log_in = log_in.user_agent(agent);
        }
        if let (None, Some(peer)) = (&log_in.address, self.head.peer()) {
            log_in = log_in.address(peer.to_string());
        }
        self.authenticator.begin(log_in, &self.cookie_tokens()).await.map_err(|error| self.refuse(error))
    }

    /// Logs out whoever the request's tokens name, expired or not, and answers the deleted cookies.
    /// Final: a refresh that is on its way cannot undo it.
    ///
    /// # Errors
    /// A request by GET, from another site or without its CSRF token; a store that failed.
    pub async fn log_out(&self) -> Result<SetCookies, Failure> {
        self.try_log_out().await.map_err(|reason| self.refuse(reason))
    }

    async fn try_log_out(&self) -> Result<SetCookies, Reason> {
        self.check_changing()?;
        let in_cookies = self.cookie_tokens();
        // Both tokens of a session carry one CSRF value. Where two sessions are mixed, whoever planted one
        // of them cannot end the other with it. Tokens of no session end nothing but their cookies, and
        // Flask-JWT-Extended gives each a value of its own: there the first one's, the access token's, will do.
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

    /// Exchanges the refresh cookie for new tokens, never fresh ones: the refresh route. GET serves
    /// the redirect flow; HEAD, which a router may answer with the same handler, changes nothing.
    ///
    /// # Errors
    /// No refresh token, a bad, used or ended one; HEAD; another site; a store that failed.
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

    /// The CSRF value of the refresh cookie's token, for a form that posts to the refresh URL.
    pub fn refresh_csrf_token(&self) -> Option<String> {
        let token = self.authenticator.cookie_token(&self.head, TokenKind::Refresh).ok()??.any_age();
        token.claims().csrf.clone()
    }

    /// Fresh tokens for the same session, once the application has checked the password of `subject`.
    ///
    /// # Errors
    /// Nobody is logged in, or somebody else than `subject` is: that is no upgrade of this session.
    pub async fn reauthenticate(&self, subject: &str) -> Result<SetCookies, Failure> {
        let token = self.acting_token().await?;
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

    /// New tokens under a new session id, and the end of every other token of this user: for a
    /// changed password (ASVS 5.0 V7.4.3). Call it when the new password is stored.
    ///
    /// # Errors
    /// Nobody is logged in; a store that failed.
    pub async fn renew(&self) -> Result<SetCookies, Failure> {
        let token = self.acting_token().await?;
        self.authenticator.renew(&token, &self.verifier().client()).await.map_err(|reason| self.refuse(reason))
    }

    async fn acting_token(&self) -> Result<VerifiedToken, Failure> {
        self.check_changing().map_err(|reason| self.refuse(reason))?;
        self.required(Need::access()).await
    }

    /// The valid or expired tokens in the request's cookies. Other cookies count as missing.
    fn cookie_tokens(&self) -> Vec<VerifiedToken> {
        let read = |kind| Some(self.authenticator.cookie_token(&self.head, kind).ok()??.any_age());
        [TokenKind::Access, TokenKind::Refresh].into_iter().filter_map(read).collect()
    }

    /// The valid or expired tokens that the client put into the request itself.
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
