//! The settings of an authenticator. `build.rs` checks all settings together.

mod binding_check;
mod build;
mod callbacks;
mod device_binding;
mod flask_compat;
mod sessions;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Authenticator;
use super::also_pruned::AlsoPruned;
use super::callbacks::Callbacks;
use super::token_cache::DEFAULT_ENTRIES;
use crate::base_url::BaseUrl;
use crate::body::ReadAheadLimits;
use crate::client_address::TrustedProxies;
use crate::clock::{Clock, SystemClock};
use crate::config::{ClaimsPolicy, RefreshMode, SettingNames, Settings};
use crate::cookie::CookiePolicy;
use crate::csrf::CsrfPolicy;
use crate::error::ConfigError;
use crate::event::{Event, Observer};
use crate::jwt::KeySet;
use crate::refusal::{FailureKind, Handlers, Refused, Reply};
use crate::session::{ErasedPendingRevocations, ErasedStore};
use crate::token_source::TokenSources;
use crate::urls::Urls;

/// Configures an [`Authenticator`].
///
/// The defaults are safe. Cookies have the prefix `__Host-` over https, and CSRF protection is on. Access tokens last
/// 15 minutes, and refresh tokens last one day. The servers' clocks may differ by up to three seconds. Most settings
/// that make an application less safe have `insecure` in their names.
///
/// Settings that belong together are grouped: [`CookiePolicy`], [`CsrfPolicy`], [`ClaimsPolicy`],
/// [`SessionPolicy`](crate::session::SessionPolicy), [`TokenSources`] and [`Urls`]. A name such as `JWT_TOKEN_LOCATION`
/// in a method's description is the name of the corresponding Flask-JWT-Extended option.
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
    /// If the address uses https, cookies are `Secure`. A request with an unsafe method (such as POST) is refused if it
    /// comes from another origin.
    ///
    /// If several sites share a host, add this site's path, as in `https://site.example/app`. All redirects then lead
    /// to URLs below this path. The application itself can be mounted below the path (`Router::nest`, `web::scope`), or
    /// a proxy can strip the path before it forwards a request. Cookie paths do not change: by default, browsers send
    /// the cookies to all paths of the host. To separate applications on one host, set a [`realm`](Self::realm).
    ///
    /// If no base URL is set, https is assumed, and a request's `Origin` header is compared with its `Host` header.
    /// However, an attacker can make both headers name the same host (DNS rebinding).
    pub fn base_url(mut self, url: impl AsRef<str>) -> Self {
        self.base = Some(BaseUrl::parse(url.as_ref()));
        self
    }

    /// Sets a base URL that uses plain http and that other machines can reach. Anyone on the network path between a
    /// user and the site can then take over the user's session.
    pub fn insecure_http_base_url(mut self, url: impl AsRef<str>) -> Self {
        self.base = Some(BaseUrl::parse_insecure_http(url.as_ref()));
        self
    }

    /// Sets the address that the server listens on. If it is a loopback address or the unspecified address, requests
    /// from pages at `http://localhost` and at loopback addresses are also accepted, provided that the page's port is
    /// the server's. Browsers on the server's machine can then open the site at these addresses.
    ///
    /// You do not need this method if the base URL's host is `localhost` or a loopback address. In that case, browsers
    /// can already open the site at `localhost` and at the loopback addresses, with the base URL's scheme and port.
    pub fn listener(mut self, address: SocketAddr) -> Self {
        self.listener = Some(address);
        self
    }

    /// Sets which proxies in front of the application are trusted to report the client's address. By default, no proxy
    /// is trusted, and the client's address is the address of the socket's peer.
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

    /// Separates this application from others that share its key or host.
    ///
    /// The realm's name becomes part of the cookie names, as in `__Host-shop_access_token_cookie`. Applications on the
    /// same host therefore do not overwrite each other's cookies, not even if they use different ports. All tokens also
    /// contain the name as an audience (`aud`), in addition to the audiences in [`ClaimsPolicy`]. An application
    /// accepts only tokens and log-in forms from its own realm.
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

    /// Reserves the names of the application's own cookies and query parameters. Pass the cookie names without
    /// prefixes. If one of these names is also the name of a cookie in [`CookiePolicy`], or of the query parameter for
    /// tokens, building the authenticator fails. You can call this method several times to add names.
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
    /// what each cookie is for. These descriptions appear in the explanations from
    /// [`explain_refusals`](Self::explain_refusals) and [`Authenticator::explain_cookies`]. Pass the cookie names
    /// without prefixes. Each description completes the sentence "The cookie … ", for example "contains the colors that
    /// the user has chosen".
    pub fn describe_cookies(mut self, cookies: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        for (name, purpose) in cookies {
            self.settings.reserved_cookie_names.push(name);
            self.settings.described_cookies.push((name, purpose));
        }
        self
    }

    /// Sets how advice refers to settings, for a program whose users do not see its code. Explanations of cookies, such
    /// as those of [`Authenticator::explain_cookies`], and warnings about the base URL contain such advice.
    ///
    /// `names` gets the name of a function or type in Hardtack's API, such as `realm` or `CookiePolicy::access_name`.
    /// It returns what the program calls this setting, such as `--realm`. If `names` returns `None`, the advice shows
    /// the code, unless the advice makes sense without the setting.
    pub fn name_settings(mut self, names: fn(&str) -> Option<String>) -> Self {
        self.settings.names = SettingNames::new(names);
        self
    }

    /// Sets where requests carry their tokens. Pass [`TokenSources`], or a list of
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
    /// `None`. However, an extractor that requires a token refuses the request.
    pub fn exempt_options(mut self) -> Self {
        self.settings.exempt_options = true;
        self
    }

    /// Sets the name of the JSON member that contains the message of an error response (`JWT_ERROR_MESSAGE_KEY`).
    /// Default: `msg`.
    pub fn error_message_key(mut self, name: impl Into<String>) -> Self {
        self.settings.error_key = name.into();
        self
    }

    /// Sets how many access tokens are cached after their signatures have been verified. If a later request contains a
    /// cached token, the token's signature is not verified again. Default: 8192 tokens, which take at most 16 MiB. Zero
    /// turns the cache off. The cache is divided evenly into up to 16 parts, so that threads usually do not share a
    /// part.
    ///
    /// Even if a token's signature is cached, every request still goes through all other checks: times, kind,
    /// revocation, CSRF and freshness. [`Authenticator::replace_keys`] clears the cache.
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

    /// Adds a callback for events such as log-ins and log-outs, for example to show users the recent activity in their
    /// accounts. The authenticator calls the callback after the store has committed the change and before the response
    /// is sent.
    ///
    /// The callback runs on the thread where the event occurred, which is usually a thread that handles requests. The
    /// callback should therefore only pass the event on, for example to a channel. If the callback panics, the panic is
    /// logged and otherwise ignored.
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
    /// The authenticator keeps explanations of the last 20 requests. An explanation lists each step of a verification:
    /// the token, its signature and claims, the CSRF check, the session and freshness. For a refusal, the explanation
    /// also says which setting or line of code to change.
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
}
