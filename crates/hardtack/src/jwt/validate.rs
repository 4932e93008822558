//! Whether claims hold at this time, in this place (RFC 7519 §4.1).

use std::time::Duration;

use super::{Claims, TokenError, TokenKind};
use crate::clock::Timestamp;

/// The most leeway that [`validate`] grants, whatever [`Expected::leeway`] says.
pub const MAX_LEEWAY: Duration = Duration::from_secs(60);

/// What a token must be to be accepted here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Expected<'a> {
    /// The time now.
    pub now: Timestamp,
    /// How far the clocks of issuer and verifier may differ, in whole seconds. Zero unless set; more
    /// than [`MAX_LEEWAY`] counts as that.
    pub leeway: Duration,
    /// The kind that this place takes.
    pub kind: TokenKind,
    /// The names that this service answers to: `aud` must hold one of them. With `None`, a token that
    /// has an `aud` is refused, as it is for someone else (RFC 7519 §4.1.3).
    pub audience: Option<&'a [String]>,
    /// Whether `aud` is not looked at where [`Self::audience`] names nobody: tokens for other services pass.
    pub insecure_any_audience: bool,
    /// What `iss` may be. Where it is empty, anything.
    pub issuers: &'a [String],
    /// Whether a token without `exp` is accepted.
    pub allow_never_expiring: bool,
}

impl Expected<'_> {
    /// A token of this `kind` now: no leeway, no audience, any issuer, and `exp` is required.
    pub const fn new(now: Timestamp, kind: TokenKind) -> Self {
        Self {
            now,
            leeway: Duration::ZERO,
            kind,
            audience: None,
            insecure_any_audience: false,
            issuers: &[],
            allow_never_expiring: false,
        }
    }
}

/// Checks kind, issuer, audience and times.
///
/// A token is dead from the second that `exp` names, plus the leeway.
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
/// [`TokenError::Expired`] only if nothing else is wrong: it alone may lead to a refresh. Otherwise the
/// first of [`WrongKind`](TokenError::WrongKind), [`WrongIssuer`](TokenError::WrongIssuer),
/// [`WrongAudience`](TokenError::WrongAudience), [`NotYetValid`](TokenError::NotYetValid),
/// [`IssuedInFuture`](TokenError::IssuedInFuture) and [`MissingClaim`](TokenError::MissingClaim).
pub fn validate<T>(claims: &Claims<T>, expected: &Expected<'_>) -> Result<(), TokenError> {
    judge(claims, expected).map(|_| ())
}

/// [`validate`], and for how long it would say so if nothing but the time changed.
pub(crate) fn judge<T>(claims: &Claims<T>, expected: &Expected<'_>) -> Result<Validity, TokenError> {
    let judged = Judged {
        kind: claims.kind,
        issuer: claims.issuer.as_deref(),
        audience: claims.audience.iter().map(String::as_str),
        not_before: claims.not_before,
        issued_at: claims.issued_at,
        expires_at: claims.expires_at,
    };
    judged.against(expected)
}

/// From when to when a token that was found good stays so, by all that was judged of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    from: Timestamp,
    until: Option<Timestamp>,
}

impl Validity {
    #[inline]
    pub(crate) fn holds_at(self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// What is judged of a token's claims, however they are held.
pub(crate) struct Judged<'a, A> {
    pub(crate) kind: TokenKind,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) audience: A,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
}

impl<'a, A: IntoIterator<Item = &'a str>> Judged<'a, A> {
    #[inline]
    pub(crate) fn against(self, expected: &Expected<'_>) -> Result<Validity, TokenError> {
        if self.kind != expected.kind {
            return Err(TokenError::WrongKind);
        }
        let issuer_fits = expected.issuers.is_empty()
            || self.issuer.is_some_and(|name| expected.issuers.iter().any(|our| our == name));
        if !issuer_fits {
            return Err(TokenError::WrongIssuer);
        }
        let mut audience = self.audience.into_iter();
        let audience_fits = match expected.audience {
            Some(ours) => audience.any(|name| ours.iter().any(|our| our == name)),
            None => expected.insecure_any_audience || audience.next().is_none(),
        };
        if !audience_fits {
            return Err(TokenError::WrongAudience);
        }
        let leeway = expected.leeway.min(MAX_LEEWAY);
        let at_latest = expected.now + leeway;
        if self.not_before.is_some_and(|nbf| nbf > at_latest) {
            return Err(TokenError::NotYetValid);
        }
        if self.issued_at > at_latest {
            return Err(TokenError::IssuedInFuture);
        }
        // Last, so that an expired token is refreshed only if it was good until then.
        match self.expires_at {
            Some(exp) if exp + leeway <= expected.now => return Err(TokenError::Expired),
            None if !expected.allow_never_expiring => return Err(TokenError::MissingClaim("exp")),
            _ => {}
        }
        let from = self.not_before.map_or(self.issued_at, |not_before| not_before.max(self.issued_at));
        Ok(Validity { from: from - leeway, until: self.expires_at.map(|exp| exp + leeway) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_good_stays_so_for_as_long_as_it_would_be_found_good(
            issued_at in 90_i64..110,
            not_before in prop::option::of(90_i64..110),
            expires_at in prop::option::of(90_i64..120),
            leeway in prop::sample::select(vec![0_u64, 1, 5, 60, 90]),
            first in 0_i64..250,
            then in 0_i64..250,
        ) {
            let at = Timestamp::from_unix_seconds;
            let judged = || Judged {
                kind: TokenKind::Access,
                issuer: None,
                audience: [],
                not_before: not_before.map(at),
                issued_at: at(issued_at),
                expires_at: expires_at.map(at),
            };
            let expected = |now| Expected {
                leeway: Duration::from_secs(leeway),
                allow_never_expiring: true,
                ..Expected::new(at(now), TokenKind::Access)
            };
            if let Ok(validity) = judged().against(&expected(first)) {
                prop_assert_eq!(validity.holds_at(at(then)), judged().against(&expected(then)).is_ok());
            }
        }
    }
}
