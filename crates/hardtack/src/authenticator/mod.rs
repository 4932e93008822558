//! The engine: keys, settings, cookies, sessions and replies in one value that is cheap to clone.

mod application;
mod builder;
mod cookies;
mod flask;
mod given_claims;
mod inspect;
mod issue;
mod log_in;
mod sessions;
mod shortcuts;
mod verified;
mod verified_tokens;

use std::fmt;
use std::sync::Arc;

pub(crate) use application::Application;
pub use application::Blocklist;
pub use builder::Builder;
pub use cookies::CookieOptions;
pub(crate) use inspect::Found;
pub use inspect::VerifiedToken;
pub use issue::{IssueError, IssuedToken, TokenBuilder};
pub use log_in::{Freshness, LogIn};
pub use sessions::SessionError;
pub(crate) use shortcuts::Shortcuts;
use verified_tokens::VerifiedTokens;

use crate::clock::{Clock, Timestamp};
use crate::config::{BaseUrl, RefreshMode, Settings, Urls};
use crate::cookie::ResolvedPolicy;
use crate::csrf::PreSessionKey;
use crate::event::Observer;
use crate::failure::Handlers;
use crate::jwt::KeySet;
use crate::request::NextPath;
use crate::session::{ErasedStore, LogPosition, Revocations, SessionRules};

/// The engine. Clones share everything.
///
/// ```
/// use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
/// let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// let auth = Authenticator::builder(keys).base_url("https://site.example").build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Authenticator(Arc<Engine>);

pub(crate) struct Engine {
    shortcuts: Shortcuts,
    keys: KeySet,
    settings: Settings,
    cookies: ResolvedPolicy,
    rules: SessionRules,
    store: Option<Box<dyn ErasedStore>>,
    verified_tokens: VerifiedTokens,
    revocations: Revocations,
    log: LogPosition,
    clock: Box<dyn Clock>,
    handlers: Handlers,
    application: Application,
    observers: Vec<Observer>,
    pre_session: PreSessionKey,
}

impl Authenticator {
    /// Starts a configuration; [`Builder::build`] checks it.
    pub fn builder(keys: KeySet) -> Builder {
        Builder::new(keys)
    }

    /// The keys that sign and verify.
    pub fn keys(&self) -> &KeySet {
        &self.0.keys
    }

    /// The routes of the flow.
    pub fn urls(&self) -> &Urls {
        &self.0.settings.urls
    }

    /// What happens to expired access tokens.
    #[inline]
    pub fn refresh_mode(&self) -> RefreshMode {
        self.0.settings.refresh
    }

    /// The name of the hidden form field, `csrf_token` unless set otherwise.
    pub fn csrf_field(&self) -> &str {
        &self.0.settings.csrf.access.field
    }

    /// Whether cookies are Secure: the site is served over https.
    pub fn sets_secure_cookies(&self) -> bool {
        self.0.cookies.secure
    }

    /// Whether cookies outlive the browser where a log-in does not choose.
    pub fn sets_persistent_cookies(&self) -> bool {
        !self.0.cookies.session_cookies
    }

    /// Scheme, host and port of the site, for links that leave it, such as in a mail; none unless it was
    /// configured: what a request says of it is no source.
    pub fn origin(&self) -> Option<&str> {
        self.0.settings.base.as_ref().map(BaseUrl::origin)
    }

    /// The time as this engine sees it.
    #[inline]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The page to send someone to who asked for `text`: a path of this site that is no auth route,
    /// or else the home URL.
    pub fn next_or_home(&self, text: Option<&str>) -> String {
        text.and_then(|text| self.next(text)).map_or_else(|| self.0.settings.urls.home.clone(), |next| next.to_string())
    }

    /// `text` as a page to return to: a path of this site that is no auth route.
    pub fn next(&self, text: &str) -> Option<NextPath> {
        NextPath::parse(text).filter(|next| !next.is_any_of(self.0.settings.urls.never_next()))
    }

    #[inline]
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    #[inline]
    pub(crate) fn shortcuts(&self) -> &Shortcuts {
        &self.0.shortcuts
    }

    pub(crate) fn cookies(&self) -> &ResolvedPolicy {
        &self.0.cookies
    }

    pub(crate) fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    pub(crate) fn handlers(&self) -> &Handlers {
        &self.0.handlers
    }

    pub(crate) fn application(&self) -> &Application {
        &self.0.application
    }

    pub(crate) fn observers(&self) -> &[Observer] {
        &self.0.observers
    }

    pub(crate) fn pre_session_key(&self) -> &PreSessionKey {
        &self.0.pre_session
    }

    /// Whether there is a store.
    pub(crate) fn keeps_sessions(&self) -> bool {
        self.0.store.is_some()
    }

    fn store(&self) -> Option<&dyn ErasedStore> {
        self.0.store.as_deref()
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("refresh", &self.0.settings.refresh)
            .field("stored_sessions", &self.0.store.is_some())
            .finish_non_exhaustive()
    }
}
