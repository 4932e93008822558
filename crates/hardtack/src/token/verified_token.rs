//! The proof that a token was verified, and the payload that was signed.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::csrf::CsrfToken;
use crate::jwt::{Claims, ClaimsProfile, Expected, ExtraClaims, FastClaims, Fresh, NoExtra, TokenError, TokenKind};
use crate::session::SessionId;
use crate::token_source::{InRole, Role, TokenLocation};

/// A token whose signature has been verified. If the token comes from a request, its times, kind and session have been
/// checked as well, unless the route's [`Need`](crate::Need) leaves out a check.
///
/// Only the authenticator creates values of this type, so a value proves that the token has been verified. Clones share
/// the claims. `T` is the type of the application's own claims.
#[derive(Clone)]
pub struct VerifiedToken<T = NoExtra> {
    payload: Arc<VerifiedPayload>,
    extra: T,
    location: Option<TokenLocation>,
}

impl VerifiedToken<NoExtra> {
    /// Creates the value for a newly issued token.
    pub(crate) fn new(claims: Claims, payload: Vec<u8>, reading: Reading) -> Self {
        Self::from_payload(Arc::new(VerifiedPayload::issued(claims, payload).read_with(reading)))
    }

    pub(crate) fn from_payload(payload: Arc<VerifiedPayload>) -> Self {
        Self { payload, extra: NoExtra, location: None }
    }

    pub(crate) fn found_in(self, location: TokenLocation) -> Self {
        Self { location: Some(location), ..self }
    }

    /// Reads the application's own claims from the payload.
    ///
    /// # Errors
    /// Returns [`TokenError::BadClaim`] for `extra` if a claim that `T` requires is missing or has the wrong type.
    pub fn with_extra<T: ExtraClaims>(self) -> Result<VerifiedToken<T>, TokenError> {
        let extra = T::from_payload(self.payload.payload())?;
        Ok(self.carrying(extra))
    }

    /// Adds the application's own claims, which the caller has read from the token's payload.
    #[inline]
    pub(crate) fn carrying<T>(self, extra: T) -> VerifiedToken<T> {
        VerifiedToken { payload: self.payload, extra, location: self.location }
    }
}

impl<T> VerifiedToken<T> {
    /// Returns the same token without the application's own claims.
    pub fn without_extra(self) -> VerifiedToken {
        VerifiedToken { payload: self.payload, extra: NoExtra, location: self.location }
    }

    /// Returns the id of the user that the token belongs to.
    ///
    /// In Flask-JWT-Extended: `get_jwt_identity`.
    pub fn subject(&self) -> &str {
        self.payload.subject()
    }

    /// Returns the registered claims and Hardtack's own claims, which are the fields of [`Claims`]. The application's
    /// own claims are in [`extra`](Self::extra).
    ///
    /// In Flask-JWT-Extended: `get_jwt`.
    pub fn claims(&self) -> &Claims {
        self.payload.claims()
    }

    /// Returns the application's own claims.
    pub fn extra(&self) -> &T {
        &self.extra
    }

    /// Returns the CSRF value to embed in a page, in a hidden form field or wherever a script can read it. Returns an
    /// empty string if the token has no CSRF value.
    ///
    /// By default, the value is masked, so that it looks different each time ([why](CsrfToken)). The unmasked value is
    /// in [`Claims::csrf`](crate::jwt::Claims::csrf) and in the cookie that scripts can read. Requests can send the
    /// masked or the unmasked value.
    ///
    /// ```
    /// # fn form(token: &hardtack::VerifiedToken) -> String {
    /// format!("<input type='hidden' name='csrf_token' value='{}'>", token.csrf_token())
    /// # }
    /// ```
    pub fn csrf_token(&self) -> CsrfToken {
        let value = self.csrf_value().unwrap_or_default();
        if self.payload.reading.masks_csrf { CsrfToken::masked(value) } else { CsrfToken::raw(value) }
    }

    /// Returns the CSRF value that the values in requests are compared with.
    pub(crate) fn csrf_value(&self) -> Option<&str> {
        self.payload.csrf()
    }

