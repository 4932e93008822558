//! The host and port to which a request is addressed.

/// A host and an optional port, as in the `Host` field (RFC 9110 section 7.2, RFC 3986 section 3.2.2).
///
/// ```
/// use hardtack::request::Authority;
///
/// let authority = Authority::parse("site.example:8443").ok_or("not a host")?;
/// assert_eq!((authority.host(), authority.port()), ("site.example", Some(8443)));
/// assert_eq!(Authority::parse("user@site.example"), None);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses a host name, an IPv4 address, or an IPv6 address in brackets. A port may follow. Returns `None` for any
    /// other text, for example if it contains a user name, a space or a path.
    pub fn parse(text: &'a str) -> Option<Self> {
        let end = match text.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at_checked(end)?;
        let port = match port {
            // The port may be missing, even after a colon (RFC 3986 section 3.2.3).
            "" | ":" => None,
            port => {
                let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
                Some(digits.parse().ok()?)
            }
        };
        let sound = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(is_name_byte),
        };
        sound.then_some(Self { host, port })
    }

    /// Returns the host, which is a name or an IP address. An IPv6 address is in brackets.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// Returns the port, if one is given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns the host as an IP address, or `None` if the host is a domain name.
    pub fn ip(&self) -> Option<std::net::IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Returns whether the host is `localhost` or a subdomain of it, such as `app.localhost`. These names resolve to a
    /// loopback address (RFC 6761 section 6.3).
    pub fn is_localhost(&self) -> bool {
        let name = self.host.strip_suffix('.').unwrap_or(self.host).to_ascii_lowercase();
        name == "localhost" || name.ends_with(".localhost")
    }
}

/// Returns whether a byte can be part of a host name. All characters of `reg-name` are allowed except `%`, because no
/// browser percent-encodes a host.
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::{Host, Url};

    use super::Authority;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        /// The `url` crate parses URLs as browsers do.
        #[test]
        fn s81_a_host_is_read_as_browsers_read_it(
            text in "([A-Za-z0-9._~-]{0,12}|\\[[0-9a-fA-F:.]{0,16}\\]|[ -~]{0,8})(:[0-9]{0,6})?[ -~]?",
        ) {
            let Some(authority) = Authority::parse(&text) else { return Ok(()) };
            let Ok(url) = Url::parse(&format!("http://{text}/")) else { return Ok(()) };
            prop_assert_eq!(url.port_or_known_default(), authority.port().or(Some(80)), "{}", text);
            prop_assert!(url.username().is_empty() && url.path() == "/", "{}", text);
            match url.host().unwrap() {
                // Browsers rewrite some numbers and addresses.
                Host::Ipv4(ip) => prop_assert!(authority.ip().is_none_or(|own| own == ip)),
                Host::Ipv6(ip) => prop_assert_eq!(authority.ip(), Some(ip.into())),
                Host::Domain(name) => prop_assert_eq!(name, authority.host().to_ascii_lowercase()),
            }
        }
    }

    #[test]
    fn s81_hosts_are_names_and_addresses_with_a_port_or_without() {
        let parts = |text| Authority::parse(text).map(|authority| (authority.host(), authority.port()));
        assert_eq!(parts("site.example"), Some(("site.example", None)));
        assert_eq!(parts("Site_1.example:"), Some(("Site_1.example", None)));
        assert_eq!(parts("192.0.2.1:65535"), Some(("192.0.2.1", Some(65535))));
        assert_eq!(parts("[::1]:8080"), Some(("[::1]", Some(8080))));
        for bad in [
            "", ":80", "a b", "a b/@c", "a@b", "a/b", "a:b", "a:65536", "a:1:2", "a,b", "::1", "[::1", "[a]", "[::1]x",
            "ä",
        ] {
            assert_eq!(parts(bad), None, "{bad}");
        }
        let parse = |text| Authority::parse(text).unwrap();
        assert!(parse("[::1]").ip().unwrap().is_loopback() && parse("site.example").ip().is_none());
        assert!(parse("LOCALHOST:1").is_localhost() && parse("a.localhost").is_localhost());
        assert!(!parse("localhost.evil.example").is_localhost() && !parse("evillocalhost").is_localhost());
    }
}
