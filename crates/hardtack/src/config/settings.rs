//! What can be set, with its default.

use std::time::Duration;

use super::{BaseUrl, ConfigError};
use crate::jwt::{Claims, Reading, TokenKind};
use crate::location::{Locations, Places, TokenLocation};
use crate::request::{NextPath, RequestHead, is_token};
use crate::session::SessionRules;

/// How long a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// This long; whole seconds.
    For(Duration),
    /// Until its key is retired. A stolen one is good for as long.
    InsecureForever,
}

impl Lifetime {
    pub(crate) const fn duration(self) -> Option<Duration> {
        match self {
            Self::For(span) => Some(span),
            Self::InsecureForever => None,
        }
    }

    fn check(self, what: &'static str) -> Result<(), ConfigError> {
        match self {
            Self::For(span) if span.as_secs() == 0 => Err(ConfigError::ZeroLifetime { what }),
            _ => Ok(()),
        }
    }
}

impl From<Duration> for Lifetime {
    fn from(span: Duration) -> Self {
        Self::For(span)
    }
}

/// What happens when an access token has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshMode {
    /// The layer refreshes in place; the handler runs, and its answer carries the new cookies.
    #[default]
    Transparent,
    /// The client is sent to the refresh URL and back to the page it asked for. The refresh cookie is
    /// sent to that URL only.
    Redirect,
    /// There is no refresh token: an access token past half of its life is replaced on the way out.
    Sliding,
    /// Nothing; the application refreshes itself, or not at all.
    Off,
}

/// The routes that the flow sends people to.
///
/// ```
/// let urls = hardtack::Urls::default().login("/auth/login");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Urls {
    pub(crate) login: String,
    pub(crate) logout: String,
    pub(crate) signup: String,
    pub(crate) refresh: String,
    pub(crate) reauthenticate: String,
    pub(crate) home: String,
}

impl Default for Urls {
    fn default() -> Self {
        Self {
            login: "/login".into(),
            logout: "/logout".into(),
            signup: "/signup".into(),
            refresh: "/token/refresh".into(),
            reauthenticate: "/reauthenticate".into(),
            home: "/".into(),
        }
    }
}

/// Generates a setter for each route.
macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, path: impl Into<String>) -> Self {
            self.$name = path.into();
            self
        }
    )*};
}

impl Urls {
    routes! {
        /// Where someone logs in.
        login,
        /// Where someone logs out.
        logout,
        /// Where someone signs up.
        signup,
        /// Where a refresh token is exchanged.
        refresh,
        /// Where the password is asked for again.
        reauthenticate,
        /// Where someone goes who asked for nothing in particular.
        home,
    }

    fn check(&self) -> Result<(), ConfigError> {
        let routes = [
            ("log-in URL", &self.login),
            ("log-out URL", &self.logout),
            ("sign-up URL", &self.signup),
            ("refresh URL", &self.refresh),
            ("re-authentication URL", &self.reauthenticate),
            ("home URL", &self.home),
        ];
        // No query: the URL is compared with paths, and is the refresh cookie's Path.
        let is_path =
            |url: &str| !url.contains(['?', '#']) && NextPath::parse(url).is_some_and(|path| path.as_str() == url);
        match routes.into_iter().find(|(_, url)| !is_path(url)) {
            Some((what, url)) => Err(ConfigError::BadFlowUrl { what, url: url.clone() }),
            None => Ok(()),
        }
    }

    /// The routes that nobody is sent back to.
    pub(crate) fn never_next(&self) -> [&str; 5] {
        [&self.login, &self.logout, &self.signup, &self.refresh, &self.reauthenticate]
    }
}

/// Where a request carries the CSRF value of one kind of token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CsrfNames {
    pub(crate) header: String,
    pub(crate) field: String,
}

impl Default for CsrfNames {
    fn default() -> Self {
        Self { header: "x-csrf-token".into(), field: "csrf_token".into() }
    }
}

/// The CSRF check's settings.
#[derive(Clone, Debug)]
pub(crate) struct CsrfSettings {
    pub(crate) protect: bool,
    pub(crate) pre_session: bool,
    pub(crate) check_form: bool,
    pub(crate) access: CsrfNames,
    pub(crate) refresh: CsrfNames,
    /// The methods that are checked; all that change something unless set.
    pub(crate) methods: Option<Vec<String>>,
    /// Whether an empty header field is a value, which is wrong, or none at all.
    pub(crate) empty_is_none: bool,
    pub(crate) trusted_origins: Vec<String>,
}

