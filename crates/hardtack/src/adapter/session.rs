//! Operations on the request's session: log in, log out, refresh, re-authenticate, renew.

use super::Exchange;
use super::refresh_route::BACK;
use crate::authenticator::{LogIn, TokenVerdict};
use crate::clock::Timestamp;
use crate::config::RefreshMode;
use crate::cookie::SetCookies;
use crate::csrf::{CsrfError, CsrfToken};
use crate::event::EventKind;
use crate::jwt::{TokenError, TokenKind};
use crate::refusal::{Failure, Reason};
use crate::session::{EndedSessions, RevokeTarget, SessionId};
use crate::token::VerifiedToken;
use crate::token_source::{Extracted, Need, TokenLocation};

impl Exchange<'_> {
    /// Starts a session and returns its cookies. Call this method after checking the user's password. If the browser
    /// already has a session, that session ends in the transaction that starts the new one (ASVS 5.0 V7.2.4). An expired
    /// access token alone ends no session, because it might be a copy, for example from a log file. In redirect mode,
    /// this means that the previous session continues if its access token has expired.
    ///
    /// If the client disconnects during this call, the new session ends, because its cookies cannot reach a browser. If
    /// the call fails, but the store may have stored the session, the session ends as well. The session ends within
    /// seconds, or as soon as the store works again.
    ///
    /// # Errors
    /// - The method is safe (such as GET), the request comes from another site, or the form has no valid pre-session
    ///   token. After a successful call to [`finish_external`](Self::finish_external), this method skips these checks.
    /// - The store failed.
    /// - A token cannot be issued, for example because a claim has a reserved name or the claims do not fit into a
    ///   cookie.
    /// - The head of the response has already been sent.
    pub async fn log_in(&self, log_in: impl Into<LogIn>) -> Result<SetCookies, Failure> {
        let mut log_in = log_in.into();
        self.require_unsent_head("log_in")?;
        if !self.state.take_finished_external() {
            self.check_pre_session().map_err(|reason| self.refuse(reason))?;
        }
        // Values that the application has set take precedence over those from the request.
        if let (None, Some(agent)) = (&log_in.user_agent, self.head.header_text("user-agent")) {
            log_in = log_in.user_agent(agent);
        }
        if let (None, Some(address)) = (&log_in.address, self.client_address()) {
            log_in = log_in.address(address.to_string());
        }
        let held = self.current_tokens(Expired::CountForNothing).await.map_err(|reason| self.refuse(reason))?;
        let subject = log_in.subject().to_owned();
        let cookies = self.authenticator.begin(log_in, &held).await.map_err(|error| self.refuse(error))?;
        self.end_if_undeliverable(&subject, &cookies).await;
        Ok(cookies)
    }

    /// Ends the session that these cookies belong to if the client has disconnected in the meantime, because no browser
    /// can then use the session.
    async fn end_if_undeliverable(&self, subject: &str, cookies: &SetCookies) {
        if let (true, Some(id)) = (self.state.is_head_sent(), cookies.session()) {
            self.authenticator.end_undeliverable(subject, id).await;
        }
    }

    /// Ends the session that the request's tokens belong to, and returns cookies that delete the browser's
    /// authentication cookies. A refresh that is already in flight cannot revive the session.
    ///
    /// This method normally ignores an expired access token in the cookie, because someone might have copied the token,
    /// for example from a log. There is one exception. If the refresh cookie's path does not cover the log-out URL, the
    /// browser does not send the refresh token to that URL. In this case, this method also ends the session that an
    /// expired access token belongs to.
    ///
    /// If several cookies in the request have the same name, this method ends the session that each of them belongs to.
    ///
    /// # Errors
    /// - The method is safe (such as GET), the request comes from another site, or the CSRF token is missing or wrong.
    /// - In redirect mode, the browser has lost its access cookie and does not send the refresh cookie to the log-out
    ///   URL. The reply redirects the browser to the refresh URL, from which the browser comes back and logs out. An API
    ///   client gets a 401 that contains `refresh_url`.
    /// - The request has an expired token in a header, the query or the body, and no valid token in any of them.
    /// - The store failed.
    pub async fn log_out(&self) -> Result<SetCookies, Failure> {
        self.try_log_out().await.map_err(|reason| self.refuse(reason))
    }

    async fn try_log_out(&self) -> Result<SetCookies, Reason> {
        self.check_changing()?;
        let refresh_is_sent = self.authenticator.cookies().refresh.is_sent_to(&self.public_path());
        let expired = if refresh_is_sent { Expired::CountForNothing } else { Expired::Count };
        let in_cookies = self.current_tokens(expired).await?;
        self.check_any_csrf(&in_cookies)?;
        let others = self.other_tokens()?;
        if in_cookies.is_empty() && others.is_empty() && self.must_refresh_to_log_out(refresh_is_sent) {
            return Err(Reason::RefreshNeeded);
        }
        let mut ids: Vec<SessionId> = Vec::new();
        for id in in_cookies.iter().chain(&others).filter_map(VerifiedToken::session) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let issued_at = in_cookies.iter().chain(&others).map(|token| token.claims().issued_at);
        let at = issued_at.fold(self.authenticator.now(), Timestamp::max);
        let subjects: Vec<&str> = in_cookies.iter().chain(&others).map(VerifiedToken::subject).collect();
        let ended = self.authenticator.end(RevokeTarget::Sessions(&ids), &subjects, at).await?;
        for id in ids {
            let subject = in_cookies.iter().find(|token| token.session() == Some(id)).map(VerifiedToken::subject);
            if let (Some(subject), true) = (subject, !self.authenticator.has_store() || ended.contains(&id)) {
                self.authenticator.emit(EventKind::LogOut, subject, Some(id), &self.verifier().client());
            }
        }
        Ok(self.verifier().unset_own_cookies().clearing_cache(!self.authenticator.settings().flask))
    }

    /// Returns whether a log-out without any token has to refresh the tokens first. In redirect mode, a browser that has
    /// lost its access cookie sends no token with a log-out, because it sends the refresh cookie only to the refresh URL.
    /// Its session would continue although the browser's cookies were deleted. The same applies if the access cookie is
    /// another application's or is not valid.
    fn must_refresh_to_log_out(&self, refresh_is_sent: bool) -> bool {
        let (settings, cookies) = (self.authenticator.settings(), self.authenticator.cookies());
        settings.refresh == RefreshMode::Redirect
            && !settings.flask
            && !self.state.is_head_sent()
            && settings.sources.may_be_in(TokenLocation::Cookies)
            && !refresh_is_sent
            && self.head.query(BACK).is_none()
            && cookies.access.is_sent_to(&self.public_path())
            && self.verifier().may_have_refresh_cookie().unwrap_or(true)
    }

    /// Checks the CSRF value in a log-out request. The request's cookies may belong to different sessions, because
    /// several cookies can have the same name. The request must contain the CSRF value of one of these sessions. One
    /// value is enough, because a page contains only one.
    fn check_any_csrf(&self, tokens: &[VerifiedToken]) -> Result<(), Reason> {
        // Flask-JWT-Extended's tokens have no session, and each of them has its own CSRF value. If the tokens have no
        // session, the first token's CSRF value is required.
        let asked = tokens.iter().enumerate().filter(|(at, token)| *at == 0 || token.session().is_some());
        let mut refused = None;
        for (_, token) in asked {
            match self.verifier().check_csrf(token) {
                Ok(()) => return Ok(()),
                // If any token's CSRF value does not match, report the mismatch rather than a missing value. A value
                // may be missing only because the request contains the value for the other kind of token.
                Err(reason @ Reason::Csrf(CsrfError::Mismatch | CsrfError::Repeated)) => refused = Some(reason),
                Err(reason) => refused = refused.or(Some(reason)),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Exchanges the token in the refresh cookie for new tokens and returns their cookies. The new access token is
    /// never fresh.
    ///
    /// GET is allowed only with [`RefreshMode::Redirect`] or
    /// [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible), because a GET should not change state. HEAD
    /// is never allowed, not even if the router passes HEAD requests to the handler for GET.
    ///
    /// # Errors
    /// - The refresh token is missing, invalid or expired, or its session has ended.
    /// - The refresh token was replaced by a newer one and is no longer accepted (see
    ///   [`race_window`](crate::session::SessionPolicy::race_window)).
    /// - The method is safe (such as GET), and GET is not allowed.
    /// - The request comes from another site.
    /// - The store failed.
    /// - The request is a POST whose CSRF token is missing or wrong.
    /// - The head of the response has already been sent.
    pub async fn refresh(&self) -> Result<SetCookies, Failure> {
        let settings = self.authenticator.settings();
        let may_get = settings.flask || settings.refresh == RefreshMode::Redirect;
        if self.head.is_safe() && !(may_get && self.head.method() != "HEAD") {
            return Err(self.refuse(Reason::Method));
        }
        self.require_unsent_head("refresh")?;
        self.require_same_origin()?;
        let token = match self.verifier().refresh_token(Need::refresh()).await {
            Ok(Some(token)) => token,
            Ok(None) => return Err(self.refuse(Reason::Missing)),
            Err(reason) => return Err(self.refuse(reason)),
        };
        let verifier = self.verifier();
        let client = verifier.client();
        let mark = verifier.reauthentication_mark();
        let refreshed = match self.authenticator.exchange_refresh(&token, mark, &client).await {
            Err(reason) if reason.is_unproven() && !verifier.may_prove() => {
                self.authenticator.report_unproven(&token, &client);
                return Err(self.refuse(reason));
            }
            refreshed => refreshed.map_err(|reason| self.refuse(reason))?,
        };
        self.state.set_authenticated();
        Ok(refreshed.cookies)
    }

    /// Returns the CSRF value of the token in the refresh cookie, for a form that posts to the refresh URL. The value
    /// is masked, as it is for an access token. Returns `None` if the refresh token is missing or invalid. If the token
    /// has expired but is otherwise valid, this method still returns its CSRF value.
    pub fn refresh_csrf_token(&self) -> Option<CsrfToken> {
        let token = self.authenticator.cookie_token(&self.head, TokenKind::Refresh).ok()??.any_age();
        token.csrf_value().is_some().then(|| token.csrf_token())
    }

    /// Returns the CSRF value of the token in the access cookie if the token is not valid yet
    /// ([`Reason::is_early`]). Extractors refuse such a token, but [`log_out`](Self::log_out) accepts it, so a page with
    /// a log-out form needs this value. The value is masked. Returns `None` for any other token.
    pub fn early_csrf_token(&self) -> Option<CsrfToken> {
        match self.authenticator.cookie_token(&self.head, TokenKind::Access).ok()?? {
            TokenVerdict::Early(token, _) => token.csrf_value().is_some().then(|| token.csrf_token()),
            TokenVerdict::Valid(_) | TokenVerdict::Expired(_) => None,
        }
    }

    /// Leaves the browser's cookies unchanged: this response does not set the cookies from a refresh. Call this method
    /// if another response has given the browser a new session, so that this response does not overwrite the new
    /// session's cookies.
    pub fn keep_cookies(&self) {
        self.state.set_cookies(SetCookies::default());
    }

    /// Makes the session fresh again and returns the session's new cookies. Call this method after checking the
    /// password of `subject`.
    ///
    /// After this call, the session's earlier tokens are refused (ASVS 5.0 V7.2.4). All servers refuse the earlier
    /// refresh token immediately. This server also refuses the earlier access tokens immediately. Other servers refuse
    /// these access tokens once they have read the revocation log, which takes at most
    /// [`max_staleness`](crate::session::SessionPolicy::max_staleness).
    ///
    /// If the browser has already sent another request with the earlier tokens, for example from another tab, the
    /// server refuses that request. The refusal deletes no cookies, and the session continues. There is one exception:
    /// if the browser submits the form twice within the [race window](crate::session::SessionPolicy::race_window), the
    /// second call returns the same tokens as the first.
    ///
    /// # Errors
    /// - The method is safe (such as GET), the request comes from another site, or the CSRF token is missing or wrong.
    /// - No user is logged in, or the logged-in user is not `subject`.
    /// - The store failed.
    /// - The head of the response has already been sent.
    pub async fn reauthenticate(&self, subject: &str) -> Result<SetCookies, Failure> {
        self.require_unsent_head("reauthenticate")?;
        let token = self.acting_token(Need::access().reauthenticating()).await?;
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

    /// Replaces all of the user's sessions with a new one, and returns the new session's cookies (ASVS 5.0 V7.4.3).
    /// First commit the transaction that stores the new password and ends the sessions, then call this method. The
    /// adapter adds `Clear-Site-Data: "cache"` to the response that carries these cookies.
    ///
    /// Once the transaction has been committed, the new password is stored, so do not tell the user to try again. This
    /// method still succeeds, but returns no cookies, in these cases:
    ///
    /// - The store fails, or the head of the response has already been sent.
    /// - The browser has sent the form twice, and the other response contains the cookies of its new session.
    ///
    /// If the client disconnects during this call, the new session ends, and the user has to log in.
    ///
    /// # Errors
    /// - The session has ended since the transaction was committed ([`Reason::EndedAfterChange`]). The new password is
    ///   stored, and the user must log in with it.
    /// - The method is safe (such as GET), the request comes from another site, or the CSRF token is missing or wrong.
    /// - No user is logged in, or the logged-in user is not the one whose sessions have ended.
    /// - The store failed, or the head of the response has already been sent. Both are errors only if `ended` is
    ///   [`EndedSessions::none`].
    pub async fn renew(&self, ended: EndedSessions) -> Result<SetCookies, Failure> {
        // The application's transaction may have ended this session as well. `Authenticator::renew` therefore uses the
        // session's row to decide whether the browser gets a new session.
        let judged_by_row = ended.subject().is_some() && self.authenticator.has_store();
        let need = if judged_by_row { Need::access().skip_revocation_check() } else { Need::access() };
        if ended.subject().is_none() {
            self.require_unsent_head("renew")?;
        }
        let token = match self.acting_token(need).await {
            Err(failure) if judged_by_row && matches!(failure.reason(), Reason::Revoked | Reason::Refresh(_)) => {
                // The access token has expired since the request began, and its session can no longer be refreshed.
                self.authenticator.finish_ending(ended).await;
                return Err(self.refuse(Reason::EndedAfterChange));
            }
            token => token?,
        };
        let verifier = self.verifier();
        let client = verifier.client();
        let renewed = if self.state.is_head_sent() {
            self.authenticator.end_unseen(&token, ended, &client).await.map(|()| SetCookies::default())
        } else {
            self.authenticator.renew(&token, ended, &client).await
        };
        if let Ok(cookies) = &renewed {
            self.end_if_undeliverable(token.subject(), cookies).await;
        }
        let clears = !self.authenticator.settings().flask;
        renewed.map(|cookies| cookies.clearing_cache(clears)).map_err(|reason| self.refuse(reason))
    }

    async fn acting_token(&self, need: Need) -> Result<VerifiedToken, Failure> {
        self.check_changing().map_err(|reason| self.refuse(reason))?;
        self.required(need).await
    }

    /// Returns an error if the head of the response has already been sent, because new tokens could then no longer
    /// reach the browser. The browser would keep using its old tokens, which would look stolen.
    pub(super) fn require_unsent_head(&self, method: &str) -> Result<(), Failure> {
        if !self.state.is_head_sent() {
            return Ok(());
        }
        let advice = format!(
            "Auth::{method} was called after the head of the response was sent, so the cookies cannot reach the \
             browser; call Auth::{method} before the handler returns, or let the browser send another request"
        );
        Err(self.refuse(Reason::NotSetUp(advice.into())))
    }

    /// Returns the valid tokens in the request's cookies. If several cookies have the same name, the tokens from all of
    /// them are returned, because each may belong to a different session. Invalid tokens are left out.
    ///
    /// Expired tokens are normally left out, too, because an expired token may have been copied, for example from a
    /// log. There are two exceptions:
    /// - An expired refresh token is returned if, according to the store, it is the newest refresh token of its
    ///   session.
    /// - An expired access token is returned if `expired` is [`Expired::Count`].
    async fn current_tokens(&self, expired: Expired) -> Result<Vec<VerifiedToken>, Reason> {
        let (policy, now) = (self.authenticator.cookies(), self.authenticator.now());
        let mut found = Vec::new();
        for (kind, slot) in [(TokenKind::Access, &policy.access), (TokenKind::Refresh, &policy.refresh)] {
            let mut texts = slot.name.find_all(&self.head);
            // Ignore empty values: some clients do not remove a deleted cookie, but keep it with an empty value.
            texts.retain(|text| !text.is_empty());
            for text in texts {
                match self.authenticator.verify_token(text, Some(kind), now) {
                    Ok(TokenVerdict::Valid(token) | TokenVerdict::Early(token, _)) => found.push(token),
                    Ok(TokenVerdict::Expired(token)) => {
                        let counts = match kind {
                            TokenKind::Access => expired == Expired::Count,
                            TokenKind::Refresh => self.authenticator.is_newest_refresh(&token).await?,
                        };
                        if counts {
                            found.push(token);
                        }
                    }
                    Err(_) => {}
                }
            }
        }
        Ok(found)
    }

    /// Returns the valid tokens that the request carries outside of cookies, such as in the `Authorization` header. If
    /// none of these tokens is valid and one has expired, returns an error. A log-out does not end an expired token's
    /// session, and this error tells the client that the session continues.
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

/// Whether [`Exchange::current_tokens`] returns expired access tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expired {
    Count,
    CountForNothing,
}
