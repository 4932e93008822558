//! The extractor for the client whose attempts are counted.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack_axum::ClientAddress;
use http::request::Parts;

use crate::site::Site;
use crate::throttling::{Client, Devices};

impl FromRequestParts<Site> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        let address = <ClientAddress as OptionalFromRequestParts<Site>>::from_request_parts(parts, site).await;
        Ok(Self {
            network: address.ok().flatten().map(|address| address.network()),
            devices: Devices::find(&parts.headers, &site.auth, &site.settings),
        })
    }
}