    /// Returns the session that the token belongs to. Returns `None` if the token belongs to no session.
    pub fn session(&self) -> Option<SessionId> {
        self.payload.session().map(SessionId::from_u128)
    }

    /// Returns whether the token has the role `R`, for example to decide whether a page shows a link. To admit only
    /// users with the role, use the adapter's extractor `HasRole<R>` instead, which also refreshes an outdated token.
    pub fn has_role<R: Role>(&self) -> bool {
        InRole::<R>::from_payload(self.payload()).is_ok()
    }

    /// Returns whether the token is fresh at `now`, that is, whether the user entered the password recently enough. Set
    /// the limit for all log-ins with
    /// [`AuthenticatorBuilder::fresh_lifetime`](crate::AuthenticatorBuilder::fresh_lifetime), or for one log-in with
    /// [`LogIn::freshness`](crate::LogIn::freshness). A token from a refresh is never fresh.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.payload.is_fresh(now)
    }

    pub(crate) fn kind(&self) -> TokenKind {
        self.payload.kind()
    }

    /// Verifies the token's kind, issuer, audience and times again.
    pub(crate) fn verify_claims(&self, expected: &Expected<'_>) -> Result<(), TokenError> {
        self.payload.verify_claims(expected).map(drop)
    }

    /// Returns `iat` and `exp`. Returns `None` if the token never expires.
    pub(crate) fn life(&self) -> Option<[Timestamp; 2]> {
        self.payload.life()
    }

    /// Returns where the token was found in the request. Returns `None` if the token does not come from a request.
    ///
    /// In Flask-JWT-Extended: `get_jwt_request_location`.
    pub fn location(&self) -> Option<TokenLocation> {
        self.location
    }

    /// Returns the claim with this name, or [`Value::Null`] if the token has no such claim.
    pub fn claim(&self, name: &str) -> Value {
        let members: Option<Map<String, Value>> = serde_json::from_slice(self.payload()).ok();
        members.and_then(|mut members| members.remove(name)).unwrap_or_default()
    }

    /// Returns the payload as it was signed: the claims as JSON.
    pub fn payload(&self) -> &[u8] {
        self.payload.payload()
    }
}

impl<T> fmt::Debug for VerifiedToken<T> {
    /// Shows only the kind and the session, because the CSRF value is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("kind", &self.payload.kind())
            .field("session", &self.session())
            .finish_non_exhaustive()
    }
}

/// A verified payload and its claims.
pub(crate) struct VerifiedPayload {
    form: Form,
    reading: Reading,
}

/// How the claims of a verified token are interpreted. The authenticator's settings determine this value.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// Whether [`VerifiedToken::csrf_token`] masks the CSRF value.
    pub(crate) masks_csrf: bool,
    /// How long a token with `fresh: true` stays fresh after the user has authenticated. With `None`, the token stays
    /// fresh as long as it is valid.
    pub(crate) fresh_lifetime: Option<Duration>,
}

enum Form {
    /// The form for most tokens. The strings stay in the payload until the claims are first read. They are then copied
    /// into [`Claims`].
    Fast { payload: String, claims: FastClaims, owned: OnceLock<Box<Claims>> },
    /// The form for all other tokens, and for tokens that were just issued.
    Owned { payload: Vec<u8>, claims: Box<Claims> },
}

impl VerifiedPayload {
    /// Reads the payload of a token whose signature was verified.
    ///
    /// # Errors
    /// Returns the same errors as [`Claims::from_json`].
    #[inline]
    pub(crate) fn read(mut payload: Vec<u8>, profile: &ClaimsProfile<'_>) -> Result<Self, TokenError> {
        if profile.is_strict() {
            payload = match String::from_utf8(payload) {
                Ok(text) => match FastClaims::read(&text) {
                    Some(claims) => return Ok(Self::of(Form::Fast { payload: text, claims, owned: OnceLock::new() })),
                    None => text.into_bytes(),
                },
                Err(error) => error.into_bytes(),
            };
        }
        let claims = profile.read(&payload)?;
        Ok(Self::issued(claims, payload))
    }

