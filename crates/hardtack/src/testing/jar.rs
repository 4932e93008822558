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
use std::time::{Duration, SystemTime};

use crate::cookie::StoredCookie;

/// The cookies of one browser for one host. A clone is an independent copy.
#[derive(Debug, Clone, Default)]
pub struct CookieJar {
    cookies: Vec<StoredCookie>,
    clock: JarClock,
    ahead: Duration,
}

/// The clock that decides when cookies expire.
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

    /// Stores, replaces or deletes a cookie as a browser would. `raw` is the value of a `Set-Cookie` field, and
    /// `request_path` is the path of the request that was answered with this field. Ignores fields that browsers would
    /// ignore.
    pub fn store(&mut self, raw: &str, request_path: &str) {
        let now = self.now();
        let parsed = StoredCookie::parse_at(raw, request_path, now);
        let Some(cookie) = parsed.filter(|cookie| cookie.missing_for_prefix().is_empty()) else { return };
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

    /// Returns the value of the `Cookie` header of a request for `path`, or `None` if the browser sends no cookie.
    /// `secure` says whether the connection is encrypted.
    ///
    /// Cookies with longer paths come first. If two cookies have equally long paths, the older cookie comes first (RFC
    /// 6265 §5.4).
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

    /// Removes the cookies with this name, on every path.
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
    use super::CookieJar;
    use std::time::Duration;

    fn jar(lines: &[&str]) -> CookieJar {
        let mut jar = CookieJar::new();
        lines.iter().for_each(|line| jar.store(line, "/"));
        jar
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
