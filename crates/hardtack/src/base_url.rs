//! The public origin of the site.

use std::net::IpAddr;

use url::{Host, Url};

use crate::error::ConfigError;

/// The site's public origin. It decides whether cookies are `Secure`, and which `Origin` requests must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: String,
    host: String,
    https: bool,
}

impl BaseUrl {
    /// Parses `https://host[:port]`, or `http://` with a loopback address.
    ///
    /// # Errors
    /// The text is not an http or https origin, or has a path, query or credentials; or it is plain http on an address
    /// that other machines can reach.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let base = Self::read(text)?;
        if !base.0.https && !base.1 {
            return Err(ConfigError::InsecureBaseUrl { url: text.to_owned() });
        }
        Ok(base.0)
    }

    /// Parses an origin like [`Self::parse`], but accepts plain http on any address. Anyone on the network path can
    /// then take over every session.
    ///
    /// # Errors
    /// The text is not an http or https origin.
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
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it has a path, query or fragment"));
        }
        let host = url.host().ok_or_else(|| bad("it has no host"))?;
        let loopback = match &host {
            Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
            Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
        };
        let base = Self { origin: url.origin().ascii_serialization(), host: host.to_string(), https };
        Ok((base, loopback))
    }

    /// Returns scheme, host and port as in an `Origin` header (RFC 6454 section 6.2).
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the host without the port.
    pub fn host(&self) -> &str {
        &self.host
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
        for bad in ["site.example", "ftp://site.example", "https://u:p@site.example", "https://site.example/app", ""] {
            assert!(matches!(BaseUrl::parse(bad), Err(ConfigError::BadBaseUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn the_origin_is_as_browsers_send_it() {
        assert_eq!(BaseUrl::parse("https://Site.Example:443/").unwrap().origin(), "https://site.example");
        assert_eq!(BaseUrl::parse("http://127.0.0.1:8080").unwrap().origin(), "http://127.0.0.1:8080");
    }
}
