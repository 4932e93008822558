//! From a request's cookie to a verified token.

use std::fmt;

use super::Authenticator;
use crate::clock::Timestamp;
use crate::cookie;
use crate::failure::Reason;
use crate::jwt::{Claims, Expected, ExtraClaims, NoExtra, TokenError, TokenKind, validate};
use crate::request::RequestHead;
use crate::session::SessionId;

/// A token whose signature, times, kind and session were checked. Only the engine makes one: holding
/// it is the proof.
#[derive(Clone)]
pub struct VerifiedToken<T = NoExtra> {
    claims: Claims<T>,
    payload: Vec<u8>,
}

impl VerifiedToken<NoExtra> {
    pub(crate) fn new(claims: Claims, payload: Vec<u8>) -> Self {
        Self { claims, payload }
    }

    /// Reads the application's own claims from the same payload.
    ///
    /// # Errors
    /// A claim that `T` needs and the token has not, or in another type.
    pub fn with_extra<T: ExtraClaims>(self) -> Result<VerifiedToken<T>, TokenError> {
        let claims = self.claims.with_extra(&self.payload)?;
        Ok(VerifiedToken { claims, payload: self.payload })
    }
}

impl<T> VerifiedToken<T> {
    /// Whose token it is (`get_jwt_identity`).
    pub fn subject(&self) -> &str {
        &self.claims.subject
    }

    /// All claims (`get_jwt`).
    pub fn claims(&self) -> &Claims<T> {
        &self.claims
    }

    /// The application's own claims.
    pub fn extra(&self) -> &T {
        &self.claims.extra
    }

    /// The value for a form's hidden field; empty where the token carries none.
    pub fn csrf_token(&self) -> &str {
        self.claims.csrf.as_deref().unwrap_or_default()
    }

    /// The session it belongs to.
    pub fn session(&self) -> Option<SessionId> {
        self.claims.session.map(SessionId::from_u128)
    }

    /// Whether it came of a log-in rather than a refresh, at `now`.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.claims.fresh.is_fresh_at(now)
    }

    /// The claims as they were signed, in JSON.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Without the claims: the CSRF value is among them.
impl<T> fmt::Debug for VerifiedToken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("kind", &self.claims.kind)
            .field("session", &self.session())
            .finish_non_exhaustive()
    }
}

/// What a cookie held.
#[derive(Debug)]
pub(crate) enum Found {
    /// No such cookie.
    Absent,
    /// A token of ours whose only flaw is its age.
    Expired(VerifiedToken),
    /// A token of ours.
    Valid(VerifiedToken),
}

impl Found {
    /// The token, however old.
    pub(crate) fn any_age(self) -> Option<VerifiedToken> {
        match self {
            Self::Absent => None,
            Self::Expired(token) | Self::Valid(token) => Some(token),
        }
    }
}

impl Authenticator {
    /// Reads and verifies the cookie of a kind: name, signature, claims, times. Not yet its session,
    /// freshness or CSRF.
    pub(crate) fn read(&self, head: &RequestHead<'_>, kind: TokenKind) -> Result<Found, Reason> {
        let slot = match kind {
            TokenKind::Access => &self.cookies().access,
            TokenKind::Refresh => &self.cookies().refresh,
        };
        match cookie::find(head, &slot.name).map_err(|_| Reason::DuplicateCookie)? {
            // Some clients keep a deleted cookie with an empty value.
            None | Some(b"") => Ok(Found::Absent),
            Some(token) => self.judge(token, kind),
        }
    }

    fn judge(&self, token: &[u8], kind: TokenKind) -> Result<Found, Reason> {
        let payload = self.keys().verify(token)?.to_vec();
        let claims = Claims::from_json(&payload)?;
        let verdict = validate(&claims, &self.expected(kind));
        let token = VerifiedToken::new(claims, payload);
        match verdict {
            Ok(()) => Ok(Found::Valid(token)),
            Err(TokenError::Expired) => Ok(Found::Expired(token)),
            Err(error) => Err(error.into()),
        }
    }

    /// Decodes a token from elsewhere than a cookie (`decode_token`).
    ///
    /// # Errors
    /// Whatever is wrong with it, its age included.
    pub fn decode<T: ExtraClaims>(&self, token: &str, kind: TokenKind) -> Result<VerifiedToken<T>, TokenError> {
        let payload = self.keys().verify(token.as_bytes())?.to_vec();
        let claims = Claims::from_json(&payload)?;
        validate(&claims, &self.expected(kind))?;
        VerifiedToken::new(claims, payload).with_extra()
    }

    fn expected(&self, kind: TokenKind) -> Expected<'_> {
        let settings = self.settings();
        let lifetime = match kind {
            TokenKind::Access => settings.access_lifetime,
            TokenKind::Refresh => settings.refresh_lifetime,
        };
        let mut expected = Expected::new(self.now(), kind);
        expected.leeway = settings.leeway;
        expected.audience = (!settings.audience.is_empty()).then_some(settings.audience.as_slice());
        expected.issuer = settings.issuer.as_deref();
        expected.allow_never_expiring = lifetime.duration().is_none();
        expected
    }
}
