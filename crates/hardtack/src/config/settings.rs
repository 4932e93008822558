//! What can be set, with its default.

use std::time::Duration;

use super::{BaseUrl, ConfigError};
use crate::request::NextPath;
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

/// The CSRF check's settings.
#[derive(Clone, Debug)]
pub(crate) struct CsrfSettings {
    pub(crate) protect: bool,
    pub(crate) pre_session: bool,
    pub(crate) check_form: bool,
    pub(crate) header: String,
    pub(crate) field: String,
    pub(crate) trusted_origins: Vec<String>,
}

impl Default for CsrfSettings {
    fn default() -> Self {
        Self {
            protect: true,
            pre_session: true,
            check_form: true,
            header: "x-csrf-token".into(),
            field: "csrf_token".into(),
            trusted_origins: Vec::new(),
        }
    }
}

impl CsrfSettings {
    fn check(&mut self) -> Result<(), ConfigError> {
        self.header.make_ascii_lowercase();
        let plain = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&b))
        };
        for (what, name) in [("header", &self.header), ("field", &self.field)] {
            if !plain(name) {
                return Err(ConfigError::BadCsrfName { what, name: name.clone() });
            }
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
    pub(crate) audience: Vec<String>,
    pub(crate) issuer: Option<String>,
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
            audience: Vec::new(),
            issuer: None,
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
        if self.refresh != RefreshMode::Sliding && refresh.is_some_and(|refresh| access.is_none_or(|a| a > refresh)) {
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
        self.urls.check()?;
        self.csrf.check()
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
