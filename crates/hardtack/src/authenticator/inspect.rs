//! From a request's cookie to a verified token.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Authenticator;
use super::verified::Verified;
use crate::clock::Timestamp;
use crate::failure::Reason;
use crate::jwt::{Claims, Expected, ExtraClaims, NoExtra, TokenError, TokenKind};
use crate::location::TokenLocation;
use crate::request::RequestHead;
use crate::session::SessionId;

/// A token whose signature, times, kind and session were checked. Only the engine makes one: holding
/// it is the proof. Clones share the claims.
#[derive(Clone)]
pub struct VerifiedToken<T = NoExtra> {
    token: Arc<Verified>,
    extra: T,
    /// As wide as what stands beside it: it is moved often, and a narrow one would be moved with bytes around it.
    location: Option<&'static TokenLocation>,
}

impl VerifiedToken<NoExtra> {
    pub(crate) fn new(claims: Claims, payload: Vec<u8>) -> Self {
        Self::of(Arc::new(Verified::issued(claims, payload)))
    }

    fn of(token: Arc<Verified>) -> Self {
        Self { token, extra: NoExtra, location: None }
    }

    pub(crate) fn found_in(self, location: TokenLocation) -> Self {
        let location = match location {
            TokenLocation::Headers => &TokenLocation::Headers,
            TokenLocation::Cookies => &TokenLocation::Cookies,
            TokenLocation::QueryString => &TokenLocation::QueryString,
            TokenLocation::Json => &TokenLocation::Json,
        };
        Self { location: Some(location), ..self }
    }

