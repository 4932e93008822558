//! CSRF protection for forms that are posted before a log-in.

use super::Exchange;
use crate::cookie::{SetCookies, Setting};
use crate::csrf::{CsrfError, PreSession, PreSessionKey, check_double_submit};
use crate::jwt::TokenKind;
use crate::refusal::{Failure, Reason};

/// How many of a request's pre-session cookies are compared with the form's value, at most.
const MAX_NONCES: usize = 4;

impl Exchange<'_> {
    /// Returns the value for the hidden CSRF field in a log-in or sign-up form, and the cookie that goes with it.
    ///
    /// # Errors
    /// The cookie is longer than browsers accept, because its configured name is very long.
    pub fn pre_session(&self) -> Result<PreSession, Failure> {
        let slot = &self.authenticator.cookies().pre_session;
        let keys = self.authenticator.keys_in_use();
        let known = slot.name.find(&self.head).ok().flatten().filter(|value| PreSessionKey::is_nonce(value));
        if let Some(nonce) = known {
            // The browser already has the cookie. Keep the cookie, so that forms in other tabs stay valid.
            return Ok(PreSession { token: keys.pre_session.token(nonce), cookies: SetCookies::default() });
        }
        let nonce = PreSessionKey::nonce();
        let mut cookies = SetCookies::default();
        let setting = Setting { domain: None, max_age: None, now: self.authenticator.now() };
        let set = self.authenticator.cookies().set(slot, &nonce, &setting, &mut cookies);
        set.map_err(|error| self.refuse(Reason::Issue(error.into())))?;
        Ok(PreSession { token: keys.pre_session.token(nonce.as_bytes()), cookies })
    }

    /// Refuses a request that another site could have sent. Call this method in handlers for users who are not logged
    /// in yet, such as a sign-up handler. [`Self::log_in`] includes this check.
    ///
    /// # Errors
    /// Returns an error if the method is safe (such as GET), if the request comes from another site, or if the form has
    /// no valid pre-session token.
    pub fn require_pre_session(&self) -> Result<(), Failure> {
        self.check_pre_session().map_err(|reason| self.refuse(reason))
    }

    pub(super) fn check_pre_session(&self) -> Result<(), Reason> {
        self.check_changing()?;
        let csrf = &self.authenticator.settings().csrf;
        // JSON needs no pre-session token: pages on other sites cannot send JSON without a CORS preflight.
        if !csrf.protect || !csrf.pre_session || self.sends_json() {
            return Ok(());
        }
        // A browser can have several of these cookies, set for different paths. The form was rendered with one of them.
        let nonces = self.authenticator.cookies().pre_session.name.find_all(&self.head);
        let nonces = nonces.into_iter().filter(|value| PreSessionKey::is_nonce(value)).take(MAX_NONCES);
        let form = self.verifier().form_token(TokenKind::Access);
        let check = |expected: String| check_double_submit(&self.head, form, &expected, csrf, &csrf.access);
        // Try the retired keys as well, because the keys might have been rotated since the form was rendered.
        let keys = self.authenticator.keys_in_use();
        let mut results = nonces.flat_map(|nonce| keys.pre_session.tokens(nonce)).map(check);
        let first = results.next().unwrap_or(Err(CsrfError::NoPreSession));
        Ok(first.or_else(|error| results.find(Result::is_ok).unwrap_or(Err(error))).map_err(|error| match error {
            CsrfError::Mismatch => CsrfError::OtherPreSession,
            other => other,
        })?)
    }

    pub(super) fn sends_json(&self) -> bool {
        let content_type = self.head.header_text("content-type").unwrap_or_default();
        let media = content_type.split(';').next().unwrap_or_default().trim();
        media.eq_ignore_ascii_case("application/json")
    }
}
