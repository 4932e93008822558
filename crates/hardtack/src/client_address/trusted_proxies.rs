//! The proxies that are trusted to report the client's address.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::address::ClientAddress;
use super::entries::from_the_right;
use super::header::ForwardedHeader;
use crate::error::ConfigError;
use crate::request::RequestHead;

/// The proxies in front of the application that are trusted to report the client's address. By default, there are none.
///
/// ```
/// use hardtack::client_address::{ForwardedHeader, TrustedProxies};
///
/// let proxies = TrustedProxies::new(["10.0.0.0/8", "2001:db8::7"])?.header(ForwardedHeader::Forwarded);
/// # Ok::<(), hardtack::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardedHeader,
}

impl TrustedProxies {
    /// Trusts the proxies with these addresses. Each string is a network (such as `10.0.0.0/8` or `2001:db8::/32`) or a
    /// single address. List a network only if your proxies are the only machines in it that can connect to the
    /// application. Any other machine in the network could forge the client's address.
    ///
    /// # Errors
    /// Returns an error if one of the strings is neither a network nor an address, or if one of the networks contains
    /// every address.
    pub fn new(networks: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, ConfigError> {
        let networks: Result<Vec<_>, _> = networks.into_iter().map(|text| parse(text.as_ref())).collect();
        Ok(Self { networks: networks?, header: ForwardedHeader::default() })
    }

    /// Sets the header field in which the proxies report the client's address. Default:
    /// [`ForwardedHeader::XForwardedFor`].
    #[must_use]
    pub const fn header(mut self, header: ForwardedHeader) -> Self {
        self.header = header;
        self
    }

    /// Returns `true` if no proxies are trusted.
    pub const fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Returns whether this is the address of a trusted proxy.
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Returns the header field in which the proxies report the client's address.
    pub(super) const fn header_read(&self) -> ForwardedHeader {
        self.header
    }

    /// Returns the client's address, or `None` if the server does not know the socket's peer.
    pub fn client_address(&self, head: &RequestHead<'_>) -> Option<ClientAddress> {
        let peer = ClientAddress::from(head.peer()?);
        if self.networks.is_empty() || !self.trust(peer.ip()) {
            return Some(peer);
        }
        let fields: Vec<&[u8]> = head.header_all(self.header.lower_case_name()).collect();
        let mut client = peer.ip();
        for entry in from_the_right(&fields, self.header) {
            let Some(address) = entry else { break };
            client = address;
            if !self.trust(address) {
                break;
            }
        }
        Some(client.into())
    }
}

fn parse(text: &str) -> Result<IpNet, ConfigError> {
    let bad = |why| ConfigError::BadTrustedProxy { text: text.to_owned(), why };
    let address = text.parse::<IpAddr>().map(IpNet::from);
    let network: IpNet =
        address.or_else(|_| text.parse()).map_err(|_| bad("it is neither an IP address nor a network"))?;
    if network.prefix_len() == 0 {
        return Err(bad("the network contains every address, so any client could claim any address"));
    }
    Ok(canonical(network))
}

/// Converts an IPv4 network in IPv6 form (`::ffff:10.0.0.0/104`) to an IPv4 network. Addresses are converted in the
/// same way before they are compared with networks.
fn canonical(network: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let IpNet::V6(mapped) = network else { return network };
    let v4 = mapped.addr().to_ipv4_mapped().zip(mapped.prefix_len().checked_sub(MAPPED_BITS));
    v4.and_then(|(address, bits)| Ipv4Net::new(address, bits).ok()).map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestRequest;

    fn client(proxies: &TrustedProxies, peer: &str, fields: &[(&str, &str)]) -> String {
        let request = TestRequest::new("GET", "/").from(peer.parse().unwrap()).fields(fields.iter().copied());
        proxies.client_address(&request.head()).unwrap().to_string()
    }

    const FIELD: &str = "x-forwarded-for";

    #[test]
    fn l1_without_trusted_proxies_the_client_is_the_peer() {
        let none = TrustedProxies::default();
        assert_eq!(client(&none, "192.0.2.1", &[(FIELD, "10.0.0.1"), ("forwarded", "for=10.0.0.1")]), "192.0.2.1");
        assert_eq!(client(&none, "::ffff:192.0.2.1", &[]), "192.0.2.1");
        assert_eq!(none.client_address(&TestRequest::new("GET", "/").head()), None);
    }

    #[test]
    fn l1_trusted_hops_are_skipped_from_the_right() {
        let proxies = TrustedProxies::new(["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.99"]).unwrap();
        let client = |peer: &str, value: &str| client(&proxies, peer, &[(FIELD, value)]);
        assert_eq!(client("10.0.0.1", "198.51.100.7"), "198.51.100.7");
        assert_eq!(client("::ffff:10.0.0.1", "198.51.100.7"), "198.51.100.7");
        assert_eq!(client("10.0.0.1", "203.0.113.9, 198.51.100.7, 2001:db8:1::5, 192.0.2.99"), "198.51.100.7");
        // A peer that is not a proxy is the client, whatever header fields it sends.
        assert_eq!(client("198.51.100.7", "203.0.113.9"), "198.51.100.7");
        // If an entry is not an address, the search ends there.
        assert_eq!(client("10.0.0.1", "203.0.113.9, unknown"), "10.0.0.1");
        assert_eq!(client("10.0.0.1", "203.0.113.9, secret, 10.0.0.2"), "10.0.0.2");
        // The client itself is in one of the trusted networks.
        assert_eq!(client("10.0.0.1", "10.0.0.3, 10.0.0.2"), "10.0.0.3");
        assert_eq!(client("10.0.0.1", ""), "10.0.0.1");
    }

    #[test]
    fn l1_several_fields_are_one_list_and_the_other_header_is_ignored() {
        let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
        let forged = [(FIELD, "203.0.113.9"), ("forwarded", "for=203.0.113.9"), (FIELD, "198.51.100.7")];
        assert_eq!(client(&proxies, "10.0.0.1", &forged), "198.51.100.7");
        let forwarded = proxies.header(ForwardedHeader::Forwarded);
        let fields = [(FIELD, "203.0.113.9"), ("forwarded", "for=\"[2001:db8::1]:7\";proto=https, for=10.1.1.1")];
        assert_eq!(client(&forwarded, "10.0.0.1", &fields), "2001:db8::1");
        assert_eq!(client(&forwarded, "10.0.0.1", &[(FIELD, "203.0.113.9")]), "10.0.0.1");
    }

    #[test]
    fn networks_are_checked() {
        for bad in ["", "10.0.0.0/33", "proxy.example", "10.0.0.1:80", "0.0.0.0/0", "::/0", "10.0.0.0/"] {
            assert!(TrustedProxies::new([bad]).is_err(), "{bad}");
        }
        let mapped = TrustedProxies::new(["::ffff:10.0.0.0/104"]).unwrap();
        assert!(mapped.trust("10.1.2.3".parse().unwrap()) && !mapped.trust("11.0.0.1".parse().unwrap()));
        let host_bits = TrustedProxies::new(["10.1.2.3/8"]).unwrap();
        assert!(host_bits.trust("10.9.9.9".parse().unwrap()));
    }
}
