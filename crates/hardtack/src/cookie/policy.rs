//! The names, paths and attributes of cookies.

use super::domain::{PublicSuffix, is_cookie_domain, public_suffix};
use super::{CookieName, CookiePrefix, CookieSlot, ResolvedPolicy, SameSite};
use crate::base_url::BaseUrl;
use crate::error::ConfigError;
use crate::request::{covers, is_cookie_path, is_token};
use crate::urls::Urls;

/// The start of the cookie names for log-ins at other sites.
const LOG_IN_STATE: &str = "log_in_state";

/// The names, paths and attributes that are used to set and delete all cookies.
///
/// ```
/// use hardtack::CookiePolicy;
/// let policy = CookiePolicy::default()
///     .access_paths(["/account", "/services"])
///     .refresh_paths(["/token/refresh"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CookiePolicy {
    pub(crate) access_name: String,
    pub(crate) refresh_name: String,
    pub(crate) csrf_access_name: String,
    pub(crate) csrf_refresh_name: String,
    pub(crate) pre_session_name: String,
    pub(crate) access_paths: Vec<String>,
    pub(crate) refresh_paths: Option<Vec<String>>,
    pub(crate) csrf_access_path: String,
    pub(crate) csrf_refresh_path: String,
    pub(crate) domain: Option<String>,
    pub(crate) secure: Option<bool>,
    pub(crate) same_site: SameSite,
    pub(crate) prefix: CookiePrefix,
    pub(crate) session_cookies: bool,
    pub(crate) csrf_cookies: bool,
}

impl Default for CookiePolicy {
    /// Returns a policy with the cookie names of Flask-JWT-Extended, `Path=/` and `SameSite=Lax`. The base URL
    /// determines whether cookies are `Secure` and whether their names get a prefix.
    fn default() -> Self {
        Self {
            access_name: "access_token_cookie".into(),
            refresh_name: "refresh_token_cookie".into(),
            csrf_access_name: "csrf_access_token".into(),
            csrf_refresh_name: "csrf_refresh_token".into(),
            pre_session_name: "csrf_pre_session".into(),
            access_paths: vec!["/".into()],
            refresh_paths: None,
            csrf_access_path: "/".into(),
            csrf_refresh_path: "/".into(),
            domain: None,
            secure: None,
            same_site: SameSite::Lax,
            prefix: CookiePrefix::Auto,
            session_cookies: true,
            csrf_cookies: true,
        }
    }
}

/// Generates the setters for string options.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, value: impl Into<String>) -> Self {
            self.$name = value.into();
            self
        }
    )*};
}

impl CookiePolicy {
    setters! {
        /// Sets the name of the access cookie, without the prefix (`JWT_ACCESS_COOKIE_NAME`). Default:
        /// `access_token_cookie`.
        access_name,
        /// Sets the name of the refresh cookie, without the prefix (`JWT_REFRESH_COOKIE_NAME`). Default:
        /// `refresh_token_cookie`.
        refresh_name,
        /// Sets the name of the cookie that holds the access token's CSRF value (`JWT_ACCESS_CSRF_COOKIE_NAME`).
        /// Scripts can read this cookie. Default: `csrf_access_token`.
        csrf_access_name,
        /// Sets the name of the cookie that holds the refresh token's CSRF value (`JWT_REFRESH_CSRF_COOKIE_NAME`).
        /// Scripts can read this cookie. Default: `csrf_refresh_token`.
        csrf_refresh_name,
        /// Sets the name of the cookie that protects log-in and sign-up forms against CSRF. Default:
        /// `csrf_pre_session`.
        pre_session_name,
        /// Sets the path of the access token's CSRF cookie (`JWT_ACCESS_CSRF_COOKIE_PATH`). Default: `/`.
        csrf_access_path,
        /// Sets the path of the refresh token's CSRF cookie (`JWT_REFRESH_CSRF_COOKIE_PATH`). Default: `/`.
        csrf_refresh_path,
    }

