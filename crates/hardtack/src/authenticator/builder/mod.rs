//! The builder of an authenticator. [`AuthenticatorBuilder::build`] checks all settings together.

mod binding_check;
mod callbacks;
mod device_binding;
mod flask_compat;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::also_pruned::{AlsoPruned, Prune};
use super::background::Background;
use super::callbacks::Callbacks;
use super::early::EarlyTokens;
use super::explain;
use super::fast_path::FastPath;
use super::keys_in_use::KeysInUse;
use super::setup_notices::SetupNotices;
use super::token_cache::{DEFAULT_ENTRIES, TokenCache};
use super::used_states::UsedStates;
use super::watchers::Watchers;
use super::{Authenticator, Inner};
use crate::base_url::BaseUrl;
use crate::body::{BodyCount, ReadAheadLimits};
use crate::client_address::{Notices, TrustedProxies};
use crate::clock::{Clock, SystemClock};
use crate::config::{ClaimsPolicy, DeviceBinding, Lifetime, RefreshMode, Settings};
use crate::cookie::CookiePolicy;
use crate::csrf::CsrfPolicy;
use crate::error::ConfigError;
use crate::event::{Event, Observer};
use crate::explain::Recorder;
use crate::jwt::KeySet;
use crate::refusal::{FailureKind, Handlers, Refused, Reply};
use crate::revocation::{HeldSubjects, LogPosition, RevocationCache};
use crate::session::{
    ErasedPendingRevocations, ErasedStore, PendingRevocations, SessionPolicy, SessionStore, StoreAbility,
};
use crate::token_source::TokenSources;
use crate::urls::Urls;

/// Configures an [`Authenticator`].
///
/// The defaults are safe. Cookies have the prefix `__Host-` over https, and CSRF protection is on. Access tokens live
/// 15 minutes, and refresh tokens live one day. The clocks of servers may differ by three seconds. Most settings that
/// give up protection have `insecure` in their names.
///
/// Settings that belong together are grouped: [`CookiePolicy`], [`CsrfPolicy`], [`ClaimsPolicy`], [`SessionPolicy`],
/// [`TokenSources`] and [`Urls`]. A name such as `JWT_TOKEN_LOCATION` in a description is the corresponding option of
/// Flask-JWT-Extended.
#[must_use = "a builder does nothing until build() is called"]
pub struct AuthenticatorBuilder {
    keys: KeySet,
    base: Option<Result<BaseUrl, ConfigError>>,
    listener: Option<SocketAddr>,
    settings: Settings,
    cookies: CookiePolicy,
    store: Option<Arc<dyn ErasedStore>>,
    pending: Option<Box<dyn ErasedPendingRevocations>>,
    also_pruned: Vec<AlsoPruned>,
    follows_log: bool,
    prunes: bool,
    clock: Box<dyn Clock>,
    handlers: Handlers,
    observers: Vec<Observer>,
    callbacks: Callbacks,
    token_cache: usize,
    explains_refusals: bool,
}

impl Authenticator {
    /// Returns a builder for an authenticator with these keys.
    pub fn builder(keys: KeySet) -> AuthenticatorBuilder {
        AuthenticatorBuilder {
            keys,
            base: None,
            listener: None,
            settings: Settings::default(),
            cookies: CookiePolicy::default(),
            store: None,
            pending: None,
            also_pruned: Vec::new(),
            follows_log: true,
            prunes: true,
            clock: Box::new(SystemClock),
            handlers: HashMap::new(),
            observers: Vec::new(),
            callbacks: Callbacks::default(),
            token_cache: DEFAULT_ENTRIES,
            explains_refusals: false,
        }
    }
}

