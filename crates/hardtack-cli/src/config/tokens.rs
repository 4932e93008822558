//! The lifetimes, renewal and claims of tokens, and the lifetimes of sessions.

use std::time::Duration;

use hardtack::config::{ClaimsPolicy, DeviceBinding, Lifetime};
use hardtack::session::SessionPolicy;
use hardtack::{AuthenticatorBuilder, RefreshMode, SigningKey};

use super::duration;
use super::settings::{
    ACCESS_LIFETIME, AUDIENCE, CLOCK_SKEW, DEVICE_BINDING, ENCODE_NBF, FRESH_LIFETIME, IDENTITY_CLAIM, ISSUER, LEEWAY,
    REALM, REFRESH, REFRESH_LIFETIME, SESSION_LIFETIME, Setting,
};
use super::sources::Sources;
use crate::error::Error;

/// The lifetimes, renewal and claims of tokens.
pub(crate) struct Tokens {
    access_lifetime: Lifetime,
    refresh_lifetime: Lifetime,
    fresh_lifetime: Duration,
    refresh_mode: RefreshMode,
    device_binding: DeviceBinding,
    leeway: Duration,
    clock_skew: Duration,
    claims: ClaimsPolicy,
    realm: Option<String>,
}

impl Tokens {
    pub(super) fn read(sources: &Sources) -> Result<Self, Error> {
        let refresh_mode = |text: &str| match text {
            "transparent" => Some(RefreshMode::Transparent),
            "redirect" => Some(RefreshMode::Redirect),
            "sliding" => Some(RefreshMode::Sliding),
            "off" => Some(RefreshMode::Off),
            _ => None,
        };
        let device_binding = |text: &str| match text {
            "off" => Some(DeviceBinding::Off),
            "offer" => Some(DeviceBinding::Offer),
            _ => None,
        };
        let leeway = sources.parse(&LEEWAY, duration::EXPECTED, duration::parse)?;
        let clock_skew = sources.parse_required(&CLOCK_SKEW, duration::EXPECTED, duration::parse)?;
        Ok(Self {
            access_lifetime: lifetime(sources, &ACCESS_LIFETIME)?,
            refresh_lifetime: lifetime(sources, &REFRESH_LIFETIME)?,
            fresh_lifetime: sources.parse_required(
                &FRESH_LIFETIME,
                duration::EXPECTED_NON_ZERO,
                duration::parse_non_zero,
            )?,
            refresh_mode: sources.parse_required(&REFRESH, "transparent, redirect, sliding or off", refresh_mode)?,
            device_binding: sources.parse_required(&DEVICE_BINDING, "off or offer", device_binding)?,
            leeway: leeway.unwrap_or_default(),
            clock_skew,
            claims: claims(sources, clock_skew, leeway)?,
            realm: sources.text(&REALM).map(str::to_owned),
        })
    }

    pub(super) fn apply(&self, builder: AuthenticatorBuilder) -> AuthenticatorBuilder {
        let builder = builder
            .access_lifetime(self.access_lifetime)
            .refresh_lifetime(self.refresh_lifetime)
            .fresh_lifetime(self.fresh_lifetime)
            .refresh_mode(self.refresh_mode)
            .device_binding(self.device_binding);
        let builder = builder.claims(self.claims.clone());
        match &self.realm {
            Some(realm) => builder.realm(realm),
            None => builder,
        }
    }

    pub(super) fn claims(&self) -> &ClaimsPolicy {
        &self.claims
    }

    /// Returns whether `key` can sign refresh tokens. Stored sessions need a deterministic algorithm, which gives the
    /// same refresh token the same signature every time. Sliding sessions have no refresh tokens, so they can use any
    /// key.
    pub(crate) fn can_be_signed_with(&self, key: &SigningKey) -> bool {
        key.is_deterministic() || self.refresh_mode == RefreshMode::Sliding
    }

    /// Returns how long servers may still need a key to verify tokens after the key has signed its last token.
    pub(crate) fn longest_lifetime(&self) -> Duration {
        let span = |lifetime| if let Lifetime::For(span) = lifetime { span } else { Duration::MAX };
        span(self.access_lifetime).max(span(self.refresh_lifetime)).saturating_add(self.leeway)
    }

    /// Returns by how much the servers' clocks may differ: the larger of `clock_skew` and `leeway`.
    pub(crate) fn clock_skew(&self) -> Duration {
        self.clock_skew.max(self.leeway)
    }
}

fn claims(sources: &Sources, clock_skew: Duration, leeway: Option<Duration>) -> Result<ClaimsPolicy, Error> {
    let non_empty = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut claims = ClaimsPolicy::default()
        .clock_skew(clock_skew)
        .identity_claim(sources.text_or_empty(&IDENTITY_CLAIM))
        .encode_nbf(sources.parse_bool(&ENCODE_NBF)?.unwrap_or(true));
    if let Some(leeway) = leeway {
        claims = claims.leeway(leeway);
    }
    if let Some(issuer) = sources.parse(&ISSUER, "a non-empty string", non_empty)? {
        claims = claims.issuer(issuer);
    }
    if let Some(audience) = sources.parse(&AUDIENCE, "a non-empty string", non_empty)? {
        claims = claims.audience(audience);
    }
    Ok(claims)
}

fn lifetime(sources: &Sources, setting: &Setting) -> Result<Lifetime, Error> {
    sources.parse_required(setting, duration::EXPECTED_NON_ZERO, |text| {
        // In Flask-JWT-Extended, `false` means that tokens never expire. The authenticator decides whether this is
        // allowed.
        if text.eq_ignore_ascii_case("false") {
            return Some(Lifetime::InsecureForever);
        }
        duration::parse_non_zero(text).map(Lifetime::For)
    })
}

/// Reads the lifetime of sessions.
pub(super) fn sessions(sources: &Sources) -> Result<SessionPolicy, Error> {
    let lifetime = sources.parse_required(&SESSION_LIFETIME, duration::EXPECTED_NON_ZERO, duration::parse_non_zero)?;
    Ok(SessionPolicy::default().absolute_lifetime(lifetime))
}
