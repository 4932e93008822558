//! Warns when a proxy's behavior does not match the settings. Each warning is logged only once.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::trusted_proxies::TrustedProxies;
use crate::base_url::BaseUrl;
use crate::csrf::same_origin_page;
use crate::request::{Authority, RequestHead};

/// Which warnings have been logged.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    untrusted: AtomicBool,
    ignored_header: AtomicBool,
    other_site: AtomicBool,
}

/// Marks a warning as logged. Returns whether this is the first time.
fn first(logged: &AtomicBool) -> bool {
    !logged.swap(true, Ordering::Relaxed)
}

impl Notices {
    /// Logs a warning if the request shows that a proxy's behavior does not match the settings.
    pub(crate) fn check(&self, proxies: &TrustedProxies, base: Option<&BaseUrl>, head: &RequestHead<'_>) {
        let Some(peer) = head.peer().map(|peer| peer.to_canonical()) else { return };
        if proxies.trust(peer) {
            self.check_headers(proxies, peer, head);
            if let Some(base) = base {
                self.check_site(base, peer, head);
            }
        } else {
            self.check_untrusted(proxies, peer, head);
        }
    }

    /// Warns if a request from a trusted proxy has a forwarding header other than the one that the application reads.
    /// Either the proxy adds this header, or it passes on the header from a client.
    fn check_headers(&self, proxies: &TrustedProxies, peer: IpAddr, head: &RequestHead<'_>) {
        let (read, other) = (proxies.header_read(), proxies.header_read().other());
        if head.header(other.lower_case_name()).is_none() || !first(&self.ignored_header) {
            return;
        }
        let (read_name, other_name) = (read.name(), other.name());
        if head.header(read.lower_case_name()).is_some() {
            tracing::warn!(
                event = "forwarded_header_ignored",
                proxy = %peer,
                "a request from the proxy has both {read_name} and {other_name}, but only {read_name} is read; \
                 configure the proxy to remove {other_name}, because clients can forge {other_name}"
            );
        } else {
            tracing::warn!(
                event = "forwarded_header_ignored",
                proxy = %peer,
                "the proxy sends {other_name}, but only {read_name} is read, so all clients behind the proxy seem \
                 to have the proxy's address; set the header of the trusted proxies to {other_name}, or \
                 configure the proxy to send {read_name}"
            );
        }
    }

    /// Warns if the `X-Forwarded-Host` or `X-Forwarded-Proto` header from a trusted proxy does not match the base URL.
    fn check_site(&self, base: &BaseUrl, peer: IpAddr, head: &RequestHead<'_>) {
        let only = |name: &str| match head.headers().first_two(name) {
            [Some(value), None] => std::str::from_utf8(value).ok(),
            _ => None,
        };
        let host = only("x-forwarded-host").and_then(|host| Some((host, Authority::parse(host)?)));
        let proto = only("x-forwarded-proto").filter(|proto| matches!(*proto, "http" | "https"));
        let own_proto = if base.is_https() { "https" } else { "http" };
        let other_host = host.filter(|(_, authority)| !authority.host().eq_ignore_ascii_case(base.host()));
        let other_proto = proto.filter(|proto| *proto != own_proto);
        if (other_host.is_none() && other_proto.is_none()) || !first(&self.other_site) {
            return;
        }
        let (field, value) = match (other_host, other_proto) {
            (Some((host, _)), _) => ("X-Forwarded-Host", host),
            (None, Some(proto)) => ("X-Forwarded-Proto", proto),
            (None, None) => return,
        };
        let (proto, host) = (proto.unwrap_or(own_proto), host.map_or(base.host(), |(host, _)| host));
        // A proxy's headers can lack the scheme or the port, but a browser's `Origin` includes both.
        let page = same_origin_page(head).filter(|origin| !base.is_origin(origin.as_bytes()));
        let site = page.map_or_else(|| format!("{proto}://{host}"), str::to_owned);
        tracing::warn!(
            event = "base_url_differs",
            proxy = %peer,
            base_url = base.origin(),
            "{field} from the proxy is {value:?}, but base_url is {:?}; the server uses base_url; if \
             \"{site}\" is the site's address, set base_url to this address; otherwise, correct {field} in \
             the proxy",
            base.origin(),
        );
    }

    /// Warns if an untrusted peer on a private network sends a client's address in a header field, as a proxy would.
    /// Does not warn about peers on public networks, because any client on the internet can send such a field.
    fn check_untrusted(&self, proxies: &TrustedProxies, peer: IpAddr, head: &RequestHead<'_>) {
        let is_private = match peer {
            IpAddr::V4(ip) => ip.is_private() || ip.is_loopback(),
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback(),
        };
        let read = proxies.header_read();
        let is_forwarded =
            is_private && [read, read.other()].iter().any(|header| head.header(header.lower_case_name()).is_some());
        if is_forwarded && first(&self.untrusted) {
            tracing::warn!(
                event = "proxy_not_trusted",
                proxy = %peer,
                "{peer} sends clients' addresses in a header that is ignored, because {peer} is not a trusted proxy, \
                 so all clients behind {peer} seem to have the address {peer}; if {peer} is your proxy, add its \
                 address to trusted_proxies"
            );
        }
    }
}
