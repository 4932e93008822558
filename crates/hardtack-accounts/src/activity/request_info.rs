//! Information about the request that caused a recorded activity.

use std::net::IpAddr;

use hardtack::ClientInfo;
use hardtack::client_address::ClientAddress;
use hardtack::clock::Timestamp;

/// The time of a request, and the client's address and browser.
#[derive(Clone, Debug)]
pub(crate) struct RequestInfo {
    pub(crate) at: Timestamp,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl RequestInfo {
    /// Returns the details of a request that has just arrived.
    pub(crate) fn of(client: &ClientInfo) -> Self {
        Self {
            at: client.authenticator().now(),
            address: client.address().map(|address| address.to_string()),
            user_agent: client.user_agent().map(str::to_owned),
        }
    }

    /// Returns the details for a change that was not caused by a request. They contain only the time.
    pub(crate) const fn without_client(at: Timestamp) -> Self {
        Self { at, address: None, user_agent: None }
    }

    /// Returns the network under which a client's requests are counted: an IPv4 address or an IPv6 /64 network. Returns
    /// an empty string if the client's address is unknown.
    pub(crate) fn source(&self) -> String {
        let address = self.address.as_deref().and_then(|address| address.parse::<IpAddr>().ok());
        address.map_or_else(String::new, |address| ClientAddress::from(address).network().to_string())
    }
}