    /// Reads the application's own claims from the same payload.
    ///
    /// # Errors
    /// A claim that `T` needs and the token has not, or in another type.
    pub fn with_extra<T: ExtraClaims>(self) -> Result<VerifiedToken<T>, TokenError> {
        let extra = T::from_payload(self.token.payload())?;
        Ok(VerifiedToken { token: self.token, extra, location: self.location })
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

    pub(crate) fn kind(&self) -> TokenKind {
        self.token.kind()
    }

    /// From when to when it is good; none for one that never expires.
    pub(crate) fn life(&self) -> Option<[Timestamp; 2]> {
        self.token.life()
    }

    /// Where the request carried it (`get_jwt_request_location`); none for a token from elsewhere.
    pub fn location(&self) -> Option<TokenLocation> {
        self.location.copied()
    }

    /// A claim by its name, of whatever type; null where there is none.
    pub fn claim(&self, name: &str) -> Value {
        let members: Option<Map<String, Value>> = serde_json::from_slice(self.payload()).ok();
        members.and_then(|mut members| members.remove(name)).unwrap_or_default()
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

    /// The token, unless it has expired.
    fn of_now(self) -> Result<VerifiedToken, TokenError> {
        match self {
            Self::Valid(token) => Ok(token),
            Self::Absent | Self::Expired(_) => Err(TokenError::Expired),
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
        self.read_as(head, kind, Some(kind), self.now())
    }

    /// The same at a time that the caller has read already, and of a token that is of another kind than its
    /// cookie, or of any.
    #[inline]
    pub(crate) fn read_as(
        &self,
        head: &RequestHead<'_>,
        kind: TokenKind,
        expected: Option<TokenKind>,
        now: Timestamp,
    ) -> Result<Found, Reason> {
        let slot = match kind {
            TokenKind::Access => &self.cookies().access,
            TokenKind::Refresh => &self.cookies().refresh,
        };
        match slot.name.find(head).map_err(|_| Reason::DuplicateCookie)? {
            // Some clients keep a deleted cookie with an empty value.
            None | Some(b"") => Ok(Found::Absent),
            // Spelt out: `?` would copy the bytes that only errors have, which are not there yet.
            Some(token) => match self.judge(token, expected, now) {
                Ok(Found::Valid(token)) => Ok(Found::Valid(token)),
                Ok(found) => Ok(found),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Verifies a token of some kind, or of any. Its session, freshness and CSRF value are not looked at.
    ///
    /// The signature is checked once for each token of the cache, everything else always. Where the application
    /// chooses the key, it is asked each time, as it may choose another one by now.
    pub(crate) fn judge(&self, token: &[u8], kind: Option<TokenKind>, now: Timestamp) -> Result<Found, TokenError> {
        let known = (!self.shortcuts().asks_for_key).then_some(&self.0.verified_tokens);
        if let Some(known) = known
            && let Some((verified, still_good)) = known.find(token, now)
        {
            // An access token, found good by this very engine: of all that is judged, only time and kind can differ.
            if still_good && kind != Some(TokenKind::Refresh) {
                return Ok(Found::Valid(VerifiedToken::of(verified)));
            }
            let verdict = verified.judge(&self.expected(kind.unwrap_or(verified.kind()), now)).map(|_| ());
            if verdict == Err(TokenError::Expired) {
                known.forget(token);
            }
            return Found::of(verified, verdict);
        }
        let payload = self.verify_signature(token)?;
        let verified = Arc::new(Verified::read(payload, &self.settings().reading())?);
        let verdict = verified.judge(&self.expected(kind.unwrap_or(verified.kind()), now));
        // A refresh token comes once and lives long: not worth keeping.
        if let (Ok(validity), TokenKind::Access, Some(known)) = (verdict, verified.kind(), known) {
            known.remember(token, &verified, validity);
        }
        Found::of(verified, verdict.map(|_| ()))
    }

    /// Decodes a token from elsewhere than a request (`decode_token`).
    ///
    /// # Errors
    /// Whatever is wrong with it, its age included.
    pub fn decode<T: ExtraClaims>(&self, token: &str, kind: TokenKind) -> Result<VerifiedToken<T>, TokenError> {
        self.judge(token.as_bytes(), Some(kind), self.now())?.of_now()?.with_extra()
    }

    /// Decodes a token of any kind.
    ///
    /// # Errors
    /// Whatever is wrong with it, its age included.
    pub fn decode_any<T: ExtraClaims>(&self, token: &str) -> Result<VerifiedToken<T>, TokenError> {
        self.judge(token.as_bytes(), None, self.now())?.of_now()?.with_extra()
    }

    /// Decodes a token of any kind, which may be too old (`decode_token(allow_expired=True)`): to look at, not
    /// to let someone in.
    ///
    /// # Errors
    /// Whatever is wrong with it but its age.
    pub fn decode_allowing_expired<T: ExtraClaims>(&self, token: &str) -> Result<VerifiedToken<T>, TokenError> {
        self.judge(token.as_bytes(), None, self.now())?.any_age().ok_or(TokenError::Expired)?.with_extra()
    }

    /// The id of a good token (`get_jti`); empty where it has none, which only Flask-JWT-Extended's manner
    /// permits.
    ///
    /// # Errors
    /// As [`Self::decode_any`].
    pub fn token_id(&self, token: &str) -> Result<String, TokenError> {
        Ok(self.decode_any::<NoExtra>(token)?.claims().token_id.clone())
    }

    /// The CSRF value of a good token (`get_csrf_token`).
    ///
    /// # Errors
    /// As [`Self::decode_any`], and [`TokenError::MissingClaim`] where it has none.
    pub fn csrf_token(&self, token: &str) -> Result<String, TokenError> {
        self.decode_any::<NoExtra>(token)?.claims().csrf.clone().ok_or(TokenError::MissingClaim("csrf"))
    }

    fn expected(&self, kind: TokenKind, now: Timestamp) -> Expected<'_> {
        let settings = self.settings();
        let lifetime = match kind {
            TokenKind::Access => settings.access_lifetime,
            TokenKind::Refresh => settings.refresh_lifetime,
        };
        let mut expected = Expected::new(now, kind);
        expected.leeway = settings.leeway;
        expected.audience = (!settings.decode_audience.is_empty()).then_some(settings.decode_audience.as_slice());
        expected.insecure_any_audience = settings.flask;
        expected.issuers = &settings.decode_issuers;
        expected.allow_never_expiring = settings.flask || lifetime.duration().is_none();
        expected
    }
}