    /// Wraps the payload of a token that was just issued.
    pub(crate) fn issued(claims: Claims, payload: Vec<u8>) -> Self {
        Self::of(Form::Owned { payload, claims: Box::new(claims) })
    }

    fn of(form: Form) -> Self {
        // Start with the strictest settings. The authenticator then sets its own.
        Self { form, reading: Reading { masks_csrf: true, fresh_lifetime: Some(Duration::ZERO) } }
    }

    /// Sets how the claims are interpreted.
    pub(crate) fn read_with(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// Verifies the token's kind, issuer, audience and times. Returns the period in which the token is accepted.
    #[inline]
    pub(crate) fn verify_claims(&self, expected: &Expected<'_>) -> Result<Range<Timestamp>, TokenError> {
        match &self.form {
            Form::Fast { payload, claims, .. } => claims.registered(payload).validate(expected),
            Form::Owned { claims, .. } => claims.registered().validate(expected),
        }
    }

    pub(crate) fn claims(&self) -> &Claims {
        match &self.form {
            Form::Fast { payload, claims, owned } => owned.get_or_init(|| Box::new(claims.to_claims(payload))),
            Form::Owned { claims, .. } => claims,
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        match &self.form {
            Form::Fast { payload, .. } => payload.as_bytes(),
            Form::Owned { payload, .. } => payload,
        }
    }

    pub(crate) fn subject(&self) -> &str {
        match &self.form {
            Form::Fast { payload, claims, .. } => claims.subject.of(payload),
            Form::Owned { claims, .. } => &claims.subject,
        }
    }

    pub(crate) fn csrf(&self) -> Option<&str> {
        match &self.form {
            Form::Fast { payload, claims, .. } => claims.csrf.map(|span| span.of(payload)),
            Form::Owned { claims, .. } => claims.csrf.as_deref(),
        }
    }

    pub(crate) fn kind(&self) -> TokenKind {
        match &self.form {
            Form::Fast { claims, .. } => claims.kind,
            Form::Owned { claims, .. } => claims.kind,
        }
    }

    /// Returns whether the user has authenticated recently enough (ASVS 5.0 V7.5.1). If `auth_time` is later than
    /// `iat`, `iat` is used instead. An `iat` in the future prolongs freshness by at most the clock skew, because a
    /// token with a later `iat` is refused.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        let (fresh, issued_at, auth_time) = match &self.form {
            Form::Fast { claims, .. } => (claims.fresh, claims.issued_at, claims.auth_time),
            Form::Owned { claims, .. } => (claims.fresh, claims.issued_at, claims.auth_time),
        };
        match (fresh, self.reading.fresh_lifetime) {
            (Fresh::Yes, Some(span)) => now <= auth_time.map_or(issued_at, |at| at.min(issued_at)) + span,
            (fresh, _) => fresh.is_fresh_at(now),
        }
    }

    /// Returns `iat` and `exp`. Returns `None` if the token never expires.
    pub(crate) fn life(&self) -> Option<[Timestamp; 2]> {
        let (issued_at, expires_at) = match &self.form {
            Form::Fast { claims, .. } => (claims.issued_at, claims.expires_at),
            Form::Owned { claims, .. } => (claims.issued_at, claims.expires_at),
        };
        Some([issued_at, expires_at?])
    }

    pub(crate) fn session(&self) -> Option<u128> {
        match &self.form {
            Form::Fast { claims, .. } => claims.session(),
            Form::Owned { claims, .. } => claims.session,
        }
    }

    /// Returns the maximum size of this value's text, in bytes. The payload is counted twice, because [`Claims`] might
    /// contain copies of its strings.
    pub(crate) fn text_len(&self) -> usize {
        let payload = match &self.form {
            Form::Owned { payload, .. } => payload.capacity(),
            Form::Fast { payload, .. } => payload.capacity(),
        };
        // Each name in an audience is a separate `String`, even if the name takes only three bytes of the payload.
        let names = match &self.form {
            Form::Owned { claims, .. } => claims.audience.len(),
            Form::Fast { .. } => 1,
        };
        payload * 2 + names * size_of::<String>()
    }
}
