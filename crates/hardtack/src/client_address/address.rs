//! A client's address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The address of the client that sent a request.
///
/// An IPv4 address that a socket reports in IPv6 form (`::ffff:192.0.2.1`) is converted to the plain IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientAddress(IpAddr);

/// The length of the network prefix of an IPv6 address, in bits. A network of this size usually belongs to one client
/// (RFC 6177).
const NETWORK_BITS: u32 = 64;

impl ClientAddress {
    /// Returns the address.
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// Returns the address to use when you count a client's requests. For IPv4, this is the client's own address. For
    /// IPv6, it is the first address of the client's /64 network. A client can use all 2^64 addresses of this network,
    /// so counting each address separately would not limit the client at all.
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

/// Writes the IP address.
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
