//! The client that caused a recorded activity.

use std::net::IpAddr;

use hardtack::client_address::ClientAddress;
use hardtack::clock::Timestamp;

/// The time, the client's address and the browser of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    pub(crate) at: Timestamp,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl RequestInfo {
    /// Returns the network by which requests are counted: an IPv4 address or an IPv6 /64 network. Returns an empty
    /// string if the address is not known.
    pub(crate) fn source(&self) -> String {
        let address = self.address.as_deref().and_then(|address| address.parse::<IpAddr>().ok());
        address.map_or_else(String::new, |address| ClientAddress::from(address).network().to_string())
    }
}