impl AuthenticatorBuilder {
    /// Sets the site's public address, such as `https://site.example` or `http://127.0.0.1:8080`.
    ///
    /// If the address is https, cookies are `Secure`. A request with an unsafe method (such as POST) is refused if it
    /// comes from another origin.
    ///
    /// If several sites share a host, add the path of this site, as in `https://site.example/app`. All redirects then
    /// lead to URLs below this path. The application itself can be below the path (`Router::nest`, `web::scope`), or a
    /// proxy can strip the path before it forwards a request. The paths of cookies do not change: by default, browsers
    /// send the cookies to all paths of the host. To separate applications on one host, set a [`realm`](Self::realm).
    ///
    /// If no base URL is set, https is assumed, and a request's `Origin` header is compared with its `Host` header. An
    /// attacker can make both headers name the same host (DNS rebinding).
    pub fn base_url(mut self, url: &str) -> Self {
        self.base = Some(BaseUrl::parse(url));
        self
    }

    /// Sets a public origin that uses plain http and that other machines can reach. Anyone on the network path between
    /// a user and the site can then take over the user's session.
    pub fn insecure_http_base_url(mut self, url: &str) -> Self {
        self.base = Some(BaseUrl::parse_insecure_http(url));
        self
    }

    /// Sets the address that the server listens on. If this address is loopback or unspecified, requests are also
    /// accepted from pages at `http://localhost` and the loopback addresses, with the server's port. Browsers on the
    /// same machine can then use the site under these addresses.
    ///
    /// If the host of the base URL is `localhost` or a loopback address, this call is not necessary. Browsers may then
    /// use any of these hosts with the scheme and port of the base URL.
    pub fn listener(mut self, address: SocketAddr) -> Self {
        self.listener = Some(address);
        self
    }

