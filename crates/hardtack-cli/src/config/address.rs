//! The address to listen on, and the URL at which users reach the site.

use std::net::SocketAddr;

use hardtack::error::ConfigError;
use hardtack::{AuthenticatorBuilder, BaseUrl};

use super::config_error::explain;
use super::settings::{BASE_URL, INSECURE_HTTP, LISTEN};
use super::sources::Sources;
use crate::error::Error;

/// The address to listen on, and the URL at which users reach the site.
pub(crate) struct Address {
    pub(crate) listen: SocketAddr,
    base_url: Option<String>,
    insecure_http: bool,
}

impl Address {
    pub(super) fn read(sources: &Sources) -> Result<Self, Error> {
        let expected = "an IP address and a port such as 127.0.0.1:8080 or [::1]:8080";
        let listen: SocketAddr = sources.parse_required(&LISTEN, expected, |text| text.parse().ok())?;
        let base_url = sources.text(&BASE_URL).map(str::to_owned);
        Ok(Self { listen, base_url, insecure_http: sources.parse_bool(&INSECURE_HTTP)?.unwrap_or_default() })
    }

    /// Returns the site's URL as browsers send it in `Origin`, with international names converted (`xn--…`). If no base
    /// URL is set, builds a URL from `bound`, the address that the server listens on. Returns an invalid base URL
    /// unchanged, because the authenticator reports the error.
    pub(crate) fn base_url(&self, bound: SocketAddr) -> String {
        match (&self.base_url, self.parsed()) {
            (None, _) => format!("http://{bound}"),
            (Some(_), Some(Ok(url))) => url.origin().to_owned(),
            (Some(text), _) => text.clone(),
        }
    }

    /// Returns the origin of the base URL, or `None` if no base URL is set.
    pub(crate) fn public_origin(&self, sources: &Sources) -> Result<Option<String>, Error> {
        let origin = self.parsed().transpose().map_err(|error| explain(sources, error))?;
        Ok(origin.map(|url| url.origin().to_owned()))
    }

    fn parsed(&self) -> Option<Result<BaseUrl, ConfigError>> {
        let parse = if self.insecure_http { BaseUrl::parse_insecure_http } else { BaseUrl::parse };
        self.base_url.as_deref().map(|text| match parse(text)? {
            base if base.path().is_empty() => Ok(base),
            _ => {
                let why = "the URL has a path, but this site's pages must be at the root of the host";
                Err(ConfigError::BadBaseUrl { url: text.to_owned(), why })
            }
        })
    }

    /// Returns whether users reach the site over https.
    pub(super) fn is_https(&self) -> bool {
        let scheme = self.base_url.as_ref().and_then(|url| url.get(..8));
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
    }

    /// Sets the base URL.
    pub(super) fn apply(&self, builder: AuthenticatorBuilder, bound: SocketAddr) -> AuthenticatorBuilder {
        let (url, builder) = (self.base_url(bound), builder.listener(bound));
        if self.insecure_http { builder.insecure_http_base_url(&url) } else { builder.base_url(&url) }
    }

    /// Refuses a base URL that cannot be used. If no base URL is set, refuses to listen on an address that other
    /// machines can reach.
    pub(super) fn check(&self, sources: &Sources) -> Result<(), Error> {
        self.public_origin(sources)?;
        if self.base_url.is_some() || self.listen.ip().is_loopback() {
            return Ok(());
        }
        Err(Error::config(format_args!(
            "{}, which is reachable from other machines, but no base URL is set; set --base-url to the site's public \
             address, such as https://site.example, or listen on a loopback address such as 127.0.0.1:{}",
            sources.describe(&LISTEN),
            self.listen.port()
        )))
    }
}
