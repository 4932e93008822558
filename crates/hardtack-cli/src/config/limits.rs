//! The limits of the server.

use hardtack::client_address::TrustedProxies;

use super::duration;
use super::settings::{BODY_TIMEOUT, MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS, Setting};
use super::sources::Sources;
use crate::error::Error;
use crate::server::Limits;

/// Reads the server's limits.
pub(super) fn read(sources: &Sources, proxies: TrustedProxies) -> Result<Limits, Error> {
    let count = |setting: &Setting| {
        sources.parse_required(setting, "a number from 1 to 1000000", |text| {
            text.parse().ok().filter(|count| (1..=1_000_000).contains(count))
        })
    };
    let connections = count(&MAX_CONNECTIONS)?;
    Ok(Limits {
        connections,
        connections_wanted: connections,
        connections_per_address: count(&MAX_CONNECTIONS_PER_ADDRESS)?,
        body_timeout: sources.parse_required(&BODY_TIMEOUT, duration::EXPECTED_NON_ZERO, duration::parse_non_zero)?,
        proxies,
    })
}
