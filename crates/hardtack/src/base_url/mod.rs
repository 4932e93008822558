//! The site's public address.

mod host;

use std::borrow::Cow;
use std::net::SocketAddr;

use crate::error::ConfigError;
use crate::request::{covers, is_cookie_path, resolve_path};
use host::Host;

/// The site's public address: its origin and, if it shares the host with other sites, its path. The origin determines
/// whether cookies are `Secure`, and which `Origin` headers are accepted. The path becomes part of every redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: String,
    host: String,
    /// The path without a trailing slash. Empty if the site is at the root of its host.
    path: String,
    https: bool,
    /// Additional origins under which a browser on the server's machine can reach the site. Hardtack treats them as the
    /// site's own.
    local: Vec<String>,
    is_loopback: bool,
}

/// The host names and addresses that a browser can use to reach a server on the same machine.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

impl BaseUrl {
    /// Parses a URL of the form `https://host[:port][/path]`. The scheme may be `http` if the host is a loopback
    /// address, `localhost`, or a name that ends in `.localhost`.
    ///
    /// If the host name contains non-ASCII letters, write it in its ASCII form, such as `xn--bcher-kva.example`. With
    /// the feature `idn`, you can also write `bücher.example`, which Hardtack converts to this form.
    ///
    /// # Errors
    /// - The text is not an http or https URL, or the URL has a query, a fragment or credentials.
    /// - The path has an empty segment or a semicolon, so it cannot be a cookie's path.
    /// - The host is neither a host name nor an IP address.
    /// - The URL uses plain http, but other machines can reach its host.
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
    /// - The text is not an http or https URL, or the URL has a query, a fragment or credentials.
    /// - The path has an empty segment or a semicolon, so it cannot be a cookie's path.
    /// - The host is neither a host name nor an IP address.
    pub fn parse_insecure_http(text: &str) -> Result<Self, ConfigError> {
        Self::read(text).map(|base| base.0)
    }

