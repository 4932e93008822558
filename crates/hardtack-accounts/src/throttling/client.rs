//! The client whose attempts are counted.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack_axum::ClientAddress;
use http::request::Parts;

use super::Devices;
use crate::site::Site;

/// What is known about the client of a request. It decides how often something may be tried.
pub(crate) struct Client {
    /// The address, or for IPv6 the network, whose attempts are counted together. `None` if the server does not know the client's address,
    /// as in a test of the router.
    pub(super) network: Option<IpAddr>,
    /// The users who have logged in with this browser before.
    pub(crate) devices: Devices,
}

impl FromRequestParts<Site> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        let address = <ClientAddress as OptionalFromRequestParts<Site>>::from_request_parts(parts, site).await;
        Ok(Self {
            network: address.ok().flatten().map(|address| address.network()),
            devices: Devices::find(&parts.headers, &site.auth),
        })
    }
}
