//! The proxies in front of the server.

use hardtack::client_address::{ForwardedHeader, TrustedProxies};

use super::settings::{PROXY_HEADER, TRUSTED_PROXIES};
use super::sources::Sources;
use crate::error::Error;

/// Reads which proxies are trusted to report the client's address, and in which header. Also returns a warning if the
/// header setting has no effect.
pub(super) fn read(sources: &Sources) -> Result<(TrustedProxies, Option<String>), Error> {
    let expected = "X-Forwarded-For or Forwarded";
    let header = sources.parse_required(&PROXY_HEADER, expected, |text| {
        let all = [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded];
        all.into_iter().find(|header| header.name().eq_ignore_ascii_case(text))
    })?;
    let list = sources.text(&TRUSTED_PROXIES).unwrap_or_default();
    let networks = list.split(',').map(str::trim).filter(|text| !text.is_empty());
    let proxies = TrustedProxies::new(networks)
        .map_err(|error| Error::config(format_args!("{}: {error}", sources.label(&TRUSTED_PROXIES))))?;
    let has_no_effect = sources.is_set(&PROXY_HEADER) && proxies.is_empty();
    let warning = has_no_effect.then(|| {
        format!(
            "{}, but no proxy is trusted, so the server ignores the header; set --trusted-proxies or \
             HARDTACK_TRUSTED_PROXIES to the addresses of your proxies",
            sources.describe(&PROXY_HEADER)
        )
    });
    Ok((proxies.header(header), warning))
}
