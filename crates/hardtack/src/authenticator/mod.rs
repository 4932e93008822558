//! The authenticator: keys, settings, cookies, sessions and callbacks in one value that is cheap to clone.
//!
//! `verify` verifies a request, step by step. `sessions` begins, changes and ends sessions: log-in, refresh, changed
//! claims, revocation. `issue` makes tokens, and `cookies` makes the cookies that carry them.

mod also_pruned;
mod arrival;
mod background;
mod background_work;
mod body_peek;
mod builder;
mod callbacks;
mod chacha20_poly1305;
mod cookies;
mod decode;
mod early;
mod emit;
mod ended;
mod error;
mod explain;
mod extra_claims;
mod fast_path;
mod issue;
mod keys;
mod keys_in_use;
mod login;
mod request_state;
mod sealed;
mod sealing_keys;
mod sessions;
mod setup_notices;
mod throttle;
mod token_cache;
mod used_states;
mod verify;
mod verify_flask;
mod verify_pending;
mod verify_sources;
mod wake_signal;
mod watchers;

pub use also_pruned::Prune;
pub(crate) use arrival::{ARRIVED, NOTE_LIFETIME, REDIRECTED};
pub(crate) use body_peek::BodyUser;
pub use builder::AuthenticatorBuilder;
pub use callbacks::Blocklist;
pub use cookies::CookieOptions;
pub use ended::Ended;
pub use error::SessionError;
pub(crate) use explain::Found;
pub use issue::{IssuedToken, TokenBuilder};
pub use login::{Freshness, LogIn};
pub use request_state::{RequestState, ResponseChanges};
pub use sessions::CheckedClaims;
use sessions::UndeliveredSessions;
pub(crate) use sessions::{Binding, BoundRefresh};
pub(crate) use verify::{Attempt, Pending, RequestVerifier, TokenVerdict};

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use also_pruned::AlsoPruned;
use background::Background;
use callbacks::Callbacks;
use early::EarlyTokens;
use fast_path::FastPath;
use keys_in_use::{Keys, KeysInUse};
use setup_notices::SetupNotices;
use token_cache::TokenCache;
use used_states::UsedStates;
use watchers::Watchers;

use crate::base_url::BaseUrl;
use crate::body::BodyCount;
use crate::client_address::{ClientAddress, Notices, TrustedProxies};
use crate::clock::{Clock, Timestamp};
use crate::config::{RefreshMode, Settings};
use crate::cookie::ResolvedPolicy;
use crate::event::Observer;
use crate::explain::Recorder;
use crate::log_limit::{self, LogLimit};
use crate::refusal::{Handlers, Reason, RefusalLog};
use crate::request::{NextPath, RequestHead};
use crate::revocation::{HeldSubjects, LogPosition, Moment, RevocationCache};
use crate::session::{ErasedPendingRevocations, ErasedStore, SessionRules};
use crate::token_source::TokenLocation;
use crate::urls::Urls;

/// Verifies requests, and issues and revokes tokens. Clones share all settings and all state.
///
/// ```
/// use hardtack::{Authenticator, KeySet, SigningKey};
/// use hardtack::jwt::Algorithm;
/// let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// let auth = Authenticator::builder(keys).base_url("https://site.example").build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    fast_path: FastPath,
    keys: KeysInUse,
    settings: Settings,
    cookies: ResolvedPolicy,
    rules: SessionRules,
    background: Background,
    store: Option<Arc<dyn ErasedStore>>,
    token_cache: TokenCache,
    revocation_cache: RevocationCache,
    log: LogPosition,
    watchers: Watchers,
    pending: Option<Box<dyn ErasedPendingRevocations>>,
    also_pruned: Vec<AlsoPruned>,
    held: HeldSubjects,
    undelivered: UndeliveredSessions,
    clock: Box<dyn Clock>,
    early_tokens: EarlyTokens,
    refusal_log: RefusalLog,
    observer_panics: LogLimit,
    proxy_notices: Notices,
    bodies: BodyCount,
    used_states: UsedStates,
    setup_notices: SetupNotices,
    /// Records the latest requests if `explain_refusals` is turned on.
    recorder: Option<Arc<Recorder>>,
    handlers: Handlers,
    callbacks: Callbacks,
    observers: Vec<Observer>,
}

impl Authenticator {
    /// Returns the routes of the log-in flow.
    pub fn urls(&self) -> &Urls {
        &self.0.settings.urls
    }

    /// Returns the refresh mode, which determines what happens when an access token has expired.
    #[inline]
    pub fn refresh_mode(&self) -> RefreshMode {
        self.0.settings.refresh
    }

    /// Returns the name of the hidden form field that holds the CSRF value. By default, the name is `csrf_token`.
    pub fn csrf_field(&self) -> &str {
        &self.0.settings.csrf.access.field
    }

    /// Returns the realm, if one is set. The realm is part of every cookie's name, so that applications on the same
    /// host do not overwrite each other's cookies. If an application sets cookies itself, their names must include the
    /// realm as well.
    pub fn realm(&self) -> Option<&str> {
        self.0.settings.realm.as_deref()
    }

    /// Returns whether cookies are `Secure`. By default, cookies are `Secure` if the base URL is https or no base URL
    /// is set.
    pub fn sets_secure_cookies(&self) -> bool {
        self.0.cookies.secure
    }

    /// Returns whether cookies are persistent by default, so that the browser keeps them after it is closed. A log-in
    /// can override this default with [`LogIn::remember`].
    pub fn sets_persistent_cookies(&self) -> bool {
        !self.0.cookies.session_cookies
    }

