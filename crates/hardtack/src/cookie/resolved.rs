//! A checked cookie policy, with the final names, paths and attributes.

use super::matching::covers;
use super::{CookieName, SameSite};

/// One cookie: its full name, and where it is sent.
#[derive(Clone, Debug)]
pub(crate) struct CookieSlot {
    pub(crate) name: CookieName,
    pub(crate) paths: Vec<String>,
    pub(crate) http_only: bool,
}

impl CookieSlot {
    /// Whether browsers send the cookie with a request for `path`.
    pub(crate) fn is_sent_to(&self, path: &str) -> bool {
        self.paths.iter().any(|own| covers(own, path))
    }
}

/// A checked policy.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedPolicy {
    pub(crate) access: CookieSlot,
    pub(crate) refresh: CookieSlot,
    pub(crate) csrf_access: CookieSlot,
    pub(crate) csrf_refresh: CookieSlot,
    pub(crate) pre_session: CookieSlot,
    /// The cookie with the text that says why the last log-in was refused.
    pub(crate) notice: CookieSlot,
    /// The cookie with the accounts that users have logged in to in this browser.
    pub(crate) device: CookieSlot,
    pub(crate) domain: Option<String>,
    pub(crate) secure: bool,
    pub(crate) same_site: SameSite,
    pub(crate) session_cookies: bool,
    pub(crate) csrf_cookies: bool,
    /// Whether to write cookies as Werkzeug does.
    pub(crate) flask: bool,
}

impl ResolvedPolicy {
    /// Returns all cookies.
    pub(crate) fn slots(&self) -> [&CookieSlot; 7] {
        [
            &self.access,
            &self.refresh,
            &self.csrf_access,
            &self.csrf_refresh,
            &self.pre_session,
            &self.notice,
            &self.device,
        ]
    }
}
