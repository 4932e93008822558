//! The address of a client.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The address of the client that sent a request.
///
/// An IPv4 address that a socket reports in IPv6 form (`::ffff:192.0.2.1`) is the IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientAddress(IpAddr);

/// The part of an IPv6 address that names a network, which usually belongs to one client (RFC 6177): 64 bits.
const NETWORK_BITS: u32 = 64;

impl ClientAddress {
    /// Returns the address.
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// Returns the address to count requests by: an IPv4 address itself, or the first address of an IPv6 address's /64
    /// network. A client with an IPv6 network has 2^64 addresses, so counting each of them would limit nothing.
    ///
    /// ```
    /// use std::net::IpAddr;
    ///
    /// use hardtack::client_address::ClientAddress;
    ///
    /// let client: IpAddr = "2001:db8:1:2:3:4:5:6".parse()?;
    /// assert_eq!(ClientAddress::from(client).network().to_string(), "2001:db8:1:2::");
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub const fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(ip) => {
                let mask = u128::MAX << (Ipv6Addr::BITS - NETWORK_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & mask))
            }
        }
    }
}

impl From<IpAddr> for ClientAddress {
    fn from(ip: IpAddr) -> Self {
        Self(ip.to_canonical())
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_are_ipv4_and_ipv6_is_counted_by_64_bits() {
        let network = |text: &str| ClientAddress::from(text.parse::<IpAddr>().unwrap()).network().to_string();
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    }
}
