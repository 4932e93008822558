//! A configuration in the making, checked as a whole when it is built.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::{Application, Authenticator, Engine};
use crate::clock::{Clock, SystemClock};
use crate::config::{BaseUrl, ConfigError, Lifetime, RefreshMode, Settings, Urls};
use crate::cookie::CookiePolicy;
use crate::csrf::PreSessionKey;
use crate::failure::{FailureKind, Handlers, Refused, Reply};
use crate::jwt::KeySet;
use crate::session::{ErasedStore, Revocations, SessionStore};

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
    race_window: Option<Duration>,
    pub(super) without_csrf: bool,
    pub(super) application: Application,
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
            race_window: None,
            without_csrf: false,
            application: Application::default(),
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
            keys: self.keys,
            settings,
            cookies,
            rules,
            store: self.store,
            revocations: Revocations::default(),
            log_position: AtomicU64::new(0),
            clock: self.clock,
            handlers: self.handlers,
            application: self.application,
            pre_session,
        })))
    }
}