    fn read(text: &str) -> Result<(Self, bool), ConfigError> {
        let bad = |why| ConfigError::BadBaseUrl { url: text.to_owned(), why };
        // Browsers ignore control characters and spaces around a URL.
        let trimmed = text.trim_matches(|c| c <= ' ');
        let (scheme, rest) = trimmed.split_once("://").ok_or_else(|| bad("it is not a URL"))?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return Err(bad("its scheme is neither https nor http"));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(bad("it contains a user name or a password"));
        }
        if path.contains(['?', '#']) {
            return Err(bad("it has a query or fragment"));
        }
        let path = resolve_path(if path.is_empty() { "/" } else { path });
        let path = path.ok_or_else(|| bad("its path has a backslash, a tab or a line break"))?;
        let path = path.strip_suffix('/').unwrap_or(&path);
        if !path.is_empty() && (!is_cookie_path(path) || path.contains("//") || path.ends_with('/')) {
            return Err(bad("its path has an empty segment or a semicolon"));
        }
        let (host, port) = host::split_port(authority).map_err(bad)?;
        let host = Host::parse(host).map_err(bad)?;
        let loopback = host.is_loopback();
        let scheme = if https { "https" } else { "http" };
        // Browsers leave out the default port.
        let port = port.filter(|port| *port != if https { 443 } else { 80 });
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let local =
            if loopback { LOOPBACK_NAMES.map(|name| format!("{scheme}://{name}{port}")).into() } else { vec![] };
        let (host, path) = (host.into_string(), path.to_owned());
        let origin = format!("{scheme}://{host}{port}");
        let base = Self { origin, host, path, https, local, is_loopback: loopback };
        Ok((base, loopback))
    }

    /// Tells the site the address on which the server listens. If this address is loopback or unspecified,
    /// [`Self::is_origin`] then also accepts the loopback names with this address's port. Any other address changes
    /// nothing.
    pub(crate) fn add_listener(&mut self, address: SocketAddr) {
        if address.ip().is_loopback() || address.ip().is_unspecified() {
            self.local.extend(LOOPBACK_NAMES.map(|name| format!("http://{name}:{}", address.port())));
        }
    }

    /// Returns whether the value of an `Origin` header is one of this site's origins.
    #[inline]
    pub(crate) fn is_origin(&self, origin: &[u8]) -> bool {
        self.origin.as_bytes() == origin || self.local.iter().any(|local| local.as_bytes() == origin)
    }

    /// Returns whether this site and the origin in an `Origin` header both have loopback addresses. Their ports may
    /// differ, because a developer may forward a port. Rely on the result only if the browser says in `Sec-Fetch-Site`
    /// that the request is `same-origin`.
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

    /// Returns the scheme, host and port, as they appear in an `Origin` header (RFC 6454 section 6.2).
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the site's path, without a trailing slash. The path is empty if the site is at the root of its host.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the path that the browser requested. If a proxy has stripped the site's path from `path`, puts it back.
    /// Otherwise, returns `path` unchanged.
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

    /// Returns whether the host is `localhost`, a name that ends in `.localhost`, or a loopback address. If so, only
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        /// The crate `url` parses URLs as browsers do.
        #[test]
        fn e17_any_url_that_is_accepted_is_read_as_browsers_read_it(
            scheme in "(https|http|HTTPS|htt|)(://|:|:/|:///|:\\\\)",
            host in "([a-zA-Z0-9._-]{0,10}|[0-9]{1,3}(\\.[0-9x]{1,3}){0,4}|\\[[0-9a-fA-F:.]{0,16}\\]|[!-~]{0,6})",
            port in "(:[0-9+ ]{0,6})?",
            path in "(/[a-zA-Z0-9./%~;@\\\\^ \u{e4}-]{0,20})?",
            end in "[?#\n\t\u{14}\u{a0} ]{0,2}",
        ) {
            let text = format!("{scheme}{host}{port}{path}{end}");
            // Browsers also refuse a name that begins with `xn--` but is not the ASCII form of any name. No browser can
            // reach such a site.
            prop_assume!(!host.to_ascii_lowercase().contains("xn--"));
            let Ok(ours) = BaseUrl::parse_insecure_http(&text) else { return Ok(()) };
            let theirs = url::Url::parse(&text);
            prop_assert!(theirs.is_ok(), "{:?} {:?}", text, theirs);
            let theirs = theirs.unwrap();
            prop_assert_eq!(ours.origin(), theirs.origin().ascii_serialization(), "{}", text);
            prop_assert_eq!(ours.path(), theirs.path().strip_suffix('/').unwrap_or(theirs.path()), "{}", text);
            prop_assert!(theirs.query().is_none() && theirs.fragment().is_none() && theirs.username().is_empty());
            prop_assert_eq!(BaseUrl::parse_insecure_http(&format!("{}{}/", ours.origin(), ours.path())).unwrap(), ours);
        }
    }

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
        for (url, host) in [
            #[cfg(feature = "idn")]
            ("https://b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("https://SITE.example", "site.example"),
        ] {
            let base = BaseUrl::parse(url).unwrap();
            assert_eq!((base.host(), base.origin()), (host, format!("https://{host}").as_str()), "{url}");
        }
        #[cfg(not(feature = "idn"))]
        assert!(BaseUrl::parse("https://b\u{fc}cher.example").unwrap_err().to_string().contains("the feature `idn`"));
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

    /// The crate `url` parses URLs as browsers do.
    #[test]
    fn e17_urls_are_read_as_browsers_read_them() {
        for text in [
            "HTTPS://Site.Example:443/a/../b/%7euser/",
            "https://site.example:8443",
            "https://site.example:",
            "https://site.example:0080/\u{e4}b",
            " https://site.example/a b/^c\n",
            "http://127.0.0.1:80/",
            "http://[::1]:8080",
            "https://[2001:DB8:0:0:1:0:0:1]",
            "https://[::ffff:192.0.2.1]:444",
            "https://[::192.0.2.1]",
            "https://site.example./x",
            "https://a_b-c.example",
        ] {
            let (ours, theirs) = (BaseUrl::parse(text).unwrap(), url::Url::parse(text).unwrap());
            assert_eq!(ours.origin(), theirs.origin().ascii_serialization(), "{text}");
            assert_eq!(ours.host(), theirs.host_str().unwrap(), "{text}");
            assert_eq!(ours.path(), theirs.path().strip_suffix('/').unwrap_or(theirs.path()), "{text}");
        }
        for bad in [
            "https://",
            "https:///site.example",
            "https:site.example",
            "https:\\\\site.example",
            "https://site.example\\a",
            "https://site.example/\\a",
            "https://site.example:port",
            "https://site.example:+80",
            "https://site.example:65536",
            "https://::1",
            "https://[::1",
            "https://[::1]x",
            "https://[localhost]",
            "https://127.0.0.256",
            "https://127.1",
            "https://0x7f.0.0.1",
            "https://site.1",
            "https://site%2eexample",
            "https://si\tte.example",
            "https://.example",
            "https://site..example",
        ] {
            assert!(matches!(BaseUrl::parse(bad), Err(ConfigError::BadBaseUrl { .. })), "{bad}");
        }
    }
}