    /// Sets the paths to which browsers send the access cookie (`JWT_ACCESS_COOKIE_PATH`). A response sets the cookie
    /// once for each path. Default: `/`.
    ///
    /// In sliding mode, there is no refresh cookie, so Hardtack adds the log-in, log-out, sign-up and re-authentication
    /// URLs to the access cookie's paths, unless the paths already cover them. Without the access cookie, a log-in,
    /// log-out or sign-up could not end the session that the browser already has, and a re-authentication would be
    /// refused.
    #[must_use]
    pub fn access_paths<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.access_paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the paths to which browsers send the refresh cookie (`JWT_REFRESH_COOKIE_PATH`).
    ///
    /// Default: `/`, except in redirect mode. In redirect mode, the default includes the refresh URL. It also includes
    /// those of the log-in, log-out and sign-up URLs that the access cookie's paths do not cover, because these URLs
    /// need one of the two cookies to end the browser's current session. If
    /// [`device_binding`](crate::AuthenticatorBuilder::device_binding) is set, the default also includes the two URLs
    /// for bound sessions.
    #[must_use]
    pub fn refresh_paths<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.refresh_paths = Some(paths.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the domain of the cookies (`JWT_COOKIE_DOMAIN`). Browsers then send the cookies to every host in the
    /// domain. By default, browsers send the cookies only to the host that set them. If a domain is set, cookie names
    /// cannot have the prefix `__Host-`. Browsers ignore cookies for a public suffix, such as `co.uk`. If the domain is
    /// a well-known public suffix, building the authenticator fails.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets whether cookies are `Secure`, regardless of the base URL (`JWT_COOKIE_SECURE`). If a cookie is not
    /// `Secure`, browsers also send it over unencrypted connections, where anyone on the network path can read it.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = Some(secure);
        self
    }

