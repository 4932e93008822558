//! Extracts [`RequestInfo`].

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use hardtack::event::cut_user_agent;
use http::header;
use http::request::Parts;

use crate::activity::RequestInfo;
use crate::site::Site;

impl FromRequestParts<Site> for RequestInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self {
            at: site.auth.now(),
            address: peer.map(|ConnectInfo(peer)| peer.ip().to_string()),
            user_agent: agent.map(|agent| cut_user_agent(agent).to_owned()),
        })
    }
}
