//! A browser's cookie jar for one host. It implements RFC 6265 §5.2 to §5.4, with the name prefixes and the size limit
//! of RFC 6265bis.
//!
//! ```
//! use hardtack::testing::CookieJar;
//!
//! let mut jar = CookieJar::new();
//! jar.store("theme=dark; Path=/", "/settings");
//! jar.store("__Host-id=7; Path=/; Secure", "/settings");
//! assert_eq!(jar.header("/", false).as_deref(), Some("theme=dark"));
//! assert_eq!(jar.header("/", true).as_deref(), Some("theme=dark; __Host-id=7"));
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::cookie_date;

/// The maximum length of a cookie's name and value together, in bytes. Browsers ignore a longer cookie (RFC 6265bis
/// §5.6).
const LONGEST_PAIR: usize = 4096;

/// A cookie with all the attributes that the server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCookie {
    /// The name, as sent.
    pub name: String,
    /// The value, as sent: quotes and percent-encoding are kept.
    pub value: String,
    /// The `Path` attribute, or the default path of the request (RFC 6265 §5.1.4).
    pub path: String,
    /// The `Domain` attribute without its leading dot. The jar does not check whether the domain belongs to the host.
    pub domain: Option<String>,
    /// The `Max-Age` attribute, in seconds.
    pub max_age: Option<i64>,
    /// The `Expires` attribute.
    pub expires: Option<SystemTime>,
    /// Whether the cookie has the attribute `Secure`.
    pub secure: bool,
    /// Whether the cookie has the attribute `HttpOnly`.
    pub http_only: bool,
    /// The `SameSite` attribute, as sent.
    pub same_site: Option<String>,
    /// Whether the cookie has the attribute `Partitioned`.
    pub partitioned: bool,
    /// The whole text of the `Set-Cookie` field.
    pub raw: String,
    stored: SystemTime,
}

impl StoredCookie {
    /// Parses the text of a `Set-Cookie` field from a response to a request for `request_path`.
    ///
    /// Returns `None` if browsers ignore the field. Browsers ignore a field without `=`, with an empty name, or whose
    /// name and value together have more than 4096 bytes.
    pub fn parse(raw: &str, request_path: &str) -> Option<Self> {
        Self::parse_at(raw, request_path, SystemTime::now())
    }

    fn parse_at(raw: &str, request_path: &str, now: SystemTime) -> Option<Self> {
        let (pair, attributes) = raw.split_once(';').unwrap_or((raw, ""));
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.trim_matches([' ', '\t']), value.trim_matches([' ', '\t']));
        if name.is_empty() || name.len() + value.len() > LONGEST_PAIR {
            return None;
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            path: default_path(request_path).to_owned(),
            domain: None,
            max_age: None,
            expires: None,
            secure: false,
            http_only: false,
            same_site: None,
            partitioned: false,
            raw: raw.to_owned(),
            stored: now,
        };
        for attribute in attributes.split(';') {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim_matches([' ', '\t']);
            match key.trim_matches([' ', '\t']).to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "path" => cookie.path = default_path(request_path).to_owned(),
                "domain" if !value.is_empty() => {
                    cookie.domain = Some(value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase());
                }
                "max-age" => cookie.max_age = max_age(value).or(cookie.max_age),
                "expires" => cookie.expires = cookie_date::parse(value).or(cookie.expires),
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => cookie.same_site = Some(value.to_owned()),
                "partitioned" => cookie.partitioned = true,
                _ => {}
            }
        }
        Some(cookie)
    }

    /// Returns the time at which the cookie expires, or `None` if it lasts until the browser is closed. `Max-Age` takes
    /// precedence over `Expires`.
    pub fn expiry(&self) -> Option<SystemTime> {
        match self.max_age {
            Some(seconds) if seconds <= 0 => Some(UNIX_EPOCH),
            Some(seconds) => self.stored.checked_add(Duration::from_secs(seconds.unsigned_abs())),
            None => self.expires,
        }
    }

    /// Returns whether this `Set-Cookie` deletes the cookie.
    pub fn is_deletion(&self) -> bool {
        self.is_expired(self.stored)
    }

    /// Returns whether the cookie is sent with a request for `path` (RFC 6265 §5.1.4).
    pub fn matches_path(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'))
    }

    fn is_expired(&self, now: SystemTime) -> bool {
        self.expiry().is_some_and(|expiry| expiry <= now)
    }

    /// Returns whether the cookie meets the requirements of its prefix: `__Secure-`, `__Host-`, `__Http-` or
    /// `__Host-Http-` (RFC 6265bis §4.1.3). If the name has no such prefix, returns `true`. The case of the prefix does
    /// not matter (§5.7).
    fn meets_prefix_requirements(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        if (name.starts_with("__host-http-") || name.starts_with("__http-")) && !self.http_only {
            return false;
        }
        if name.starts_with("__host-") {
            // `__Host-` requires the attribute `Path` itself. A default path of "/" is not enough.
            let explicit = self.raw.split(';').skip(1).any(|a| a.trim().to_ascii_lowercase().starts_with("path"));
            return self.secure && self.domain.is_none() && self.path == "/" && explicit;
        }
        self.secure || !(name.starts_with("__secure-") || name.starts_with("__http-"))
    }
}