    /// Returns the names of the members that are read as tokens if a request's body is a JSON object: the name for
    /// access tokens, then the name for refresh tokens. Returns `None` if tokens are not read from bodies, that is, if
    /// [`TokenLocation::Json`] is not one of the token locations.
    ///
    /// A route that refuses unknown members must accept these members.
    pub fn json_token_members(&self) -> Option<[&str; 2]> {
        let sources = &self.settings().sources;
        sources.may_be_in(TokenLocation::Json).then_some([&sources.json_key, &sources.refresh_json_key])
    }

    /// Returns whether browsers send the access cookie with a request for this path.
    pub fn sends_access_cookie_to(&self, path: &str) -> bool {
        self.0.cookies.access.is_sent_to(path)
    }

    /// Returns whether browsers send the refresh cookie with a request for this path.
    pub fn sends_refresh_cookie_to(&self, path: &str) -> bool {
        self.0.cookies.refresh.is_sent_to(path)
    }

    /// Returns the site's origin (scheme, host and port), or `None` if no base URL is set. Do not use the request's
    /// `Host` instead, because the client controls it.
    pub fn origin(&self) -> Option<&str> {
        self.0.settings.base.as_ref().map(BaseUrl::origin)
    }

    /// Returns the site's address without a trailing slash, for use in email links. The address consists of the base
    /// URL's [origin](Self::origin) and path. Returns `None` if no base URL is set.
    pub fn base_url(&self) -> Option<String> {
        self.0.settings.base.as_ref().map(|base| format!("{}{}", base.origin(), base.path()))
    }

    /// Returns the client's address. If the socket's peer is a [trusted proxy](AuthenticatorBuilder::trusted_proxies),
    /// this is the address that the proxy reports. Otherwise, it is the peer's own address. Returns `None` if the
    /// server does not know the peer's address.
    pub fn client_address(&self, head: &RequestHead<'_>) -> Option<ClientAddress> {
        let settings = self.settings();
        self.0.proxy_notices.check(&settings.proxies, settings.base.as_ref(), head);
        settings.proxies.client_address(head)
    }

    /// Returns the proxies that are trusted to report the client's address.
    pub fn trusted_proxies(&self) -> &TrustedProxies {
        &self.settings().proxies
    }

    /// Returns the current time according to the authenticator's clock.
    #[inline]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Logs a warning if an otherwise valid token, or a session's row, contains a time in the future.
    fn warn_of_early(&self, time: Timestamp, now: Timestamp) {
        self.0.early_tokens.warn(&*self.0.clock, self.settings().claims.skew(), time, now);
    }

    /// Logs the reason for refusing a request.
    pub(crate) fn log_refusal(&self, reason: &Reason) {
        reason.log(self.refusal_log(), self.monotonic());
    }

    /// Returns the limits for the log lines about refused requests.
    pub(crate) fn refusal_log(&self) -> &RefusalLog {
        &self.0.refusal_log
    }

    /// Returns the current time of the monotonic clock.
    pub(crate) fn monotonic(&self) -> Duration {
        self.0.clock.monotonic()
    }

    /// Logs how many events have not been logged yet, because clients have caused too many of them. Such events are
    /// logged at most once a second. Call this method before the program ends.
    pub fn log_not_logged(&self) {
        self.log_not_logged_at(log_limit::PAUSE);
    }

    /// Like [`Self::log_not_logged`], but as if it were later by `ahead`.
    fn log_not_logged_at(&self, ahead: Duration) {
        let now = self.monotonic() + ahead;
        self.0.refusal_log.flush(now);
        self.0.observer_panics.flush_at(now);
        log_limit::flush_all(ahead);
    }

    /// Returns the current readings of the wall clock and the monotonic clock. Use both for decisions that must stay
    /// correct even if the wall clock is changed.
    fn moment(&self) -> Moment {
        Moment::now(&*self.0.clock)
    }

    /// Returns `text` if [`Self::next`] accepts it as a page to return to. Otherwise, returns the home page.
    pub fn next_or_home(&self, text: Option<&str>) -> String {
        text.and_then(|text| self.next(text)).map_or_else(|| self.0.settings.urls.home.clone(), |next| next.to_string())
    }

    /// Parses `text` as the page to return to. Returns `None` if `text` is not a path on this site, or if it is the
    /// path of a log-in flow route.
    pub fn next(&self, text: &str) -> Option<NextPath> {
        NextPath::parse(text).filter(|next| !next.is_any_of(self.0.settings.urls.never_next()))
    }

    #[inline]
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn cookies(&self) -> &ResolvedPolicy {
        &self.0.cookies
    }

    pub(crate) fn handlers(&self) -> &Handlers {
        &self.0.handlers
    }

    /// Returns the keys that are currently in use.
    pub(crate) fn keys_in_use(&self) -> impl Deref<Target = Arc<Keys>> + use<> {
        self.0.keys.load()
    }

    /// Returns whether sessions are kept in a store.
    pub(crate) fn has_store(&self) -> bool {
        self.0.store.is_some()
    }

    /// Returns the record of `state` values that have already been used for a log-in at another site and must not be
    /// accepted again.
    pub(crate) fn used_states(&self) -> &UsedStates {
        &self.0.used_states
    }

    /// Returns the record of the setup mistakes that have already been logged.
    #[inline]
    pub(crate) fn setup_notices(&self) -> &SetupNotices {
        &self.0.setup_notices
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