impl Default for CsrfSettings {
    fn default() -> Self {
        Self {
            protect: true,
            pre_session: true,
            check_form: true,
            access: CsrfNames::default(),
            refresh: CsrfNames::default(),
            methods: None,
            empty_is_none: false,
            trusted_origins: Vec::new(),
        }
    }
}

impl CsrfSettings {
    /// Where the value for a token of this kind is.
    pub(crate) const fn names(&self, kind: TokenKind) -> &CsrfNames {
        match kind {
            TokenKind::Access => &self.access,
            TokenKind::Refresh => &self.refresh,
        }
    }

    /// Whether a header field's value is one, or a form field's.
    pub(crate) const fn counts(&self, sent: &[u8]) -> bool {
        !self.empty_is_none || !sent.is_empty()
    }

    /// Whether the double submit is asked of requests by this one's method.
    #[inline]
    pub(crate) fn applies_to(&self, head: &RequestHead<'_>) -> bool {
        self.protect
            && match &self.methods {
                Some(methods) => methods.iter().any(|own| own == head.method()),
                None => !head.is_safe(),
            }
    }

    fn check(&mut self) -> Result<(), ConfigError> {
        for names in [&mut self.access, &mut self.refresh] {
            names.header.make_ascii_lowercase();
        }
        for names in [&self.access, &self.refresh] {
            if !is_token(&names.header) {
                return Err(ConfigError::BadCsrfName { what: "header", name: names.header.clone() });
            }
            // Any text is a field's name.
            if names.field.is_empty() {
                return Err(ConfigError::BadCsrfName { what: "field", name: String::new() });
            }
        }
        if let Some(bad) = self.methods.iter().flatten().find(|method| !is_token(method)) {
            return Err(ConfigError::BadCsrfName { what: "method", name: bad.clone() });
        }
        for origin in &mut self.trusted_origins {
            match BaseUrl::parse_insecure_http(origin) {
                Ok(base) => *origin = base.origin().to_owned(),
                Err(_) => return Err(ConfigError::BadTrustedOrigin { origin: origin.clone() }),
            }
        }
        Ok(())
    }
}

/// Everything but keys, cookies and stores.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) base: Option<BaseUrl>,
    pub(crate) access_lifetime: Lifetime,
    pub(crate) access_jitter: u8,
    pub(crate) refresh_lifetime: Lifetime,
    pub(crate) session_lifetime: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) max_staleness: Option<Duration>,
    pub(crate) leeway: Duration,
    pub(crate) encode_audience: Vec<String>,
    /// Those that a token may be for; none takes tokens that are for nobody in particular.
    pub(crate) decode_audience: Vec<String>,
    pub(crate) encode_issuer: Option<String>,
    /// Those that a token may be from; none takes anybody's.
    pub(crate) decode_issuers: Vec<String>,
    /// The claim that says whose token it is.
    pub(crate) identity_claim: String,
    /// Whether the identity has to be text.
    pub(crate) verify_sub: bool,
    pub(crate) encode_nbf: bool,
    pub(crate) locations: Locations,
    /// Those that single routes may ask for besides.
    pub(crate) route_locations: Locations,
    pub(crate) places: Places,
    pub(crate) exempt_options: bool,
    pub(crate) error_key: String,
    /// Flask-JWT-Extended's manner where it differs from ours: see [`crate::Builder::flask_compatible`].
    pub(crate) flask: bool,
    pub(crate) refresh: RefreshMode,
    pub(crate) urls: Urls,
    pub(crate) csrf: CsrfSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base: None,
            access_lifetime: Lifetime::For(Duration::from_secs(15 * 60)),
            access_jitter: 0,
            refresh_lifetime: Lifetime::For(Duration::from_secs(24 * 60 * 60)),
            session_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
            poll_interval: Duration::from_secs(1),
            max_staleness: None,
            leeway: Duration::ZERO,
            encode_audience: Vec::new(),
            decode_audience: Vec::new(),
            encode_issuer: None,
            decode_issuers: Vec::new(),
            identity_claim: "sub".into(),
            verify_sub: true,
            encode_nbf: true,
            locations: Locations::COOKIES,
            route_locations: Locations::default(),
            places: Places::default(),
            exempt_options: false,
            error_key: "msg".into(),
            flask: false,
            refresh: RefreshMode::Transparent,
            urls: Urls::default(),
            csrf: CsrfSettings::default(),
        }
    }
}

