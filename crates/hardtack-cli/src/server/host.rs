//! Which hosts the server accepts requests for.
//!
//! If a request is for a host other than the site's host, the server responds with status 421, for two reasons. First,
//! an attacker can make another host name resolve to this server (DNS rebinding). To a browser, the attacker's pages
//! under that name and this server's responses then have the same origin, so the pages could read the responses.
//! Second, a cache might confuse the responses for the two hosts.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{Request, Version, header};
use axum::response::Response;
use hardtack::request::Authority;

use super::health;
use super::refusal::Refusal;

/// The hosts of the site.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// The host name of the base URL.
    site: String,
    /// The address that the server listens on.
    listener: IpAddr,
    /// Whether the server has stopped warning about requests for other hosts. It stops after the first request for the
    /// site's host, or after one warning.
    settled: AtomicBool,
}

impl Hosts {
    /// Reads the site's host from the base URL. `listener` is the address that the server listens on.
    pub(crate) fn new(base_url: &str, listener: SocketAddr) -> Self {
        let authority = base_url.split_once("://").map_or(base_url, |(_, rest)| rest).trim_end_matches('/');
        let site = Authority::parse(authority).map_or(authority, |authority| authority.host());
        Self { site: site.to_owned(), listener: listener.ip(), settled: AtomicBool::new(false) }
    }

    /// Returns the response that refuses a request whose host the server does not accept. Returns `None` if the request
    /// is accepted.
    pub(super) fn refuse<B>(&self, request: &Request<B>) -> Option<Response> {
        // Health probes may use any host name, and HTTP/1.0 probes need not send one.
        let is_probe = health::is_probe(request);
        let mut fields = request.headers().get_all(header::HOST).iter();
        let (field, second) = (fields.next(), fields.next());
        // If the request target contains an authority, the authority takes precedence over `Host` (RFC 9112 section
        // 3.2.2, RFC 9113 section 8.3.1).
        let host = match (request.uri().authority(), field) {
            _ if second.is_some() => None,
            (Some(authority), None) => Authority::parse(authority.as_str()),
            (authority, Some(field)) => {
                let field = field.to_str().ok().and_then(Authority::parse);
                field.and_then(|field| authority.map_or(Some(field), |authority| Authority::parse(authority.as_str())))
            }
            (None, None) if is_probe && request.version() < Version::HTTP_11 => return None,
            (None, None) => None,
        };
        let refusal = match host {
            Some(host) if is_probe || self.includes(&host) => return None,
            Some(host) => {
                self.warn_of_first(&host);
                Refusal::MisdirectedRequest
            }
            None => Refusal::BadHost,
        };
        tracing::debug!(event = "host_refused", status = refusal.status(), host = host.map(|host| host.host()));
        Some(refusal.response(request))
    }

    /// Logs a warning about the first request for a host that the server does not accept. Logs nothing if an earlier
    /// request was for the site's host, because that shows that the base URL is right.
    fn warn_of_first(&self, host: &Authority<'_>) {
        if !self.settled.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                event = "host_unknown",
                host = host.host(),
                "a request for another host was refused with status 421, because the site's host is {}; if users reach \
                 the site under the requested host, set --base-url or HARDTACK_BASE_URL to the address that they use; \
                 later requests for other hosts are not logged",
                self.site
            );
        }
    }

    /// Returns whether the server accepts requests for a host. The server accepts the site's host and the IP address
    /// that it listens on. If this IP address is a loopback address, the server also accepts `localhost` and every
    /// loopback address. If the server listens on all addresses, it accepts `localhost` and every IP address.
    ///
    /// DNS rebinding is not possible for these hosts, because an attacker cannot choose which address they resolve to.
    /// The port is not compared, because a container's port can be published under a different port number.
    fn includes(&self, host: &Authority<'_>) -> bool {
        if host.host().eq_ignore_ascii_case(&self.site) {
            // Read first, and write only if the value changes. An unnecessary write would invalidate the cache line on
            // other cores.
            if !self.settled.load(Ordering::Relaxed) {
                self.settled.store(true, Ordering::Relaxed);
            }
            return true;
        }
        let any = self.listener.is_unspecified();
        match host.ip() {
            Some(ip) => any || ip == self.listener || (ip.is_loopback() && self.listener.is_loopback()),
            None => host.is_localhost() && (any || self.listener.is_loopback()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(hosts: &Hosts, version: Version, uri: &str, fields: &[&str]) -> u16 {
        let request =
            fields.iter().fold(Request::get(uri).version(version), |request, host| request.header("host", *host));
        hosts.refuse(&request.body(()).unwrap()).map_or(200, |response| response.status().as_u16())
    }

    #[test]
    fn s81_a_host_is_named_once_and_is_one_of_the_site() {
        let site = Hosts::new("https://site.example", "127.0.0.1:8080".parse().unwrap());
        let h1 = |uri: &str, fields: &[&str]| status(&site, Version::HTTP_11, uri, fields);
        for ours in ["site.example", "SITE.example:443", "127.0.0.1:8080", "localhost:8080", "[::1]", "127.0.0.1:9000"]
        {
            assert_eq!(h1("/", &[ours]), 200, "{ours}");
        }
        for other in ["evil.example", "www.site.example", "site.example.evil.example", "192.0.2.1", "localhost.evil"] {
            assert_eq!(h1("/", &[other]), 421, "{other}");
            assert_eq!(h1("/healthz", &[other]), 200, "{other}");
        }
        for bad in [&[][..], &["site.example", "site.example"], &["a b/@c"], &["user@site.example"], &[""]] {
            assert_eq!((h1("/", bad), h1("/healthz", bad)), (400, 400), "{bad:?}");
        }
        assert_eq!(status(&site, Version::HTTP_10, "/healthz", &[]), 200);
        assert_eq!(status(&site, Version::HTTP_10, "/", &[]), 400);
    }

    #[test]
    fn e14_the_authority_of_the_target_wins() {
        let site = Hosts::new("https://site.example/", "127.0.0.1:8080".parse().unwrap());
        let h2 = |uri: &str, fields: &[&str]| status(&site, Version::HTTP_2, uri, fields);
        assert_eq!(h2("http://site.example/", &[]), 200);
        assert_eq!(h2("http://site.example/", &["evil.example"]), 200);
        assert_eq!(h2("http://evil.example/", &["site.example"]), 421);
        assert_eq!(h2("http://user@site.example/", &[]), 400);
    }

    #[test]
    fn a_server_that_listens_everywhere_has_any_address() {
        let site = Hosts::new("http://site.example:8080", "0.0.0.0:8080".parse().unwrap());
        for (host, expected) in
            [("site.example:8080", 200), ("10.1.2.3:9000", 200), ("localhost:9000", 200), ("app:8080", 421)]
        {
            assert_eq!(status(&site, Version::HTTP_11, "/", &[host]), expected, "{host}");
        }
        let one = Hosts::new("http://site.example", "192.0.2.1:80".parse().unwrap());
        for (host, expected) in [("192.0.2.1", 200), ("127.0.0.1", 421), ("localhost", 421), ("192.0.2.2", 421)] {
            assert_eq!(status(&one, Version::HTTP_11, "/", &[host]), expected, "{host}");
        }
    }
}
