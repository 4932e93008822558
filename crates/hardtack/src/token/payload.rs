//! The payload of a token whose signature was verified.

use std::sync::OnceLock;

use crate::clock::Timestamp;
use crate::jwt::{Claims, ClaimsProfile, Expected, FastClaims, Fresh, TokenError, TokenKind, Validity};

/// A verified payload and its claims.
pub(crate) struct VerifiedPayload(Form);

enum Form {
    /// The common form: strings stay in the payload until [`Claims`] are asked for.
    Fast { payload: String, claims: FastClaims, owned: OnceLock<Box<Claims>> },
    /// Every other form, and the payload of a token that was just issued.
    Owned { payload: Vec<u8>, claims: Box<Claims> },
}

impl VerifiedPayload {
    /// Reads the payload of a token whose signature was verified.
    ///
    /// # Errors
    /// Those of [`Claims::from_json`].
    #[inline]
    pub(crate) fn read(mut payload: Vec<u8>, profile: &ClaimsProfile<'_>) -> Result<Self, TokenError> {
        if profile.is_strict() {
            payload = match String::from_utf8(payload) {
                Ok(text) => match FastClaims::read(&text) {
                    Some(claims) => return Ok(Self(Form::Fast { payload: text, claims, owned: OnceLock::new() })),
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
        Self(Form::Owned { payload, claims: Box::new(claims) })
    }

    /// Verifies everything but the signature, and returns how long the result stays the same.
    #[inline]
    pub(crate) fn verify_claims(&self, expected: &Expected<'_>) -> Result<Validity, TokenError> {
        match &self.0 {
            Form::Fast { payload, claims, .. } => claims.registered(payload).validate(expected),
            Form::Owned { claims, .. } => claims.registered().validate(expected),
        }
    }

    pub(crate) fn claims(&self) -> &Claims {
        match &self.0 {
            Form::Fast { payload, claims, owned } => owned.get_or_init(|| Box::new(claims.to_claims(payload))),
            Form::Owned { claims, .. } => claims,
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        match &self.0 {
            Form::Fast { payload, .. } => payload.as_bytes(),
            Form::Owned { payload, .. } => payload,
        }
    }

    pub(crate) fn subject(&self) -> &str {
        match &self.0 {
            Form::Fast { payload, claims, .. } => claims.subject.of(payload),
            Form::Owned { claims, .. } => &claims.subject,
        }
    }

    pub(crate) fn csrf(&self) -> Option<&str> {
        match &self.0 {
            Form::Fast { payload, claims, .. } => claims.csrf.map(|span| span.of(payload)),
            Form::Owned { claims, .. } => claims.csrf.as_deref(),
        }
    }

    pub(crate) fn kind(&self) -> TokenKind {
        match &self.0 {
            Form::Fast { claims, .. } => claims.kind,
            Form::Owned { claims, .. } => claims.kind,
        }
    }

    pub(crate) fn fresh(&self) -> Fresh {
        match &self.0 {
            Form::Fast { claims, .. } => claims.fresh,
            Form::Owned { claims, .. } => claims.fresh,
        }
    }

    /// `iat` and `exp`, or `None` for a token that never expires.
    pub(crate) fn life(&self) -> Option<[Timestamp; 2]> {
        let (issued_at, expires_at) = match &self.0 {
            Form::Fast { claims, .. } => (claims.issued_at, claims.expires_at),
            Form::Owned { claims, .. } => (claims.issued_at, claims.expires_at),
        };
        Some([issued_at, expires_at?])
    }

    pub(crate) fn session(&self) -> Option<u128> {
        match &self.0 {
            Form::Fast { claims, .. } => claims.session(),
            Form::Owned { claims, .. } => claims.session,
        }
    }

    /// The most bytes of text that this can hold: the payload, and the same again in [`Claims`].
    pub(crate) fn text_len(&self) -> usize {
        let payload = match &self.0 {
            Form::Owned { payload, .. } => payload.capacity(),
            Form::Fast { payload, .. } => payload.capacity(),
        };
        // Each name of an audience is a `String` of its own. It may take as little as three bytes of the payload.
        let names = match &self.0 {
            Form::Owned { claims, .. } => claims.audience.len(),
            Form::Fast { .. } => 1,
        };
        payload * 2 + names * size_of::<String>()
    }
}
