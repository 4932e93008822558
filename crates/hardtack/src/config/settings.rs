//! An authenticator's settings, except for its keys, cookies, callbacks and store.

use std::borrow::Cow;
use std::time::Duration;

use super::{ClaimsPolicy, DeviceBinding, Lifetime, RefreshMode, SettingNames};
use crate::base_url::BaseUrl;
use crate::body::ReadAheadLimits;
use crate::client_address::TrustedProxies;
use crate::csrf::CsrfPolicy;
use crate::error::ConfigError;
use crate::jwt::ClaimsProfile;
use crate::session::{SessionPolicy, SessionRules};
use crate::token::Reading;
use crate::token_source::{TokenLocation, TokenSources};
use crate::urls::Urls;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) base: Option<BaseUrl>,
    pub(crate) proxies: TrustedProxies,
    /// The name that distinguishes this application from others on the same host or with the same key.
    pub(crate) realm: Option<String>,
    pub(crate) access_lifetime: Lifetime,
    pub(crate) refresh_lifetime: Lifetime,
    /// How long an authentication is considered recent.
    pub(crate) fresh_lifetime: Lifetime,
    pub(crate) sessions: SessionPolicy,
    /// Whether the authenticator asks browsers to bind sessions to their devices.
    pub(crate) binding: DeviceBinding,
    pub(crate) claims: ClaimsPolicy,
    pub(crate) sources: TokenSources,
    pub(crate) csrf: CsrfPolicy,
    pub(crate) read_ahead: ReadAheadLimits,
    pub(crate) exempt_options: bool,
    /// The name of the JSON member that contains the message when a request is refused.
    pub(crate) error_key: String,
    /// Whether to behave as Flask-JWT-Extended does ([`crate::AuthenticatorBuilder::flask_compatible`]).
    pub(crate) flask: bool,
    pub(crate) refresh: RefreshMode,
    pub(crate) urls: Urls,
    /// The names of the application's own query parameters.
    pub(crate) reserved_query_names: Vec<&'static str>,
    /// The names of the application's own cookies, without prefixes.
    pub(crate) reserved_cookie_names: Vec<&'static str>,
    /// The names of the application's own cookies, without prefixes, and what each cookie is for.
    pub(crate) described_cookies: Vec<(&'static str, &'static str)>,
    pub(crate) names: SettingNames,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base: None,
            proxies: TrustedProxies::default(),
            realm: None,
            access_lifetime: Lifetime::For(Duration::from_secs(15 * 60)),
            refresh_lifetime: Lifetime::For(Duration::from_secs(24 * 60 * 60)),
            fresh_lifetime: Lifetime::For(Duration::from_secs(15 * 60)),
            sessions: SessionPolicy::default(),
            binding: DeviceBinding::default(),
            claims: ClaimsPolicy::default(),
            sources: TokenSources::default(),
            csrf: CsrfPolicy::default(),
            read_ahead: ReadAheadLimits::default(),
            exempt_options: false,
            error_key: "msg".into(),
            flask: false,
            refresh: RefreshMode::Transparent,
            urls: Urls::default(),
            reserved_query_names: Vec::new(),
            reserved_cookie_names: Vec::new(),
            described_cookies: Vec::new(),
            names: SettingNames::default(),
        }
    }
}

