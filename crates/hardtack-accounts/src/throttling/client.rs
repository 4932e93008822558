//! The client whose attempts are counted.

use std::net::IpAddr;

use hardtack::ClientInfo;

use super::Devices;
use crate::settings::SiteSettings;

/// What the limits on attempts need to know about the client of a request.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The address, or for IPv6 the network, whose attempts are counted together. `None` if the server does not know
    /// the client's address, as in a test of the router.
    pub(crate) network: Option<IpAddr>,
    /// The users who have logged in with this browser before.
    pub(crate) devices: Devices,
}

impl Client {
    /// Returns the client that sent a request.
    pub(crate) fn of(info: &ClientInfo, site: &SiteSettings) -> Self {
        Self { network: info.address().map(|address| address.network()), devices: Devices::of(info, site) }
    }
}
