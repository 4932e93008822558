//! The client whose attempts are counted.

use std::net::IpAddr;

use super::Devices;

/// What is known about the client of a request. The limits on attempts depend on it.
pub(crate) struct Client {
    /// The address, or for IPv6 the network, whose attempts are counted together. `None` if the server does not know
    /// the client's address, as in a test of the router.
    pub(crate) network: Option<IpAddr>,
    /// The users who have logged in with this browser before.
    pub(crate) devices: Devices,
}
