//! The client whose attempts are counted.

use std::net::IpAddr;

use hardtack::ClientInfo;

use super::Devices;
use crate::settings::SiteSettings;

/// What the attempt limits need to know about the client that sent a request.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The client's IPv4 address or IPv6 network. All attempts from this address or network are counted together.
    /// `None` if the server does not know the client's address, as in a router's test.
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
