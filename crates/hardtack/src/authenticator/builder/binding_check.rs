//! Checks the settings for sessions that are bound to devices.

use std::time::Duration;

use crate::config::{DeviceBinding, RefreshMode, Settings};
use crate::cookie::ResolvedPolicy;
use crate::error::ConfigError;
use crate::jwt::SUPPORTS_ASYMMETRIC;
use crate::session::{ErasedStore, StoreAbility};

/// The minimum lifetime of an access token in a bound session. Chromium refreshes the tokens when the access cookie
/// expires in less than two minutes, but creates at most six proofs in nine minutes. If the lifetime were much shorter,
/// Chromium would reach this limit.
const SHORTEST_ACCESS: Duration = Duration::from_secs(240);

/// If `DeviceBinding::Offer` is set, checks that these settings allow sessions to be bound to devices.
pub(super) fn check(
    settings: &Settings,
    cookies: &ResolvedPolicy,
    store: Option<&dyn ErasedStore>,
) -> Result<(), ConfigError> {
    if settings.binding == DeviceBinding::Off {
        return Ok(());
    }
    let refused = |problem| Err(ConfigError::DeviceBinding { problem });
    if !SUPPORTS_ASYMMETRIC {
        return refused(
            "browsers sign proofs with ES256 or RS256, which need the cargo feature `asymmetric`; turn it on for the \
             Hardtack crate that you use, for example with: cargo add hardtack-axum --features asymmetric",
        );
    }
    if !store.is_some_and(|store| store.can(StoreAbility::BindSessions)) {
        return refused(
            "there is no session store that can bind sessions; pass such a store to AuthenticatorBuilder::sessions",
        );
    }
    if settings.flask {
        return refused("flask_compatible does not support device binding; remove one of the two");
    }
    if settings.refresh == RefreshMode::Sliding {
        return refused("RefreshMode::Sliding does not use refresh tokens; choose a different refresh mode");
    }
    let jitter = u32::from(settings.sessions.access_jitter);
    let shortest = settings.access_lifetime.duration().map(|span| span - span * jitter / 100);
    if shortest.is_some_and(|span| span < SHORTEST_ACCESS) {
        return refused(
            "an access token's lifetime minus the jitter must be at least 240 seconds; set a longer lifetime",
        );
    }
    if cookies.access.paths != ["/"] || cookies.domain.is_some() {
        return refused("the access cookie must have the path \"/\" and no Domain; change the CookiePolicy");
    }
    if cookies.access.name.as_str().to_ascii_lowercase().contains("http-") {
        return refused(
            "browsers do not bind cookies with the prefix __Http- or __Host-Http-; rename the access cookie",
        );
    }
    if [&settings.urls.bind, &settings.urls.bound].iter().any(|url| !cookies.refresh.is_sent_to(url)) {
        return refused("the refresh cookie's paths must cover Urls::bind and Urls::bound; add both to refresh_paths");
    }
    Ok(())
}