impl Settings {
    pub(crate) fn check(&mut self, stored_sessions: bool) -> Result<(), ConfigError> {
        self.access_lifetime.check("access token's lifetime")?;
        self.refresh_lifetime.check("refresh token's lifetime")?;
        let access = self.access_lifetime.duration();
        let refresh = self.refresh_lifetime.duration();
        if stored_sessions && (access.is_none() || refresh.is_none()) {
            return Err(ConfigError::NeverExpiringWithSessions);
        }
        if access.is_none() && self.refresh == RefreshMode::Sliding {
            return Err(ConfigError::NeverExpiringRefreshed);
        }
        // Where nothing refreshes by itself, the two have nothing to do with each other.
        let refreshes = self.refresh != RefreshMode::Sliding && !self.flask;
        if refreshes && refresh.is_some_and(|refresh| access.is_none_or(|a| a > refresh)) {
            return Err(ConfigError::AccessOutlivesRefresh);
        }
        if stored_sessions {
            Lifetime::For(self.session_lifetime).check("session's lifetime")?;
            if self.refresh != RefreshMode::Sliding && refresh.is_some_and(|refresh| self.session_lifetime < refresh) {
                return Err(ConfigError::SessionShorterThanRefresh);
            }
        }
        if self.access_jitter > 50 {
            return Err(ConfigError::TooMuchJitter { percent: self.access_jitter });
        }
        self.check_following(stored_sessions)?;
        if self.leeway > Duration::from_secs(60) {
            return Err(ConfigError::LeewayTooLong { seconds: self.leeway.as_secs() });
        }
        if self.locations.is_empty() {
            return Err(ConfigError::NoTokenLocation);
        }
        if !Claims::can_identify(&self.identity_claim) {
            return Err(ConfigError::BadIdentityClaim { name: self.identity_claim.clone() });
        }
        if self.error_key.is_empty() {
            return Err(ConfigError::BadTokenPlace { what: "member for error messages", name: String::new() });
        }
        self.places.check()?;
        self.urls.check()?;
        self.csrf.check()
    }

    /// How payloads are read.
    pub(crate) fn reading(&self) -> Reading<'_> {
        let audience = !self.flask || !self.decode_audience.is_empty();
        Reading { identity: &self.identity_claim, verify_sub: self.verify_sub, lenient: self.flask, audience }
    }

    /// Whether some route may take tokens from there.
    #[inline]
    pub(crate) fn may_be_in(&self, location: TokenLocation) -> bool {
        if self.locations.is_only_cookies() && self.route_locations.is_empty() {
            return location == TokenLocation::Cookies;
        }
        self.locations.contains(location) || self.route_locations.contains(location)
    }

    fn check_following(&self, stored_sessions: bool) -> Result<(), ConfigError> {
        if self.poll_interval.is_zero() {
            return Err(ConfigError::ZeroPollInterval);
        }
        let Some(bound) = self.max_staleness else { return Ok(()) };
        if !stored_sessions {
            return Err(ConfigError::StalenessWithoutStore);
        }
        // A second for the fractions that are cut off, and one for the reading itself.
        let least = self.poll_interval + Duration::from_secs(2);
        if bound < least {
            return Err(ConfigError::StalenessTooShort { bound, least });
        }
        Ok(())
    }

    /// How long a session lives unused, and at most; a session without a store as long as its tokens.
    pub(crate) fn session_rules(&self, stored_sessions: bool) -> SessionRules {
        let idle = match self.refresh {
            // An access token that slides is all there is: it has to be used while it lives.
            RefreshMode::Sliding => self.access_lifetime.duration(),
            _ => self.refresh_lifetime.duration(),
        };
        let idle = idle.unwrap_or(self.session_lifetime);
        let absolute = if stored_sessions { self.session_lifetime } else { self.session_lifetime.max(idle) };
        SessionRules { idle, absolute, ..SessionRules::default() }
    }
}
