//! A configuration in the making, checked as a whole when it is built.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::verified_tokens::{DEFAULT_ENTRIES, VerifiedTokens};
use super::{Application, Authenticator, Engine, Shortcuts};
use crate::clock::{Clock, SystemClock};
use crate::config::{BaseUrl, ConfigError, Lifetime, RefreshMode, Settings, Urls};
use crate::cookie::CookiePolicy;
use crate::csrf::PreSessionKey;
use crate::event::{Event, Observer};
use crate::failure::{FailureKind, Handlers, Refused, Reply};
use crate::jwt::KeySet;
use crate::session::{ErasedStore, LogPosition, Revocations, SessionStore};

/// Collects settings. The defaults are the safe ones: https cookies with `__Host-`, 15 minutes of
/// access, a day of refresh, CSRF protection on, no leeway.
#[must_use = "a builder does nothing until build() is called"]
pub struct Builder {
    keys: KeySet,
    base: Option<Result<BaseUrl, ConfigError>>,
    pub(super) settings: Settings,
    pub(super) cookies: CookiePolicy,
    store: Option<Box<dyn ErasedStore>>,
    clock: Box<dyn Clock>,
    handlers: Handlers,
    observers: Vec<Observer>,
    race_window: Option<Duration>,
    pub(super) without_csrf: bool,
    pub(super) application: Application,
    token_cache: usize,
}

impl Builder {
    pub(super) fn new(keys: KeySet) -> Self {
        Self {
            keys,
            base: None,
            settings: Settings::default(),
            cookies: CookiePolicy::default(),
            store: None,
            clock: Box::new(SystemClock),
            handlers: HashMap::new(),
            observers: Vec::new(),
            race_window: None,
            without_csrf: false,
            application: Application::default(),
            token_cache: DEFAULT_ENTRIES,
        }
    }

    /// The site's public origin, such as `https://site.example` or `http://127.0.0.1:8080`. Without
    /// one, https is assumed.
    pub fn base_url(mut self, url: &str) -> Self {
        self.base = Some(BaseUrl::parse(url));
        self
    }

    /// Plain http on an address that other machines reach: everyone on the way can take over every
    /// session.
    pub fn insecure_http_base_url(mut self, url: &str) -> Self {
        self.base = Some(BaseUrl::parse_insecure_http(url));
        self
    }

    /// Keeps sessions: refresh tokens rotate, log-out is final, devices can be listed and ended.
    pub fn sessions(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// How long an access token lives; 15 minutes unless set (`JWT_ACCESS_TOKEN_EXPIRES`).
    pub fn access_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.settings.access_lifetime = lifetime.into();
        self
    }

    /// How long a refresh token lives, and so a session that nobody uses; one day unless set
    /// (`JWT_REFRESH_TOKEN_EXPIRES`).
    pub fn refresh_lifetime(mut self, lifetime: impl Into<Lifetime>) -> Self {
        self.settings.refresh_lifetime = lifetime.into();
        self
    }

    /// How long a stored session lives however much it is used; 30 days unless set (ASVS 5.0 V7.3.2).
    pub fn session_lifetime(mut self, span: Duration) -> Self {
        self.settings.session_lifetime = span;
        self
    }

    /// How long after a rotation the parent refresh token is still answered; 30 s unless set, and ten
    /// minutes while nobody has seen its successor. Zero is strict: two tabs that race, or a response
    /// that is lost, end the session.
    pub fn race_window(mut self, span: Duration) -> Self {
        self.race_window = Some(span);
        self
    }

    /// Access tokens of stored sessions live up to this much shorter than their lifetime, in percent, so
    /// that those that were made at once don't expire at once; 0 unless set, 50 at most. How much is drawn
    /// from the session's row: all who race for a token still get the same one.
    pub fn access_jitter(mut self, percent: u8) -> Self {
        self.settings.access_jitter = percent;
        self
    }

    /// The strict profile, for where a stolen token costs more than a lost session. Each refresh token is
    /// good once, without a window for races and lost responses (RFC 9700 §4.14.2); access tokens live 5
    /// minutes; a session ends after 15 minutes unused and after 12 hours at most (NIST SP 800-63B-4
    /// AAL3), and its cookies with the browser.
    ///
    /// Two requests that refresh at once end the session: it suits clients that send one at a time.
    /// Whatever is set after this call replaces that part of it.
    pub fn strict_sessions(mut self) -> Self {
        self.cookies = self.cookies.session_cookies(true);
        self.access_lifetime(Duration::from_secs(5 * 60))
            .refresh_lifetime(Duration::from_secs(15 * 60))
            .session_lifetime(Duration::from_secs(12 * 60 * 60))
            .race_window(Duration::ZERO)
    }

    /// Several processes share the store: how long this one may answer from its own memory after it last
    /// knew of every session that ended. From then on each request asks the store, and is told 503 where
    /// that fails, until [`Authenticator::follow_revocations`] has caught up. Never unless set.
    ///
    /// At least two seconds more than [`Self::poll_interval`]; five seconds are a good choice. Whole
    /// seconds.
    pub fn max_staleness(mut self, bound: Duration) -> Self {
        self.settings.max_staleness = Some(bound);
        self
    }

    /// How often [`Authenticator::follow_revocations`] reads the log of ended sessions where the store
    /// does not tell of news; a second unless set.
    pub fn poll_interval(mut self, span: Duration) -> Self {
        self.settings.poll_interval = span;
        self
    }

    /// Tolerance for clocks out of step, at most 60 s; none unless set (`JWT_DECODE_LEEWAY`).
    pub fn leeway(mut self, span: Duration) -> Self {
        self.settings.leeway = span;
        self
    }

