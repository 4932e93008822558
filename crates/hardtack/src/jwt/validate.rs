//! Compares claims with the current time and with what this service expects (RFC 7519 §4.1).

use std::ops::Range;
use std::time::Duration;

use super::claims::{Claims, FastClaims, TokenKind};
use super::error::TokenError;
use crate::clock::{DEFAULT_SKEW, MAX_SKEW, Timestamp};

/// What [`validate`] compares claims with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Expected<'a> {
    /// The current time.
    pub now: Timestamp,
    /// How long after its `exp` a token is still accepted. Default: zero. Maximum: [`MAX_SKEW`]; longer times are
    /// capped. Fractions of a second are cut off.
    pub leeway: Duration,
    /// How far in the future `nbf` and `iat` may be. This allows for an issuer whose clock is ahead of this server's.
    /// Default: [`DEFAULT_SKEW`]. Maximum: [`MAX_SKEW`]; longer times are capped. Fractions of a second are cut off.
    pub clock_skew: Duration,
    /// The kind of token that is accepted.
    pub kind: TokenKind,
    /// The names of this service. If names are set, `aud` must contain at least one of them.
    ///
    /// If this field is `None`, `aud` must not contain any name except the [`realm`](Self::realm). A token with any
    /// other name is meant for another recipient (RFC 7519 §4.1.3).
    /// [`insecure_any_audience`](Self::insecure_any_audience) turns this check off.
    pub audience: Option<&'a [String]>,
    /// The name of this service's [realm](crate::AuthenticatorBuilder::realm). If this field is set, `aud` must contain
    /// this name. If [`audience`](Self::audience) is also set, `aud` must also contain one of the names in `audience`.
    pub realm: Option<&'a str>,
    /// Whether to accept tokens for other services. If this is true and [`audience`](Self::audience) is `None`, `aud`
    /// is checked only for the [`realm`](Self::realm). If `audience` is set, this field has no effect.
    pub insecure_any_audience: bool,
    /// The accepted values of `iss`. If the list is empty, any issuer is accepted, and so is a missing `iss`.
    pub issuers: &'a [String],
    /// Whether a token without `exp` is accepted.
    pub allow_never_expiring: bool,
    /// For a token that belongs to a session, the maximum time from its `iat` until it expires. This limit applies even
    /// if the token's `exp` is later. If this field is `None`, only `exp` counts.
    pub max_session_age: Option<Duration>,
}

impl Expected<'_> {
    /// Creates the default expectations for a token of this kind. The token must have an `exp` that has not passed. Its
    /// `iat`, and its `nbf` if there is one, may be at most three seconds in the future. The token must not have an
    /// `aud`. Any issuer is accepted.
    pub const fn new(now: Timestamp, kind: TokenKind) -> Self {
        Self {
            now,
            leeway: Duration::ZERO,
            clock_skew: DEFAULT_SKEW,
            kind,
            audience: None,
            realm: None,
            insecure_any_audience: false,
            issuers: &[],
            allow_never_expiring: false,
            max_session_age: None,
        }
    }
}

/// Checks the kind, issuer, audience and times of a token's claims.
///
/// A token has expired as soon as the current time reaches its `exp` plus the leeway.
///
/// ```
/// use hardtack::clock::Timestamp;
/// use hardtack::jwt::{Claims, Expected, TokenError, TokenKind, validate};
///
/// let at = Timestamp::from_unix_seconds;
/// let mut claims = Claims::new("alice", "id-1", TokenKind::Access, at(100));
/// claims.expires_at = Some(at(200));
///
/// assert_eq!(validate(&claims, &Expected::new(at(199), TokenKind::Access)), Ok(()));
/// let refused = validate(&claims, &Expected::new(at(200), TokenKind::Access));
/// assert_eq!(refused, Err(TokenError::Expired));
/// ```
///
/// # Errors
/// Returns the first of these errors that applies: [`TokenError::WrongKind`], [`WrongIssuer`](TokenError::WrongIssuer),
/// [`WrongAudience`](TokenError::WrongAudience), [`MissingClaim`](TokenError::MissingClaim),
/// [`NotYetValid`](TokenError::NotYetValid), [`IssuedInFuture`](TokenError::IssuedInFuture),
/// [`Expired`](TokenError::Expired).
///
/// `Expired` comes last, so that an expired token leads to a refresh only if it is valid in every other respect. For
/// `NotYetValid` and `IssuedInFuture`, see [`TokenError::is_early`].
pub fn validate(claims: &Claims, expected: &Expected<'_>) -> Result<(), TokenError> {
    claims.registered().validate(expected).map(drop)
}

