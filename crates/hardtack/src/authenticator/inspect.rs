//! From a request's cookie to a verified token.

use std::fmt;
use std::sync::Arc;

use super::Authenticator;
use super::verified::Verified;
use crate::clock::Timestamp;
use crate::cookie;
use crate::failure::Reason;
use crate::jwt::{Claims, Expected, ExtraClaims, NoExtra, TokenError, TokenKind};
use crate::request::RequestHead;
use crate::session::SessionId;

/// A token whose signature, times, kind and session were checked. Only the engine makes one: holding
/// it is the proof. Clones share the claims.
#[derive(Clone)]
pub struct VerifiedToken<T = NoExtra> {
    token: Arc<Verified>,
    extra: T,
}

impl VerifiedToken<NoExtra> {
    pub(crate) fn new(claims: Claims, payload: Vec<u8>) -> Self {
        Self::of(Arc::new(Verified::issued(claims, payload)))
    }

    fn of(token: Arc<Verified>) -> Self {
        Self { token, extra: NoExtra }
    }

    /// Reads the application's own claims from the same payload.
    ///
    /// # Errors
    /// A claim that `T` needs and the token has not, or in another type.
    pub fn with_extra<T: ExtraClaims>(self) -> Result<VerifiedToken<T>, TokenError> {
        let extra = T::from_payload(self.token.payload())?;
        Ok(VerifiedToken { token: self.token, extra })
    }
}

impl<T> VerifiedToken<T> {
    /// Whose token it is (`get_jwt_identity`).
    pub fn subject(&self) -> &str {
        self.token.subject()
    }

    /// The claims (`get_jwt`); the application's own are in [`extra`](Self::extra).
    pub fn claims(&self) -> &Claims {
        self.token.claims()
    }

    /// The application's own claims.
    pub fn extra(&self) -> &T {
        &self.extra
    }

    /// The value for a form's hidden field; empty where the token carries none.
    pub fn csrf_token(&self) -> &str {
        self.token.csrf().unwrap_or_default()
    }

    /// The session it belongs to.
    pub fn session(&self) -> Option<SessionId> {
        self.token.session().map(SessionId::from_u128)
    }

    /// Whether it came of a log-in rather than a refresh, at `now`.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.token.fresh().is_fresh_at(now)
    }

    /// The claims as they were signed, in JSON.
    pub fn payload(&self) -> &[u8] {
        self.token.payload()
    }
}

/// Without the claims: the CSRF value is among them.
impl<T> fmt::Debug for VerifiedToken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("kind", &self.token.kind())
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
    fn of(verified: Arc<Verified>, verdict: Result<(), TokenError>) -> Result<Self, TokenError> {
        let token = VerifiedToken::of(verified);
        match verdict {
            Ok(()) => Ok(Self::Valid(token)),
            Err(TokenError::Expired) => Ok(Self::Expired(token)),
            Err(error) => Err(error),
        }
    }

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
            Some(token) => Ok(self.judge(token, kind)?),
        }
    }

    /// The signature is checked once for each token of the cache, everything else always.
    fn judge(&self, token: &[u8], kind: TokenKind) -> Result<Found, TokenError> {
        let (known, expected) = (&self.0.verified_tokens, self.expected(kind));
        if let Some(verified) = known.find(token) {
            let verdict = verified.judge(&expected);
            if verdict == Err(TokenError::Expired) {
                known.forget(token);
            }
            return Found::of(verified, verdict);
        }
        let payload = self.keys().verify(token)?.into_bytes();
        let verified = Arc::new(Verified::read(payload)?);
        let verdict = verified.judge(&expected);
        // A refresh token comes once and lives long: not worth keeping.
        if verdict.is_ok() && kind == TokenKind::Access {
            known.remember(token, &verified);
        }
        Found::of(verified, verdict)
    }

    /// Decodes a token from elsewhere than a cookie (`decode_token`).
    ///
    /// # Errors
    /// Whatever is wrong with it, its age included.
    pub fn decode<T: ExtraClaims>(&self, token: &str, kind: TokenKind) -> Result<VerifiedToken<T>, TokenError> {
        match self.judge(token.as_bytes(), kind)? {
            Found::Valid(token) => token.with_extra(),
            Found::Absent | Found::Expired(_) => Err(TokenError::Expired),
        }
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