    /// Sets the `SameSite` attribute (`JWT_COOKIE_SAMESITE`). Default: [`SameSite::Lax`].
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Sets the name prefix. Default: [`CookiePrefix::Auto`].
    #[must_use]
    pub fn prefix(mut self, prefix: CookiePrefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// Sets whether the cookies are deleted when the browser is closed (`JWT_SESSION_COOKIE`). Default: yes.
    ///
    /// If `session` is `false`, the browser keeps the cookies until the session or the refresh token expires. The
    /// access cookie outlives its token, so that the server can tell an expired token from a missing one. In a session
    /// that is bound to a device, however, the access cookie expires together with its token.
    #[must_use]
    pub fn session_cookies(mut self, session: bool) -> Self {
        self.session_cookies = session;
        self
    }

    /// Sets whether to also send the CSRF values in cookies that scripts can read (`JWT_CSRF_IN_COOKIES`). Default:
    /// yes.
    #[must_use]
    pub fn csrf_cookies(mut self, readable: bool) -> Self {
        self.csrf_cookies = readable;
        self
    }

    /// Returns the refresh cookie's default paths in redirect mode. They always include the refresh URL. The log-in,
    /// log-out and sign-up URLs need the access cookie or the refresh cookie to end the browser's current session, so
    /// the paths include each of these URLs to which browsers do not send the access cookie. If `binds_sessions` is
    /// `true`, the paths also include the two URLs for bound sessions, which need the refresh cookie.
    pub(crate) fn refresh_paths_for(&self, urls: &Urls, binds_sessions: bool) -> Vec<String> {
        let mut paths = vec![urls.refresh.clone()];
        if binds_sessions {
            add_uncovered(&mut paths, &[], &[&urls.bind, &urls.bound]);
        }
        add_uncovered(&mut paths, &self.access_paths, &urls.end_sessions());
        paths
    }

    /// Adds the log-in, log-out, sign-up and re-authentication URLs to the paths of the access cookie, for sliding
    /// mode, which has no refresh cookie.
    pub(crate) fn send_access_without_refresh(&mut self, urls: &Urls) {
        // Leave an empty list empty. An empty list is an error that is reported later.
        if !self.access_paths.is_empty() {
            add_uncovered(&mut self.access_paths, &[], &urls.end_sessions());
            add_uncovered(&mut self.access_paths, &[], &[&urls.reauthenticate]);
        }
    }

    /// Checks the policy and computes every name, path and attribute.
    pub(crate) fn resolve(
        &self,
        base: Option<&BaseUrl>,
        refresh_paths: Vec<String>,
        realm: Option<&str>,
        csrf_protect: bool,
        flask: bool,
        reserved: &[&'static str],
    ) -> Result<ResolvedPolicy, ConfigError> {
        let secure = self.secure.unwrap_or_else(|| base.is_none_or(BaseUrl::is_https));
        if self.same_site == SameSite::None && !secure {
            return Err(ConfigError::SameSiteNoneWithoutSecure);
        }
        if self.same_site == SameSite::None && !csrf_protect {
            return Err(ConfigError::SameSiteNoneWithoutCsrf);
        }
        if let Some(domain) = &self.domain {
            check_domain(domain, base)?;
        }
        let slot = |name: &str, paths: Vec<String>, usage| self.slot(&in_realm(realm, name), paths, usage, secure);
        let refresh_paths = self.refresh_paths.clone().unwrap_or(refresh_paths);
        let policy = ResolvedPolicy {
            access: slot(&self.access_name, self.access_paths.clone(), CookieUse::Bindable)?,
            refresh: slot(&self.refresh_name, refresh_paths, CookieUse::ServerOnly)?,
            csrf_access: slot(&self.csrf_access_name, vec![self.csrf_access_path.clone()], CookieUse::Readable)?,
            csrf_refresh: slot(&self.csrf_refresh_name, vec![self.csrf_refresh_path.clone()], CookieUse::Readable)?,
            pre_session: slot(&self.pre_session_name, vec!["/".into()], CookieUse::ServerOnly)?,
            log_in_state: slot(LOG_IN_STATE, vec!["/".into()], CookieUse::ServerOnly)?,
            notice: slot("log_in_notice", vec!["/".into()], CookieUse::ServerOnly)?,
            device: slot("log_in_device", vec!["/".into()], CookieUse::ServerOnly)?,
            device_proof: slot("device_proof", vec!["/".into()], CookieUse::ServerOnly)?,
            reauthentication: slot("reauthentication_mark", vec!["/".into()], CookieUse::ServerOnly)?,
            domain: self.domain.clone(),
            secure,
            same_site: self.same_site,
            session_cookies: self.session_cookies,
            csrf_cookies: self.csrf_cookies && (csrf_protect || !flask),
            flask,
        };
        policy.check_names(reserved)?;
        Ok(policy)
    }

    fn slot(&self, name: &str, paths: Vec<String>, usage: CookieUse, secure: bool) -> Result<CookieSlot, ConfigError> {
        if !is_token(name) {
            return Err(ConfigError::BadCookieName { name: name.to_owned() });
        }
        check_paths(name, &paths)?;
        let rooted = paths.iter().all(|path| path == "/");
        // If the name already starts with a prefix, the cookie must meet the requirements of that prefix.
        let promises = |p: &str| name.get(..p.len()).is_some_and(|start| start.eq_ignore_ascii_case(p));
        let own = match (promises("__Host-"), promises("__Secure-") || promises("__Http-")) {
            (true, _) => Some(CookiePrefix::Host),
            (_, true) => Some(CookiePrefix::Secure),
            _ => None,
        };
        if usage == CookieUse::Readable && (promises("__Host-Http-") || promises("__Http-")) {
            return Err(ConfigError::HttpPrefixOnReadableCookie { name: name.to_owned() });
        }
        if own.is_some() && self.prefix != CookiePrefix::None {
            return Err(ConfigError::PrefixInName { name: name.to_owned() });
        }
        let prefix = match own.unwrap_or(self.prefix) {
            CookiePrefix::None => "",
            CookiePrefix::Auto if !secure => "",
            CookiePrefix::Host | CookiePrefix::Secure if !secure => {
                return Err(ConfigError::PrefixWithoutSecure { name: name.to_owned() });
            }
            CookiePrefix::Host if self.domain.is_some() => {
                return Err(ConfigError::HostPrefixWithDomain { name: name.to_owned() });
            }
            CookiePrefix::Host if !rooted => {
                return Err(ConfigError::HostPrefixWithPath { name: name.to_owned(), paths });
            }
            CookiePrefix::Host => "__Host-",
            CookiePrefix::Auto if rooted && self.domain.is_none() => match usage {
                CookieUse::ServerOnly => "__Host-Http-",
                CookieUse::Bindable | CookieUse::Readable => "__Host-",
            },
            CookiePrefix::Auto | CookiePrefix::Secure => "__Secure-",
        };
        let name = if own.is_some() { name.to_owned() } else { format!("{prefix}{name}") };
        Ok(CookieSlot { name: CookieName::new(name), paths, http_only: usage != CookieUse::Readable })
    }
}

/// Who reads a cookie. This value determines the cookie's prefix, and whether the cookie is `HttpOnly`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CookieUse {
    /// Only the server reads the cookie.
    ServerOnly,
    /// Only the server reads the cookie. Browsers can bind the cookie to a device, so its name cannot have the prefix
    /// `__Host-Http-`.
    Bindable,
    /// Both scripts and the server read the cookie.
    Readable,
}

/// Adds the URLs that neither `paths` nor `others` covers. A new URL replaces the paths below it.
fn add_uncovered(paths: &mut Vec<String>, others: &[String], urls: &[&str]) {
    for url in urls {
        if !others.iter().chain(&*paths).any(|path| covers(path, url)) {
            paths.retain(|path| !covers(url, path));
            paths.push((*url).to_owned());
        }
    }
}

/// Returns the name that a cookie has in a realm. The realm is part of the name, so that applications on one host do
/// not overwrite each other's cookies.
fn in_realm(realm: Option<&str>, name: &str) -> String {
    let Some(realm) = realm else { return name.to_owned() };
    // A prefix that browsers enforce must stay at the beginning of the name.
    let prefix = ["__Host-Http-", "__Host-", "__Http-", "__Secure-"]
        .into_iter()
        .find(|prefix| name.starts_with(prefix))
        .unwrap_or_default();
    format!("{prefix}{realm}_{}", name.strip_prefix(prefix).unwrap_or(name))
}

fn check_paths(name: &str, paths: &[String]) -> Result<(), ConfigError> {
    if paths.is_empty() {
        return Err(ConfigError::NoCookiePath { name: name.to_owned() });
    }
    for path in paths {
        if !is_cookie_path(path) {
            return Err(ConfigError::BadCookiePath { name: name.to_owned(), path: path.clone() });
        }
    }
    for (index, outer) in paths.iter().enumerate() {
        for inner in paths.iter().skip(index + 1) {
            let (outer, inner) = if covers(inner, outer) { (inner, outer) } else { (outer, inner) };
            if covers(outer, inner) {
                return Err(ConfigError::NestedCookiePaths {
                    name: name.to_owned(),
                    outer: outer.clone(),
                    inner: inner.clone(),
                });
            }
        }
    }
    Ok(())
}

fn check_domain(domain: &str, base: Option<&BaseUrl>) -> Result<(), ConfigError> {
    let bare = domain.strip_prefix('.').unwrap_or(domain);
    let bad = || ConfigError::BadCookieDomain { domain: domain.to_owned() };
    match base {
        _ if !is_cookie_domain(domain) => Err(bad()),
        Some(base) if base.host() == bare => Ok(()),
        Some(base) if !base.host().ends_with(&format!(".{bare}")) => Err(bad()),
        _ if public_suffix(domain) == PublicSuffix::Yes => Err(bad()),
        _ => Ok(()),
    }
}
