//! Where a request comes from.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use hardtack::Timestamp;
use http::header;
use http::request::Parts;

use crate::site::Site;

/// The longest browser's name for itself that is kept, in bytes.
const MAX_USER_AGENT: usize = 256;

/// When a request came, from which address and which browser.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) at: Timestamp,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl FromRequestParts<Site> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self {
            at: site.auth.now(),
            address: peer.map(|ConnectInfo(peer)| peer.ip().to_string()),
            user_agent: agent.map(|agent| agent[..agent.floor_char_boundary(MAX_USER_AGENT)].to_owned()),
        })
    }
}