    /// Sets the proxies in front of the application that are trusted to name the client's address. By default, no proxy
    /// is trusted, and the client's address is that of the socket's peer.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey};
    /// # use hardtack::jwt::Algorithm;
    /// use hardtack::client_address::TrustedProxies;
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let auth = Authenticator::builder(keys)
    ///     .base_url("https://site.example")
    ///     .trusted_proxies(TrustedProxies::new(["127.0.0.1", "10.0.0.0/8"])?)
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.settings.proxies = proxies;
        self
    }

    /// Separates this application from others that share its key or its host.
    ///
    /// The name becomes part of the cookies' names, as in `__Host-shop_access_token_cookie`. Applications on one host,
    /// even on different ports, then do not overwrite each other's cookies. The name also becomes an audience (`aud`)
    /// of all tokens, in addition to the audiences of [`ClaimsPolicy`]. An application accepts only tokens and log-in
    /// forms of its own realm.
    ///
    /// Setting or changing the realm logs every user out once. Applications that share sessions on purpose, such as the
    /// servers of one site, need the same realm.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey};
    /// # use hardtack::jwt::Algorithm;
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let shop = Authenticator::builder(keys.clone()).realm("shop").build()?;
    /// let blog = Authenticator::builder(keys).realm("blog").build()?;
    /// let token = shop.access_token("alice").issue()?;
    /// assert!(shop.token_id(token.as_str()).is_ok() && blog.token_id(token.as_str()).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn realm(mut self, name: impl Into<String>) -> Self {
        self.settings.realm = Some(name.into());
        self
    }

    /// Keeps sessions in `store`, so that refresh tokens rotate, a log-out is final, and users can list and end their
    /// sessions.
    pub fn sessions(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Turns off reading the revocation log of a durable store. After a session has ended in another process, or before
    /// this process was restarted, this process then accepts the session's tokens until they expire.
    ///
    /// By default, the adapter follows the log from the first request on. Until it has read the log, and whenever its
    /// copy of the log is [too old](SessionPolicy::max_staleness), each request is checked against the store.
    pub fn insecure_without_revocation_log(mut self) -> Self {
        self.follows_log = false;
        self
    }

    /// Deletes expired rows of the application in the background, together with expired sessions. `what` is the name of
    /// these rows in log messages.
    pub fn also_prune(mut self, what: &'static str, rows: impl Prune) -> Self {
        self.also_pruned.push(AlsoPruned::new(what, rows));
        self
    }

    /// Leaves the deletion of expired rows to the application. Call [`Authenticator::prune_sessions`] to delete
    /// sessions and log entries, and delete the rows of [`Self::also_prune`] yourself. By default, the adapter deletes
    /// all of these rows every ten minutes.
    pub fn without_pruning(mut self) -> Self {
        self.prunes = false;
        self
    }

    /// Registers the place where the application stores its intentions to end sessions. Use this setting if the
    /// sessions are not in the same database as the users, for example because they are in Redis.
    ///
    /// The transaction that changes a user also stores the intention to end the user's sessions. A server that follows
    /// the revocation log then ends the sessions within seconds, even if the server that changed the user has crashed.
    ///
    /// `pending_revocations` requires a session store. If [`SessionPolicy::max_staleness`] is not set, its default for
    /// a durable store applies.
    pub fn pending_revocations(mut self, pending: impl PendingRevocations) -> Self {
        pending.registered();
        self.pending = Some(Box::new(pending));
        self
    }

    /// Sets how long an access token lives (`JWT_ACCESS_TOKEN_EXPIRES`). Default: 15 minutes.
    pub fn access_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.settings.access_lifetime = lifetime.into();
        self
    }

    /// Sets how long a refresh token, and therefore an unused session, lives (`JWT_REFRESH_TOKEN_EXPIRES`). Default: 1
    /// day.
    ///
    /// In [sliding mode](RefreshMode::Sliding), there are no refresh tokens, and an unused session lives as long as its
    /// access token.
    pub fn refresh_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.settings.refresh_lifetime = lifetime.into();
        self
    }

    /// Sets how long a log-in or a re-authentication counts as recent. Default: 15 minutes.
    ///
    /// During this time, routes that need a fresh token, such as routes with the extractor `FreshAccessToken`, do not
    /// ask for the password again. The time also ends when the access token from the log-in expires.
    ///
    /// [`LogIn::freshness`](crate::LogIn::freshness) sets another time for one log-in. With
    /// [`Lifetime::InsecureForever`], a log-in counts as recent until its access token expires, as in
    /// Flask-JWT-Extended.
    ///
    /// Source: ASVS 5.0 V7.5.1.
    pub fn fresh_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.settings.fresh_lifetime = lifetime.into();
        self
    }

    /// Sets the rules for stored sessions. Examples are how long sessions live, how many sessions a user can have, and
    /// how old the list of ended sessions may be.
    pub fn session_policy(mut self, policy: SessionPolicy) -> Self {
        self.settings.sessions = policy;
        self
    }

    /// Applies strict settings, for sites where a stolen token does more harm than an extra log-in.
    ///
    /// Each refresh token is accepted only once, even if concurrent requests use it or a response was lost (RFC 9700
    /// section 4.14.2). Access tokens live 5 minutes. A session ends after 15 minutes without use, and after 12 hours
    /// at most (NIST SP 800-63B-4 AAL3). This applies even if the user chose to stay logged in. By default, the browser
    /// deletes the cookies when it closes.
    ///
    /// Two concurrent refreshes with the same token end the session, so these settings suit clients that send one
    /// request at a time. Later calls on the builder override these settings.
    pub fn strict_sessions(mut self) -> Self {
        self.cookies = self.cookies.session_cookies(true);
        self.settings.sessions =
            self.settings.sessions.absolute_lifetime(Duration::from_secs(12 * 60 * 60)).race_window(Duration::ZERO);
        self.settings.sessions.remembered_idle = Duration::ZERO;
        self.access_lifetime(Duration::from_secs(5 * 60)).refresh_lifetime(Duration::from_secs(15 * 60))
    }

    /// Sets what happens when an access token has expired. Default: [`RefreshMode::Transparent`].
    pub fn refresh_mode(mut self, mode: RefreshMode) -> Self {
        self.settings.refresh = mode;
        self
    }

    /// Sets the routes of the log-in flow.
    pub fn urls(mut self, urls: Urls) -> Self {
        self.settings.urls = urls;
        self
    }

    /// Sets the names, paths and attributes of the cookies.
    pub fn cookies(mut self, policy: CookiePolicy) -> Self {
        self.cookies = policy;
        self
    }

    /// Sets which requests need a CSRF value, and where they carry it.
    pub fn csrf(mut self, policy: CsrfPolicy) -> Self {
        self.settings.csrf = policy;
        self
    }

    /// Reserves the names of the application's own cookies and query parameters. Pass the names of cookies without
    /// prefixes. Building the authenticator then fails if one of these names is also used for a cookie of
    /// [`CookiePolicy`] or for the query parameter with a token. You can call this method several times to add names.
    pub fn reserve_names(
        mut self,
        cookies: impl IntoIterator<Item = &'static str>,
        query_parameters: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        self.settings.reserved_cookie_names.extend(cookies);
        self.settings.reserved_query_names.extend(query_parameters);
        self
    }

    /// Reserves the names of the application's own cookies, as [`reserve_names`](Self::reserve_names) does, and says
    /// what each cookie is for. The explanations of [`explain_refusals`](Self::explain_refusals) and
    /// [`Authenticator::explain_cookies`] contain these texts. Pass the names of cookies without prefixes. Each text
    /// completes the sentence "The cookie … ", for example "contains the colours that the user has chosen".
    pub fn describe_cookies(mut self, cookies: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        for (name, purpose) in cookies {
            self.settings.reserved_cookie_names.push(name);
            self.settings.described_cookies.push((name, purpose));
        }
        self
    }

    /// Sets where requests carry their tokens: [`TokenSources`], or a list of
    /// [`TokenLocation`](crate::TokenLocation)s in order of precedence (`JWT_TOKEN_LOCATION`). Default: cookies.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey};
    /// # use hardtack::jwt::Algorithm;
    /// use hardtack::TokenLocation::{Cookies, Headers};
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let auth = Authenticator::builder(keys).token_sources([Headers, Cookies]).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token_sources(mut self, sources: impl Into<TokenSources>) -> Self {
        self.settings.sources = sources.into();
        self
    }

    /// Sets limits on reading bodies before handlers run. Hardtack reads the beginning of a request's body to find the
    /// CSRF field of a form or a token in JSON.
    pub fn read_ahead_limits(mut self, limits: ReadAheadLimits) -> Self {
        self.settings.read_ahead = limits;
        self
    }

    /// Sets the rules for registered claims: the issuer and audience of tokens, the claim that holds the subject, and
    /// the leeway for times.
    pub fn claims(mut self, policy: ClaimsPolicy) -> Self {
        self.settings.claims = policy;
        self
    }

    /// Exempts `OPTIONS` requests from verification, because browsers send CORS preflights without cookies.
    ///
    /// For an `OPTIONS` request, `Auth::verify` and [`Exchange::verify`](crate::adapter::Exchange::verify) return
    /// `None`. An extractor that requires a token still refuses the request.
    pub fn exempt_options(mut self) -> Self {
        self.settings.exempt_options = true;
        self
    }

    /// Sets the JSON member of error responses that contains the message (`JWT_ERROR_MESSAGE_KEY`). Default: `msg`.
    pub fn error_message_key(mut self, name: impl Into<String>) -> Self {
        self.settings.error_key = name.into();
        self
    }

    /// Sets how many access tokens with a verified signature are cached. If a later request has the same token, its
    /// signature is not verified again. Default: 8192 tokens, which take at most 16 MiB. Zero turns the cache off. The
    /// cache is divided evenly among the threads.
    ///
    /// Times, kind, revocation, CSRF and freshness are still checked on every request. [`Authenticator::replace_keys`]
    /// clears the cache.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey};
    /// # use hardtack::jwt::Algorithm;
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let auth = Authenticator::builder(keys).token_cache(100_000).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token_cache(mut self, entries: usize) -> Self {
        self.token_cache = entries;
        self
    }

    /// Sets the source of the current time. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Replaces the reply to one kind of failure. If the browser's cookies are useless after the failure, the response
    /// still deletes them. If the reply depends on the user and is not based on [`Refused::default_reply`], give it
    /// `Cache-Control: private, no-store`.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey};
    /// # use hardtack::jwt::Algorithm;
    /// use hardtack::{FailureKind, Reply};
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let auth = Authenticator::builder(keys)
    ///     .on(FailureKind::Missing, |_| Reply::redirect(303, "/welcome"))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(mut self, kind: FailureKind, handler: impl Fn(&Refused<'_>) -> Reply + Send + Sync + 'static) -> Self {
        self.handlers.insert(kind, Arc::new(handler));
        self
    }

    /// Adds a callback for events such as log-ins and log-outs. You can use the callback, for example, to show users
    /// the recent activity in their accounts. The authenticator calls the callback after the store has committed the
    /// change and before the response is sent.
    ///
    /// The callback runs on the thread that made the change, which is usually the thread of a request. It should
    /// therefore only pass the event on, for example to a channel. If the callback panics, the panic is logged and
    /// otherwise ignored.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey};
    /// # use hardtack::jwt::Algorithm;
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let (record, events) = std::sync::mpsc::sync_channel(1000);
    /// let auth = Authenticator::builder(keys)
    ///     .on_event(move |event| {
    ///         let _ = record.try_send((event.at, event.kind.name(), event.subject.to_owned()));
    ///     })
    ///     .build()?;
    /// # drop(events);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_event(mut self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Explains to the application's developer how requests are verified. Call this method only during development. The
    /// host of the base URL must be `localhost`, a name that ends in `.localhost`, or a loopback address.
    ///
    /// The authenticator keeps explanations of the latest 20 requests. An explanation lists each step of a
    /// verification: the token, its signature and claims, the CSRF check, the session and freshness. For a refusal, the
    /// explanation also says which setting or line to change.
    ///
    /// The adapter's layer shows the explanations on the page `/__hardtack/why`. Each refusal is also logged
    /// (`refusal_explained`). Neither the page nor the log contains a token, a signature or a CSRF value. The guide
    /// ["Why was I logged out?"](crate::guide::explain) shows an example.
    ///
    /// ```
    /// # use hardtack::{Authenticator, ConfigError, KeySet, SigningKey};
    /// # use hardtack::jwt::Algorithm;
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let auth = Authenticator::builder(keys.clone())
    ///     .base_url("http://127.0.0.1:3000")
    ///     .explain_refusals()
    ///     .build()?;
    /// assert!(auth.explains_refusals() && auth.explanations().is_empty());
    ///
    /// // Other machines can reach this site, so `build` returns an error.
    /// let public = Authenticator::builder(keys).base_url("https://site.example").explain_refusals().build();
    /// assert!(matches!(public, Err(ConfigError::ExplainsInProduction { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn explain_refusals(mut self) -> Self {
        self.explains_refusals = true;
        self
    }

    /// Checks the settings and returns the authenticator.
    ///
    /// # Errors
    /// A setting is unsafe or cannot work. The error describes the first such setting and says what to do instead.
    pub fn build(self) -> Result<Authenticator, ConfigError> {
        let mut settings = self.settings;
        settings.base = self.base.transpose()?;
        if let (Some(base), Some(listener)) = (&mut settings.base, self.listener) {
            base.add_listener(listener);
        }
        if let Some(base) = &settings.base {
            settings.urls = settings.urls.below(base);
        }
        if self.explains_refusals && !settings.base.as_ref().is_some_and(BaseUrl::is_loopback) {
            return Err(ConfigError::ExplainsInProduction { base: settings.base.map(|base| base.origin().to_owned()) });
        }
        settings.check(self.store.is_some())?;
        let keys = KeysInUse::new(self.keys, &settings, self.store.is_some())?;
        let has_pending = self.pending.is_some();
        if has_pending && self.store.is_none() {
            return Err(ConfigError::PendingRevocationsWithoutStore);
        }
        if let Some(store) = &self.store {
            let policy = &mut settings.sessions;
            match policy.max_staleness {
                Some(bound) if !self.follows_log => return Err(ConfigError::StalenessWithoutLog { bound }),
                None if has_pending && !self.follows_log => return Err(ConfigError::PendingRevocationsWithoutLog),
                // If this process has failed to carry out a pending revocation, requests must refuse the affected
                // sessions. Requests check this only if the cache may be stale. The staleness must therefore be
                // limited, because the cache is otherwise never stale.
                None if self.follows_log && (has_pending || store.is_durable()) => policy.bound_staleness(),
                Some(_) | None => {}
            }
            if policy.max_sessions.is_some() && !store.can(StoreAbility::LimitSessions) {
                if policy.has_max_sessions {
                    return Err(ConfigError::StoreCannotLimitSessions);
                }
                tracing::warn!(
                    event = "sessions_unlimited",
                    "the session store cannot limit the number of sessions per user, so a user can have any number \
                     of sessions; to accept unlimited sessions, call SessionPolicy::insecure_unlimited_sessions"
                );
                policy.max_sessions = None;
            }
        }
        let has_rows = self.store.is_some() || !self.also_pruned.is_empty();
        let background = Background::new(settings.sessions.max_staleness.is_some(), self.prunes && has_rows);
        let mut policy = self.cookies;
        let has_refresh_cookie = settings.refresh != RefreshMode::Sliding;
        if !has_refresh_cookie && !settings.flask {
            policy.send_access_without_refresh(&settings.urls);
        }
        let refresh_paths = match settings.refresh {
            RefreshMode::Redirect => policy.refresh_paths_for(&settings.urls, settings.binding != DeviceBinding::Off),
            RefreshMode::Transparent | RefreshMode::Sliding | RefreshMode::Off => vec!["/".to_owned()],
        };
        let cookies = policy.resolve(
            settings.base.as_ref(),
            refresh_paths,
            settings.realm.as_deref(),
            settings.csrf.protect,
            settings.flask,
            &settings.reserved_cookie_names,
        )?;
        binding_check::check(&settings, &cookies, self.store.as_deref())?;
        let sends_token =
            |url: &str| cookies.access.is_sent_to(url) || (has_refresh_cookie && cookies.refresh.is_sent_to(url));
        let log_out = settings.urls.logout.as_str();
        if !sends_token(log_out) {
            tracing::warn!(
                event = "log_out_unseen",
                "browsers send no token to {log_out}, so a log-out there cannot end the session; add {log_out} to the \
                 paths of the refresh cookie"
            );
        }
        let replaces = settings.urls.end_sessions().into_iter().find(|url| *url != log_out && !sends_token(url));
        if let Some(url) = replaces.filter(|_| !settings.flask) {
            tracing::warn!(
                event = "log_in_unseen",
                "browsers send no token to {url}, so a log-in or sign-up there does not end the browser's previous \
                 session; add {url} to the paths of the refresh cookie"
            );
        }
        let recorder = self.explains_refusals.then(|| Arc::new(Recorder::default()));
        let mut observers = self.observers;
        observers.extend(recorder.as_ref().map(explain::observer));
        if let (Some(_), Some(base)) = (&recorder, &settings.base) {
            explain::announce(base);
        }
        Ok(Authenticator(Arc::new(Inner {
            fast_path: FastPath::new(&settings, &self.callbacks, recorder.is_some()),
            keys,
            rules: settings.session_rules(self.store.is_some(), cookies.session_cookies),
            settings,
            cookies,
            background,
            store: self.store,
            token_cache: TokenCache::new(self.token_cache),
            revocation_cache: RevocationCache::default(),
            log: LogPosition::default(),
            watchers: Watchers::default(),
            pending: self.pending,
            also_pruned: self.also_pruned,
            held: HeldSubjects::default(),
            clock: self.clock,
            early_tokens: EarlyTokens::default(),
            proxy_notices: Notices::default(),
            bodies: BodyCount::default(),
            used_states: UsedStates::default(),
            setup_notices: SetupNotices::default(),
            recorder,
            handlers: self.handlers,
            callbacks: self.callbacks,
            observers,
        })))
    }
}
