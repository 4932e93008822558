//! The public address of the site.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::error::ConfigError;
use crate::request::{covers, is_cookie_path};

/// The site's public address: the origin and, if several sites share the host, the path of this site. The origin
/// determines whether cookies are `Secure`, and which values of `Origin` are accepted in requests. The path becomes
/// part of every redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: String,
    host: String,
    /// The path without the slash at its end. Empty if the site is at the root of its host.
    path: String,
    https: bool,
    /// Origins under which a browser on this machine reaches the same server.
    local: Vec<String>,
    is_loopback: bool,
}

/// The names of this machine for itself.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

impl BaseUrl {
    /// Parses a URL of the form `https://host[:port][/path]`. The scheme may be `http` if the host is a loopback
    /// address, `localhost`, or a name that ends in `.localhost`.
    ///
    /// # Errors
    /// - The text is not an http or https URL, or the URL has a query, fragment or credentials.
    /// - The path has an empty segment or a semicolon, so it cannot be the path of a cookie.
    /// - The host is not a host name or an IP address.
    /// - The URL is plain http, and other machines can reach its host.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let base = Self::read(text)?;
        if !base.0.https && !base.1 {
            return Err(ConfigError::InsecureBaseUrl { url: text.to_owned() });
        }
        Ok(base.0)
    }

    /// Parses a URL like [`Self::parse`], but accepts plain http for any host. Over plain http, anyone on the network
    /// path between a user and the site can take over the user's session.
    ///
    /// # Errors
    /// - The text is not an http or https URL, or the URL has a query, fragment or credentials.
    /// - The path has an empty segment or a semicolon, so it cannot be the path of a cookie.
    /// - The host is not a host name or an IP address.
    pub fn parse_insecure_http(text: &str) -> Result<Self, ConfigError> {
        Self::read(text).map(|base| base.0)
    }

    fn read(text: &str) -> Result<(Self, bool), ConfigError> {
        let bad = |why| ConfigError::BadBaseUrl { url: text.to_owned(), why };
        let url = Url::parse(text).map_err(|_| bad("it is not a URL"))?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(bad("its scheme is neither https nor http")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it carries credentials"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it has a query or fragment"));
        }
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        if !path.is_empty() && (!is_cookie_path(path) || path.contains("//") || path.ends_with('/')) {
            return Err(bad("its path has an empty segment or a semicolon"));
        }
        let host = url.host().ok_or_else(|| bad("it has no host"))?;
        // The parser has converted international names (`xn--…`), but accepts characters that no host name has.
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if matches!(&host, Host::Domain(name) if !is_name(name)) {
            return Err(bad("its host is not one host name (wildcards are not possible)"));
        }
        let loopback = match &host {
            Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
            Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
        };
        let mut local = Vec::new();
        if loopback {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            local.extend(LOOPBACK_NAMES.map(|name| format!("{}://{name}{port}", url.scheme())));
        }
        let origin = url.origin().ascii_serialization();
        let (host, path) = (host.to_string(), path.to_owned());
        let base = Self { origin, host, path, https, local, is_loopback: loopback };
        Ok((base, loopback))
    }

    /// Also accepts origins that consist of a loopback name and the port of `address`, on which the server listens.
    /// Does so only if browsers on this machine can reach the server under such a name.
    pub(crate) fn add_listener(&mut self, address: SocketAddr) {
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            self.local.extend(LOOPBACK_NAMES.map(|name| format!("http://{name}:{}", address.port())));
        }
    }

    /// Whether an `Origin` is this site's.
    #[inline]
    pub(crate) fn is_origin(&self, origin: &[u8]) -> bool {
        self.origin.as_bytes() == origin || self.local.iter().any(|local| local.as_bytes() == origin)
    }

    /// Whether this site and an `Origin` are both on loopback addresses. Their ports may differ, because a developer
    /// may forward a port. Rely on this only if the browser says that the request is `same-origin`.
    pub(crate) fn is_loopback_origin(&self, origin: &[u8]) -> bool {
        let scheme: &[u8] = if self.https { b"https://" } else { b"http://" };
        let Some(authority) = origin.strip_prefix(scheme) else { return false };
        self.is_loopback
            && LOOPBACK_NAMES.iter().any(|name| match authority.strip_prefix(name.as_bytes()) {
                Some([]) => true,
                Some([b':', port @ ..]) => !port.is_empty() && port.iter().all(u8::is_ascii_digit),
                _ => false,
            })
    }

    /// Returns scheme, host and port as in an `Origin` header (RFC 6454 section 6.2).
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the path of the site, without a slash at its end. The path is empty if the site is at the root of its
    /// host.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns a path of the application as browsers know it. If a proxy has stripped the site's path, adds the site's
    /// path again. Returns a path unchanged if it already begins with the site's path.
    pub(crate) fn public_path<'p>(&self, path: &'p str) -> Cow<'p, str> {
        let plain = path.split(['?', '#']).next().unwrap_or_default();
        if self.path.is_empty() || covers(&self.path, plain) {
            return Cow::Borrowed(path);
        }
        Cow::Owned(format!("{}{path}", self.path))
    }

    /// Returns the host without the port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns whether the host is `localhost`, a name that ends in `.localhost`, or a loopback address, so that only
    /// browsers on this machine can reach the site.
    pub const fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Returns whether the scheme is https.
    pub const fn is_https(&self) -> bool {
        self.https
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_accepted_only_for_loopback() {
        for good in ["https://site.example", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:80/"] {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        assert!(matches!(BaseUrl::parse("http://site.example"), Err(ConfigError::InsecureBaseUrl { .. })));
        assert!(BaseUrl::parse_insecure_http("http://site.example").is_ok());
        for bad in ["site.example", "ftp://site.example", "https://u:p@site.example", "https://site.example?a", ""] {
            assert!(matches!(BaseUrl::parse(bad), Err(ConfigError::BadBaseUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn a_path_is_part_of_every_public_path() {
        for (url, path) in [
            ("https://site.example", ""),
            ("https://site.example/", ""),
            ("https://site.example/app", "/app"),
            ("https://site.example/shops/one/", "/shops/one"),
        ] {
            let base = BaseUrl::parse(url).unwrap();
            assert_eq!((base.path(), base.origin()), (path, "https://site.example"), "{url}");
            assert_eq!(base.public_path("/login?next=%2F"), format!("{path}/login?next=%2F"), "{url}");
            assert_eq!(base.public_path(&format!("{path}/login")), format!("{path}/login"), "{url}");
        }
        let base = BaseUrl::parse("https://site.example/app").unwrap();
        for (own, public) in [
            ("/app", "/app"),
            ("/app?a", "/app?a"),
            ("/apples", "/app/apples"),
            ("/", "/app/"),
            ("/?/app", "/app/?/app"),
        ] {
            assert_eq!(base.public_path(own), public, "{own}");
        }
        for bad in ["https://site.example/a;b", "https://site.example//a", "https://site.example/a//"] {
            assert!(matches!(BaseUrl::parse(bad), Err(ConfigError::BadBaseUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn e17_the_host_is_one_that_browsers_send() {
        for (url, host) in
            [("https://b\u{fc}cher.example", "xn--bcher-kva.example"), ("https://SITE.example", "site.example")]
        {
            let base = BaseUrl::parse(url).unwrap();
            assert_eq!((base.host(), base.origin()), (host, format!("https://{host}").as_str()), "{url}");
        }
        for bad in ["https://*.site.example", "https://*", "https://site.example,other.example", "https://$HOST"] {
            assert!(matches!(BaseUrl::parse(bad), Err(ConfigError::BadBaseUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn e14_only_a_loopback_server_has_other_names() {
        let local = BaseUrl::parse("http://127.0.0.1:8080").unwrap();
        for ours in ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"] {
            assert!(local.is_origin(ours.as_bytes()), "{ours}");
        }
        let mut site = BaseUrl::parse("https://site.example").unwrap();
        site.add_listener("192.0.2.1:8080".parse().unwrap());
        assert!(site.is_origin(b"https://site.example") && !site.is_origin(b"http://localhost:8080"));
        site.add_listener("0.0.0.0:8080".parse().unwrap());
        assert!(site.is_origin(b"http://localhost:8080") && site.is_origin(b"http://[::1]:8080"));
        for base in [&local, &site] {
            for other in ["http://localhost:8081", "https://localhost:8080", "http://evil.example:8080", "null", ""] {
                assert!(!base.is_origin(other.as_bytes()), "{other}");
            }
        }
    }

    #[test]
    fn the_origin_is_as_browsers_send_it() {
        assert_eq!(BaseUrl::parse("https://Site.Example:443/").unwrap().origin(), "https://site.example");
        assert_eq!(BaseUrl::parse("http://127.0.0.1:8080").unwrap().origin(), "http://127.0.0.1:8080");
    }
}