impl Settings {
    /// Returns a request's path or target as the browser sent it, including the path of the base URL.
    #[inline]
    pub(crate) fn public_path<'p>(&self, path: &'p str) -> Cow<'p, str> {
        self.base.as_ref().map_or(Cow::Borrowed(path), |base| base.public_path(path))
    }

    /// Checks all settings together. `stored_sessions` says whether there is a session store.
    pub(crate) fn check(&mut self, stored_sessions: bool) -> Result<(), ConfigError> {
        if self.flask {
            // Without `JWT_DECODE_LEEWAY`, Flask-JWT-Extended allows for no clock difference: it refuses tokens that
            // have expired, and tokens whose `nbf` or `iat` is in the future.
            self.claims.clock_skew.get_or_insert(Duration::ZERO);
        }
        self.check_lifetimes(stored_sessions)?;
        self.sessions.check(stored_sessions)?;
        self.claims.check()?;
        self.read_ahead.check()?;
        if self.error_key.is_empty() {
            return Err(ConfigError::BadTokenPlace {
                what: "name of the JSON member for error messages",
                name: String::new(),
            });
        }
        self.sources.check(self.flask)?;
        self.urls.check()?;
        if let Some(realm) = self.realm.as_ref().filter(|realm| !is_realm(realm)) {
            return Err(ConfigError::BadRealm { name: realm.clone() });
        }
        self.csrf.check()?;
        if self.flask { Ok(()) } else { self.check_names() }
    }

    /// Refuses a header name or query parameter name that already has another meaning. Do not call this method for the
    /// Flask preset, because Flask-JWT-Extended accepts such names.
    fn check_names(&self) -> Result<(), ConfigError> {
        let (access, refresh) = (&self.csrf.access.header, &self.csrf.refresh.header);
        let csrf = [("CsrfPolicy::access_header", access), ("CsrfPolicy::refresh_header", refresh)];
        let token = Some(("TokenSources::header_name", &self.sources.header_lower));
        let token = token.filter(|_| self.sources.may_be_in(TokenLocation::Headers));
        for (setter, name) in csrf.into_iter().chain(token) {
            let meaning = match name.as_str() {
                "authorization" if token.is_none_or(|(of_token, _)| of_token != setter) => "carries credentials",
                _ if token.is_some_and(|(of_token, token)| of_token != setter && token == name) => {
                    "already carries the token (TokenSources::header_name)"
                }
                "cookie" | "content-length" | "content-type" | "host" | "origin" | "referer" => "is set by browsers",
                name if name.starts_with("sec-") || name.starts_with("proxy-") => "is set by browsers",
                _ => continue,
            };
            return Err(ConfigError::HeaderReserved { name: name.clone(), setter, meaning });
        }
        let query = &self.sources.query_name;
        let is_taken = query == NEXT || self.reserved_query_names.contains(&query.as_str());
        if is_taken && self.sources.may_be_in(TokenLocation::QueryString) {
            return Err(ConfigError::QueryNameReserved { name: query.clone() });
        }
        Ok(())
    }

    fn check_lifetimes(&self, stored_sessions: bool) -> Result<(), ConfigError> {
        self.access_lifetime.check("access token's lifetime")?;
        self.refresh_lifetime.check("refresh token's lifetime")?;
        self.fresh_lifetime.check("time for which a log-in is fresh")?;
        let access = self.access_lifetime.duration();
        let refresh = self.refresh_lifetime.duration();
        if stored_sessions && (access.is_none() || refresh.is_none()) {
            return Err(ConfigError::NeverExpiringWithSessions);
        }
        if access.is_none() && self.refresh == RefreshMode::Sliding {
            return Err(ConfigError::NeverExpiringRefreshed);
        }
        // Do not compare the lifetimes in sliding mode, which has no refresh tokens. Do not compare them for the Flask
        // preset either, because Flask-JWT-Extended does not compare them.
        let refreshes = self.refresh != RefreshMode::Sliding && !self.flask;
        if refreshes && refresh.is_some_and(|refresh| access.is_none_or(|a| a > refresh)) {
            return Err(ConfigError::AccessOutlivesRefresh);
        }
        if stored_sessions {
            let session = self.sessions.absolute_lifetime;
            Lifetime::For(session).check("session's lifetime")?;
            if self.refresh != RefreshMode::Sliding && refresh.is_some_and(|refresh| session < refresh) {
                return Err(ConfigError::SessionShorterThanRefresh);
            }
        }
        Ok(())
    }

    /// Returns the rules for the claims that a payload must have.
    pub(crate) fn claims_profile(&self) -> ClaimsProfile<'_> {
        ClaimsProfile {
            identity: &self.claims.identity_claim,
            verify_sub: self.claims.verify_sub,
            lenient: self.flask,
            audience: !self.flask || !self.claims.decode_audience.is_empty() || self.realm.is_some(),
        }
    }

    /// Returns the options for reading the claims of verified tokens.
    #[inline]
    pub(crate) fn reading(&self) -> Reading {
        Reading { masks_csrf: self.csrf.mask, fresh_lifetime: self.fresh_lifetime.duration() }
    }

    /// Returns the rules for session lifetimes. Without a store, a session lives as long as its tokens. `can_choose`
    /// says whether users can choose to stay logged in, which gives their sessions a longer idle timeout.
    pub(crate) fn session_rules(&self, stored_sessions: bool, can_choose: bool) -> SessionRules {
        let idle = match self.refresh {
            // In sliding mode, the access token is the only token. When it expires, the session ends.
            RefreshMode::Sliding => self.access_lifetime.duration(),
            RefreshMode::Transparent | RefreshMode::Redirect | RefreshMode::Off => self.refresh_lifetime.duration(),
        };
        let idle = idle.unwrap_or(self.sessions.absolute_lifetime);
        let absolute =
            if stored_sessions { self.sessions.absolute_lifetime } else { self.sessions.absolute_lifetime.max(idle) };
        let mut rules = self.sessions.rules(idle, absolute, self.claims.skew());
        if stored_sessions && can_choose && self.refresh != RefreshMode::Sliding && !self.flask {
            rules.remembered_idle = self.sessions.remembered_idle.max(idle).min(absolute);
        }
        rules
    }
}

/// The name of the query parameter that says which page to show after a log-in.
const NEXT: &str = "next";

/// The maximum length of a realm's name, in bytes. The name must be short, because it becomes part of every cookie's
/// name.
const MAX_REALM: usize = 32;

/// Whether a realm can have this name, which becomes part of cookie names and of `aud`.
fn is_realm(name: &str) -> bool {
    name.len() <= MAX_REALM
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