    /// The `aud` that is written and asked for (`JWT_ENCODE_AUDIENCE`, `JWT_DECODE_AUDIENCE`).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        let audience = audience.into();
        self.settings.encode_audience.push(audience.clone());
        self.settings.decode_audience.push(audience);
        self
    }

    /// The `iss` that is written and asked for (`JWT_ENCODE_ISSUER`, `JWT_DECODE_ISSUER`).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        self.settings.decode_issuers = vec![issuer.clone()];
        self.settings.encode_issuer = Some(issuer);
        self
    }

    /// What happens when an access token has expired.
    pub fn refresh_mode(mut self, mode: RefreshMode) -> Self {
        self.settings.refresh = mode;
        self
    }

    /// The routes of the flow.
    pub fn urls(mut self, urls: Urls) -> Self {
        self.settings.urls = urls;
        self
    }

    /// Names, paths and attributes of the cookies.
    pub fn cookies(mut self, policy: CookiePolicy) -> Self {
        self.cookies = policy;
        self
    }

    /// The header that carries the CSRF value; `X-CSRF-TOKEN` unless set.
    pub fn csrf_header(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.settings.csrf.refresh.header.clone_from(&name);
        self.settings.csrf.access.header = name;
        self
    }

    /// The hidden form field that carries the CSRF value; `csrf_token` unless set.
    pub fn csrf_field(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.settings.csrf.refresh.field.clone_from(&name);
        self.settings.csrf.access.field = name;
        self
    }

    /// Whether forms may carry the CSRF value in a field (`JWT_CSRF_CHECK_FORM`); yes unless set.
    pub fn csrf_in_forms(mut self, check: bool) -> Self {
        self.settings.csrf.check_form = check;
        self
    }

    /// Whether log-in and sign-up forms carry a token of their own; yes unless set.
    pub fn pre_session_csrf(mut self, check: bool) -> Self {
        self.settings.csrf.pre_session = check;
        self
    }

    /// Another origin whose pages may send requests that change something.
    pub fn trusted_origin(mut self, origin: impl Into<String>) -> Self {
        self.settings.csrf.trusted_origins.push(origin.into());
        self
    }

    /// No double submit: only where every cookie is `SameSite=Strict`, or another layer checks.
    pub fn insecure_without_csrf(mut self) -> Self {
        self.without_csrf = true;
        self
    }

    /// How many access tokens are remembered with their good signature, so that the next request with the
    /// same cookie needs no cryptography; 8192 unless set, 2 KiB each at most on average, 0 to verify every
    /// time. Threads have a share each.
    ///
    /// Times, kind, audience, revocation, CSRF and freshness are judged on every request all the same. Keys
    /// are fixed for an engine: other keys make another engine, whose memory is empty.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// let auth = Authenticator::builder(keys).token_cache(100_000).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token_cache(mut self, entries: usize) -> Self {
        self.token_cache = entries;
        self
    }

    /// Another source of the time.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The application's own answer to one kind of failure; cookies are unset with it where the kind
    /// makes them useless.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
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

    /// Tells the application what happens to sessions, such as for a record that their users see. Called
    /// after the commit and before the answer, on the request's own thread: it should do no more than
    /// hand the event on, as to a channel. A panic is logged and changes nothing.
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
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

    /// Checks everything and makes the engine.
    ///
    /// # Errors
    /// The first setting that would not be safe or could not work, with what to do instead.
    pub fn build(self) -> Result<Authenticator, ConfigError> {
        let mut settings = self.settings;
        settings.base = self.base.transpose()?;
        settings.csrf.protect = !self.without_csrf;
        settings.check(self.store.is_some())?;
        if self.store.is_some() {
            let signing = self.keys.signing_key().ok_or(ConfigError::VerifyingOnly)?;
            if !signing.is_deterministic() && settings.refresh != RefreshMode::Sliding {
                return Err(ConfigError::RandomisedRefreshSignature { algorithm: signing.algorithm().as_str() });
            }
        }
        let refresh_paths = match settings.refresh {
            RefreshMode::Redirect => self.cookies.refresh_paths_for(&settings.urls),
            _ => vec!["/".to_owned()],
        };
        let cookies =
            self.cookies.resolve(settings.base.as_ref(), refresh_paths, settings.csrf.protect, settings.flask)?;
        let log_out = &settings.urls.logout;
        if !cookies.access.is_sent_to(log_out) && !cookies.refresh.is_sent_to(log_out) {
            tracing::warn!(
                event = "log_out_unseen",
                "browsers send no token to {log_out}, so that logging out there cannot end the session; add it to \
                 the refresh cookie's paths"
            );
        }
        let mut rules = settings.session_rules(self.store.is_some());
        if let Some(window) = self.race_window {
            rules.race_window = window;
            rules.lost_response_window =
                if window.is_zero() { Duration::ZERO } else { rules.lost_response_window.max(window) };
        }
        // Forms of a service that cannot sign are good while it runs.
        let derived = self.keys.signing_key().map(|key| key.derive("pre-session"));
        let pre_session = PreSessionKey::new(&derived.unwrap_or_else(rand::random));
        Ok(Authenticator(Arc::new(Engine {
            shortcuts: Shortcuts::of(&settings, &self.application),
            keys: if settings.flask { self.keys.take_any_key_id() } else { self.keys },
            settings,
            cookies,
            rules,
            store: self.store,
            verified_tokens: VerifiedTokens::new(self.token_cache),
            revocations: Revocations::default(),
            log: LogPosition::default(),
            clock: self.clock,
            handlers: self.handlers,
            application: self.application,
            observers: self.observers,
            pre_session,
        })))
    }
}