/// The claims to validate, borrowed from [`Claims`] or [`FastClaims`].
pub(crate) struct RegisteredClaims<'a, A> {
    pub(crate) kind: TokenKind,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) audience: A,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) has_session: bool,
}

impl Claims {
    pub(crate) fn registered(&self) -> RegisteredClaims<'_, impl Iterator<Item = &str>> {
        RegisteredClaims {
            kind: self.kind,
            issuer: self.issuer.as_deref(),
            audience: self.audience.iter().map(String::as_str),
            not_before: self.not_before,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            has_session: self.session.is_some(),
        }
    }
}

impl FastClaims {
    /// `payload` must be the text that the claims were read from.
    #[inline]
    pub(crate) fn registered<'a>(&self, payload: &'a str) -> RegisteredClaims<'a, Option<&'a str>> {
        RegisteredClaims {
            kind: self.kind,
            issuer: self.issuer.map(|span| span.of(payload)),
            audience: self.audience.map(|span| span.of(payload)),
            not_before: self.not_before,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            has_session: self.session.is_some(),
        }
    }
}

impl<'a, A: IntoIterator<Item = &'a str>> RegisteredClaims<'a, A> {
    /// Validates the claims like [`validate`], but returns the range of times at which the token is valid.
    #[inline]
    pub(crate) fn validate(self, expected: &Expected<'_>) -> Result<Range<Timestamp>, TokenError> {
        if self.kind != expected.kind {
            return Err(TokenError::WrongKind);
        }
        let issuer_fits = expected.issuers.is_empty()
            || self.issuer.is_some_and(|name| expected.issuers.iter().any(|our| our == name));
        if !issuer_fits {
            return Err(TokenError::WrongIssuer);
        }
        let (mut in_realm, mut named, mut foreign) = (expected.realm.is_none(), false, false);
        for name in self.audience {
            if expected.realm == Some(name) {
                in_realm = true;
            } else {
                foreign = true;
            }
            named |= expected.audience.is_some_and(|ours| ours.iter().any(|our| our == name));
        }
        let audience_fits = match expected.audience {
            Some(_) => named,
            None => expected.insecure_any_audience || !foreign,
        };
        if !in_realm || !audience_fits {
            return Err(TokenError::WrongAudience);
        }
        if self.expires_at.is_none() && !expected.allow_never_expiring {
            return Err(TokenError::MissingClaim("exp"));
        }
        let (leeway, skew) = (expected.leeway.min(MAX_SKEW), expected.clock_skew.min(MAX_SKEW));
        let latest = expected.now + skew;
        if self.not_before.is_some_and(|nbf| nbf > latest) {
            return Err(TokenError::NotYetValid);
        }
        if self.issued_at > latest {
            return Err(TokenError::IssuedInFuture);
        }
        let expires_at = match expected.max_session_age {
            Some(age) if self.has_session => {
                let latest = self.issued_at + age;
                Some(self.expires_at.map_or(latest, |exp| exp.min(latest)))
            }
            _ => self.expires_at,
        };
        // Check the expiry last. An expired token is refreshed only if it is valid in every other respect.
        if expires_at.is_some_and(|exp| exp + leeway <= expected.now) {
            return Err(TokenError::Expired);
        }
        let from = self.not_before.map_or(self.issued_at, |not_before| not_before.max(self.issued_at));
        let until = expires_at.map_or(Timestamp::MAX, |exp| exp + leeway);
        Ok(from - skew..until)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_range_contains_the_times_at_which_the_token_is_valid(
            issued_at in 90_i64..110,
            not_before in prop::option::of(90_i64..110),
            expires_at in prop::option::of(90_i64..120),
            leeway in prop::sample::select(vec![0_u64, 1, 5, 60, 90]),
            clock_skew in prop::sample::select(vec![0_u64, 3, 60, 90]),
            has_session: bool,
            max_session_age in prop::option::of(0_u64..20),
            first in 0_i64..250,
            then in 0_i64..250,
        ) {
            let at = Timestamp::from_unix_seconds;
            let claims = || RegisteredClaims {
                kind: TokenKind::Access,
                issuer: None,
                audience: [],
                not_before: not_before.map(at),
                issued_at: at(issued_at),
                expires_at: expires_at.map(at),
                has_session,
            };
            let expected = |now| Expected {
                leeway: Duration::from_secs(leeway),
                clock_skew: Duration::from_secs(clock_skew),
                allow_never_expiring: true,
                max_session_age: max_session_age.map(Duration::from_secs),
                ..Expected::new(at(now), TokenKind::Access)
            };
            if let Ok(valid) = claims().validate(&expected(first)) {
                prop_assert_eq!(valid.contains(&at(then)), claims().validate(&expected(then)).is_ok());
            }
        }
    }
}
