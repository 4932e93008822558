//! Extracts [`RequestInfo`].

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack::event::cut_user_agent;
use hardtack_axum::ClientAddress;
use http::header;
use http::request::Parts;

use crate::activity::RequestInfo;
use crate::site::Site;

impl FromRequestParts<Site> for RequestInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        // If the server was started without connect info, as in router tests, the address is not known.
        let client = <ClientAddress as OptionalFromRequestParts<Site>>::from_request_parts(parts, site).await;
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self {
            at: site.auth.now(),
            address: client.ok().flatten().map(|client| client.to_string()),
            user_agent: agent.map(|agent| cut_user_agent(agent).to_owned()),
        })
    }
}
