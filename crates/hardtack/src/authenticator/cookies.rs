//! Sets and deletes the cookies that carry tokens.

use std::time::Duration;

use super::Authenticator;
use super::issue::IssuedToken;
use crate::clock::Timestamp;
use crate::cookie::{CookieSlot, SetCookies, Setting};
use crate::session::Session;
use crate::token::IssueError;

/// A domain and a maximum age for individual cookies. They override the values in the cookie policy.
///
/// ```
/// use hardtack::authenticator::CookieOptions;
/// let options = CookieOptions::default().domain("site.example").max_age(std::time::Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CookieOptions {
    domain: Option<String>,
    max_age: Option<Duration>,
}

impl CookieOptions {
    /// Sets the cookies' domain. Browsers then send the cookies to all hosts in the domain. To delete such cookies,
    /// pass the same domain to [`Authenticator::unset_jwt_cookies_of`].
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets how long the cookies last, in whole seconds. This setting applies even if the cookie policy asks for
    /// session cookies, which a browser deletes when it is closed.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }
}

impl Authenticator {
    /// Returns the cookies for an access token: the access cookie and its CSRF cookie.
    ///
    /// In Flask-JWT-Extended: `set_access_cookies`.
    ///
    /// # Errors
    /// - [`IssueError::Cookie`]: a cookie's name and value together are longer than 4096 bytes.
    /// - [`IssueError::Token`], only with [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible): the
    ///   token is invalid, has expired or has no CSRF value.
    pub fn set_access_cookies(&self, token: &IssuedToken) -> Result<SetCookies, IssueError> {
        self.set_access_cookies_with(token, &CookieOptions::default())
    }

    /// Returns the cookies for an access token: the access cookie and its CSRF cookie. Uses the domain and maximum age
    /// from `options`.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::set_access_cookies`], and [`IssueError::CookieDomain`] if `options` sets a
    /// domain for a cookie whose name begins with `__Host-`.
    pub fn set_access_cookies_with(
        &self,
        token: &IssuedToken,
        options: &CookieOptions,
    ) -> Result<SetCookies, IssueError> {
        // The cookie lasts as long as a refresh token that is issued at the same time. The browser therefore still
        // sends an expired access token, and the server can tell an expired token from a missing one.
        let refresh = self.settings().refresh_lifetime.duration();
        let until = token.claims.expires_at.zip(refresh).map(|(end, span)| end.max(token.claims.issued_at + span));
        let policy = self.cookies();
        let age = self.age(token, until, !policy.session_cookies);
        self.cookies_of(token, age, [&policy.access, &policy.csrf_access], options)
    }

    /// Returns the cookies for a refresh token: the refresh cookie and its CSRF cookie.
    ///
    /// In Flask-JWT-Extended: `set_refresh_cookies`.
    ///
    /// # Errors
    /// - [`IssueError::Cookie`]: a cookie's name and value together are longer than 4096 bytes.
    /// - [`IssueError::Token`], only with [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible): the
    ///   token is invalid, has expired or has no CSRF value.
    pub fn set_refresh_cookies(&self, token: &IssuedToken) -> Result<SetCookies, IssueError> {
        self.set_refresh_cookies_with(token, &CookieOptions::default())
    }

    /// Returns the cookies for a refresh token: the refresh cookie and its CSRF cookie. Uses the domain and maximum age
    /// from `options`.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::set_refresh_cookies`], and [`IssueError::CookieDomain`] if `options` sets a
    /// domain for a cookie whose name begins with `__Host-`.
    pub fn set_refresh_cookies_with(
        &self,
        token: &IssuedToken,
        options: &CookieOptions,
    ) -> Result<SetCookies, IssueError> {
        let policy = self.cookies();
        let age = self.age(token, token.claims.expires_at, !policy.session_cookies);
        self.cookies_of(token, age, [&policy.refresh, &policy.csrf_refresh], options)
    }

    /// Returns the access cookies for a session that ends at `until`. `persistent` says whether the browser keeps the
    /// cookies after it is closed.
    pub(super) fn access_cookies(
        &self,
        token: &IssuedToken,
        until: Option<Timestamp>,
        persistent: bool,
    ) -> Result<SetCookies, IssueError> {
        let (policy, age) = (self.cookies(), self.age(token, until, persistent));
        self.cookies_of(token, age, [&policy.access, &policy.csrf_access], &CookieOptions::default())
    }

    /// Returns the access cookie and its CSRF cookie for a session that is bound to a device. The access cookie expires
    /// together with its token, because browsers refresh a bound session only when the access cookie is about to
    /// expire. The CSRF cookie lasts longer, because scripts read it before the browser refreshes.
    pub(super) fn bound_access_cookies(
        &self,
        token: &IssuedToken,
        session: &Session,
        now: Timestamp,
    ) -> Result<SetCookies, IssueError> {
        let (policy, mut cookies) = (self.cookies(), SetCookies::default());
        let max_age = token.claims.expires_at.map(|end| end.since(now));
        policy.set(&policy.access, &token.text, &Setting { domain: None, max_age, now }, &mut cookies)?;
        if let (true, Some(csrf)) = (policy.csrf_cookies, &token.claims.csrf) {
            let max_age = self.age(token, Some(session.expires_at), session.persistent);
            policy.set(&policy.csrf_access, csrf, &Setting { domain: None, max_age, now }, &mut cookies)?;
        }
        Ok(cookies)
    }