/// Returns the directory of the request's path (RFC 6265 §5.1.4).
fn default_path(request_path: &str) -> &str {
    let path = request_path.split(['?', '#']).next().unwrap_or_default();
    match path.rfind('/') {
        Some(last) if path.starts_with('/') && last > 0 => &path[..last],
        _ => "/",
    }
}

fn max_age(value: &str) -> Option<i64> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(value.parse().unwrap_or(if value.starts_with('-') { i64::MIN } else { i64::MAX }))
}

/// The cookies of one browser for one host. A clone is an independent copy.
#[derive(Debug, Clone, Default)]
pub struct CookieJar {
    cookies: Vec<StoredCookie>,
    clock: JarClock,
    ahead: Duration,
}

/// The clock by which cookies expire.
#[derive(Clone)]
struct JarClock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Default for JarClock {
    fn default() -> Self {
        Self(Arc::new(SystemTime::now))
    }
}

impl fmt::Debug for JarClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JarClock").field(&(self.0)()).finish()
    }
}

impl CookieJar {
    /// Creates an empty jar.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty jar that calls `now` to get the current time, instead of reading the system clock.
    pub fn with_clock(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: JarClock(Arc::new(now)), ..Self::default() }
    }

    /// Returns the unexpired cookie with this name. If several cookies have this name, returns the cookie with the
    /// longest path.
    pub fn get(&self, name: &str) -> Option<&StoredCookie> {
        self.unexpired().filter(|cookie| cookie.name == name).max_by_key(|cookie| cookie.path.len())
    }

    /// Returns all cookies that have not expired, in the order in which they were first stored.
    pub fn cookies(&self) -> Vec<&StoredCookie> {
        self.unexpired().collect()
    }

    /// Stores, replaces or deletes a cookie. `raw` is the text of a `Set-Cookie` field from a response to a request for
    /// `request_path`. A field that browsers ignore has no effect.
    pub fn store(&mut self, raw: &str, request_path: &str) {
        let now = self.now();
        let Some(cookie) =
            StoredCookie::parse_at(raw, request_path, now).filter(StoredCookie::meets_prefix_requirements)
        else {
            return;
        };
        // Name, domain and path identify a cookie. A cookie that replaces another cookie keeps its position (RFC 6265
        // §5.3).
        let same = |c: &StoredCookie| c.name == cookie.name && c.path == cookie.path && c.domain == cookie.domain;
        match self.cookies.iter().position(same) {
            Some(at) if cookie.is_expired(now) => drop(self.cookies.remove(at)),
            Some(at) => self.cookies[at] = cookie,
            None if cookie.is_expired(now) => {}
            None => self.cookies.push(cookie),
        }
    }

    /// Returns the value of the `Cookie` header of a request for `path`, or `None` if no cookie is sent. `secure` tells
    /// whether the connection is encrypted.
    ///
    /// Cookies with longer paths come first. If the paths of two cookies are equally long, the older cookie comes first
    /// (RFC 6265 §5.4).
    pub fn header(&self, path: &str, secure: bool) -> Option<String> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut chosen: Vec<_> =
            self.unexpired().filter(|cookie| (secure || !cookie.secure) && cookie.matches_path(path)).collect();
        chosen.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<_> = chosen.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Removes all cookies.
    pub fn clear(&mut self) {
        self.cookies.clear();
    }

    /// Removes the cookies of this name, on every path.
    pub fn remove(&mut self, name: &str) {
        self.cookies.retain(|cookie| cookie.name != name);
    }

    /// Moves the browser's clock forward, so that a test does not have to wait for a cookie to expire.
    pub fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }

    fn unexpired(&self) -> impl Iterator<Item = &StoredCookie> {
        let now = self.now();
        self.cookies.iter().filter(move |cookie| !cookie.is_expired(now))
    }

    fn now(&self) -> SystemTime {
        (self.clock.0)() + self.ahead
    }
}

#[cfg(test)]
mod tests {
    use super::{CookieJar, StoredCookie};
    use std::time::Duration;

    fn jar(lines: &[&str]) -> CookieJar {
        let mut jar = CookieJar::new();
        lines.iter().for_each(|line| jar.store(line, "/"));
        jar
    }