    pub(super) fn refresh_cookies(&self, token: &IssuedToken, persistent: bool) -> Result<SetCookies, IssueError> {
        let (policy, age) = (self.cookies(), self.age(token, token.claims.expires_at, persistent));
        self.cookies_of(token, age, [&policy.refresh, &policy.csrf_refresh], &CookieOptions::default())
    }

    fn cookies_of(
        &self,
        token: &IssuedToken,
        age: Option<Duration>,
        [slot, csrf_slot]: [&CookieSlot; 2],
        options: &CookieOptions,
    ) -> Result<SetCookies, IssueError> {
        let policy = self.cookies();
        if policy.flask && policy.csrf_cookies {
            // Like Flask-JWT-Extended, decode the token to get its CSRF value. Fail if the token cannot be decoded or
            // has no CSRF value.
            self.csrf_token(&token.text)?;
        }
        let max_age = options.max_age.or(age);
        let setting = Setting { domain: self.own_domain(options, slot)?, max_age, now: self.now() };
        let mut cookies = SetCookies::default();
        policy.set(slot, &token.text, &setting, &mut cookies)?;
        if let (true, Some(csrf)) = (policy.csrf_cookies, &token.claims.csrf) {
            policy.set(csrf_slot, csrf, &setting, &mut cookies)?;
        }
        Ok(cookies)
    }

    /// Returns the domain from the options, if one is set. Returns an error if a domain is set but the cookie's name
    /// begins with `__Host-`, because such a cookie must not have a domain.
    fn own_domain<'o>(&self, options: &'o CookieOptions, slot: &CookieSlot) -> Result<Option<&'o str>, IssueError> {
        match &options.domain {
            Some(domain) if slot.name.as_str().starts_with("__Host-") => {
                Err(IssueError::CookieDomain { name: slot.name.as_str().to_owned(), domain: domain.clone() })
            }
            domain => Ok(domain.as_deref()),
        }
    }

    /// The `Max-Age` of a cookie, or `None` for a session cookie, which browsers delete when they close. The value is
    /// the time from when the token was issued to `until`, so it does not depend on when the cookie is set.
    fn age(&self, token: &IssuedToken, until: Option<Timestamp>, persistent: bool) -> Option<Duration> {
        /// The longest `Max-Age`, for cookies that should never expire. Browsers limit `Max-Age` to 400 days (RFC
        /// 6265bis section 5.5).
        const LONGEST: Duration = Duration::from_secs(400 * 24 * 60 * 60);
        /// The `Max-Age` of one year that Flask-JWT-Extended uses, regardless of the token's lifetime.
        const FLASK: Duration = Duration::from_secs(31_540_000);
        match (persistent, self.cookies().flask) {
            (false, _) => None,
            (true, true) => Some(FLASK),
            (true, false) => Some(until.map_or(LONGEST, |until| until.since(token.claims.issued_at).min(LONGEST))),
        }
    }

    /// Returns the cookies that delete both tokens. The adapter also adds `Clear-Site-Data: "cache"` to the response
    /// that carries these cookies, so that the Back button does not show pages from the session. With
    /// [`flask_compatible`](crate::AuthenticatorBuilder::flask_compatible), the adapter does not add this header.
    ///
    /// In Flask-JWT-Extended: `unset_jwt_cookies`.
    pub fn unset_jwt_cookies(&self) -> SetCookies {
        self.unset_tokens().clearing_cache(!self.settings().flask)
    }

    /// Returns the cookies that delete both tokens. The browser's cache is not cleared.
    pub(crate) fn unset_tokens(&self) -> SetCookies {
        let mut cookies = self.unset_access_cookies();
        cookies.extend(self.unset_refresh_cookies());
        cookies
    }

    /// Returns the cookies that delete the access token and its CSRF value.
    ///
    /// In Flask-JWT-Extended: `unset_access_cookies`.
    pub fn unset_access_cookies(&self) -> SetCookies {
        self.unset([&self.cookies().access, &self.cookies().csrf_access], None)
    }

    /// Returns the cookies that delete the refresh token and its CSRF value.
    ///
    /// In Flask-JWT-Extended: `unset_refresh_cookies`.
    pub fn unset_refresh_cookies(&self) -> SetCookies {
        self.unset([&self.cookies().refresh, &self.cookies().csrf_refresh], None)
    }

    /// Returns the cookies that delete the access and refresh cookies and their CSRF cookies. Use this method if these
    /// cookies were set for a domain other than the configured one.
    pub fn unset_jwt_cookies_of(&self, domain: &str) -> SetCookies {
        let mut cookies = self.unset_access_cookies_of(domain);
        cookies.extend(self.unset_refresh_cookies_of(domain));
        cookies
    }

    /// Returns the cookies that delete the access cookie and its CSRF cookie. Use this method if these cookies were set
    /// for a domain other than the configured one.
    pub fn unset_access_cookies_of(&self, domain: &str) -> SetCookies {
        self.unset([&self.cookies().access, &self.cookies().csrf_access], Some(domain))
    }

    /// Returns the cookies that delete the refresh cookie and its CSRF cookie. Use this method if these cookies were
    /// set for a domain other than the configured one.
    pub fn unset_refresh_cookies_of(&self, domain: &str) -> SetCookies {
        self.unset([&self.cookies().refresh, &self.cookies().csrf_refresh], Some(domain))
    }

    fn unset(&self, [slot, csrf_slot]: [&CookieSlot; 2], domain: Option<&str>) -> SetCookies {
        let (policy, mut cookies) = (self.cookies(), SetCookies::default());
        policy.delete(slot, domain, &mut cookies);
        if policy.csrf_cookies {
            policy.delete(csrf_slot, domain, &mut cookies);
        }
        cookies
    }
}