    #[test]
    fn every_attribute_is_recorded() {
        let raw = "a=b=c; Path=/token; DOMAIN=.Site.Example; max-age=60; Secure; HttpOnly; SameSite=Lax; Partitioned";
        let cookie = StoredCookie::parse(raw, "/login").unwrap();
        assert_eq!((cookie.name.as_str(), cookie.value.as_str(), cookie.path.as_str()), ("a", "b=c", "/token"));
        assert_eq!(cookie.domain.as_deref(), Some("site.example"));
        assert_eq!((cookie.max_age, cookie.same_site.as_deref()), (Some(60), Some("Lax")));
        assert!(cookie.secure && cookie.http_only && cookie.partitioned && !cookie.is_deletion());
        assert_eq!(cookie.raw, raw);
    }

    #[test]
    fn invalid_cookies_are_ignored() {
        assert!(StoredCookie::parse("no pair; Path=/", "/").is_none());
        assert!(StoredCookie::parse("=value", "/").is_none());
        assert!(StoredCookie::parse(&format!("a={}", "x".repeat(4096)), "/").is_none());
        assert_eq!(StoredCookie::parse("a=1; Max-Age=6x", "/").unwrap().max_age, None);
    }

    #[test]
    fn default_path_is_the_directory_of_the_request() {
        for (request, path) in [("/", "/"), ("/login", "/"), ("/token/refresh?a=/b/c", "/token"), ("", "/")] {
            assert_eq!(StoredCookie::parse("a=1", request).unwrap().path, path, "{request}");
            assert_eq!(StoredCookie::parse("a=1; Path=relative", request).unwrap().path, path, "{request}");
        }
    }

    #[test]
    fn path_matches_whole_segments() {
        let jar = jar(&["a=1; Path=/token"]);
        for (path, sent) in
            [("/token", true), ("/token/refresh", true), ("/token?x", true), ("/tokens", false), ("/", false)]
        {
            assert_eq!(jar.header(path, false).is_some(), sent, "{path}");
        }
        let slash = self::jar(&["a=1; Path=/token/"]);
        assert!(slash.header("/token/x", false).is_some() && slash.header("/token", false).is_none());
    }

    #[test]
    fn longer_paths_come_first_then_older_cookies() {
        let mut jar = jar(&["a=1; Path=/", "b=2; Path=/x", "c=3; Path=/", "a=4; Path=/"]);
        assert_eq!(jar.header("/x/y", false).as_deref(), Some("b=2; a=4; c=3"));
        jar.store("a=5; Path=/x", "/");
        assert_eq!(jar.get("a").unwrap().value, "5");
        assert_eq!(jar.cookies().len(), 4);
        jar.remove("a");
        assert_eq!(jar.cookies().len(), 2);
    }

    #[test]
    fn deletion_needs_the_same_path() {
        let mut jar = jar(&["a=1; Path=/x", "b=2; Path=/"]);
        jar.store("a=; Path=/; Max-Age=0", "/");
        assert!(jar.get("a").is_some());
        jar.store("a=; Path=/x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/");
        assert!(jar.get("a").is_none());
        jar.store("b=; Path=/; Expires=Fri, 01 Jan 2100 00:00:00 GMT; Max-Age=-1", "/");
        assert!(jar.cookies().is_empty());
    }

    #[test]
    fn cookies_expire_by_the_clock_of_the_jar() {
        let mut jar = jar(&["a=1; Max-Age=60", "b=2"]);
        jar.advance(Duration::from_secs(59));
        assert_eq!(jar.header("/", false).as_deref(), Some("a=1; b=2"));
        jar.advance(Duration::from_secs(2));
        assert_eq!(jar.header("/", false).as_deref(), Some("b=2"));
    }

    #[test]
    fn secure_cookies_and_prefixes() {
        let jar = jar(&[
            "s=1; Secure",
            "__Host-a=1; Secure; Path=/",
            "__Host-b=1; Path=/",
            "__Host-c=1; Secure; Path=/x",
            "__Host-d=1; Secure; Path=/; Domain=site.example",
            "__host-e=1; Secure",
            "__Secure-f=1",
            "__Host-Http-g=1; Secure; Path=/; HttpOnly",
            "__Host-Http-h=1; Secure; Path=/",
            "__Host-Http-i=1; Secure; HttpOnly",
            "__Http-j=1; HttpOnly",
            "__Http-k=1; Secure",
        ]);
        assert_eq!(jar.header("/", false), None);
        assert_eq!(jar.header("/", true).as_deref(), Some("s=1; __Host-a=1; __Host-Http-g=1"));
    }

    #[test]
    fn a_clone_is_a_copy() {
        let mut jar = jar(&["a=1"]);
        let thief = jar.clone();
        jar.clear();
        assert!(jar.get("a").is_none() && thief.get("a").is_some());
    }
}
