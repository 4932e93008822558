//! The payload of a token whose signature is good.

use std::sync::OnceLock;

use crate::clock::Timestamp;
use crate::jwt::{
    Claims, ClaimsProfile, Expected, Fresh, Judged, TokenError, TokenKind, Validity, judge,
    plain::{self, PlainClaims},
};

/// A verified payload with its claims.
pub(crate) struct VerifiedPayload(Form);

enum Form {
    /// The usual one: texts stay in the payload until somebody asks for [`Claims`].
    Plain { payload: String, claims: PlainClaims, owned: OnceLock<Box<Claims>> },
    /// Any other spelling, and what was just issued.
    Full { payload: Vec<u8>, claims: Box<Claims> },
}

impl VerifiedPayload {
    /// Reads a payload whose signature is good.
    #[inline]
    pub(crate) fn read(payload: Vec<u8>, reading: &ClaimsProfile<'_>) -> Result<Self, TokenError> {
        if !reading.is_strict() {
            return Ok(Self::issued(reading.read(&payload)?, payload));
        }
        let payload = match String::from_utf8(payload) {
            Ok(text) => match plain::read(&text) {
                Some(claims) => return Ok(Self(Form::Plain { payload: text, claims, owned: OnceLock::new() })),
                None => text.into_bytes(),
            },
            Err(error) => error.into_bytes(),
        };
        let claims = Box::new(Claims::from_json_strictly(&payload)?);
        Ok(Self(Form::Full { payload, claims }))
    }

    pub(crate) fn issued(claims: Claims, payload: Vec<u8>) -> Self {
        Self(Form::Full { payload, claims: Box::new(claims) })
    }

    /// Everything but the signature. From when to when it holds, if nothing but the time changes.
    #[inline]
    pub(crate) fn verify_claims(&self, expected: &Expected<'_>) -> Result<Validity, TokenError> {
        match &self.0 {
            Form::Full { claims, .. } => judge(claims, expected),
            Form::Plain { payload, claims, .. } => Judged {
                kind: claims.kind,
                issuer: claims.issuer.map(|span| span.of(payload)),
                audience: claims.audience.map(|span| span.of(payload)),
                not_before: claims.not_before,
                issued_at: claims.issued_at,
                expires_at: claims.expires_at,
            }
            .against(expected),
        }
    }

    pub(crate) fn claims(&self) -> &Claims {
        match &self.0 {
            Form::Full { claims, .. } => claims,
            Form::Plain { payload, claims, owned } => owned.get_or_init(|| Box::new(claims.to_claims(payload))),
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        match &self.0 {
            Form::Full { payload, .. } => payload,
            Form::Plain { payload, .. } => payload.as_bytes(),
        }
    }

    pub(crate) fn subject(&self) -> &str {
        match &self.0 {
            Form::Full { claims, .. } => &claims.subject,
            Form::Plain { payload, claims, .. } => claims.subject.of(payload),
        }
    }

    pub(crate) fn csrf(&self) -> Option<&str> {
        match &self.0 {
            Form::Full { claims, .. } => claims.csrf.as_deref(),
            Form::Plain { payload, claims, .. } => claims.csrf.map(|span| span.of(payload)),
        }
    }

    pub(crate) fn kind(&self) -> TokenKind {
        match &self.0 {
            Form::Full { claims, .. } => claims.kind,
            Form::Plain { claims, .. } => claims.kind,
        }
    }

    pub(crate) fn fresh(&self) -> Fresh {
        match &self.0 {
            Form::Full { claims, .. } => claims.fresh,
            Form::Plain { claims, .. } => claims.fresh,
        }
    }

    pub(crate) fn life(&self) -> Option<[Timestamp; 2]> {
        let (issued_at, expires_at) = match &self.0 {
            Form::Full { claims, .. } => (claims.issued_at, claims.expires_at),
            Form::Plain { claims, .. } => (claims.issued_at, claims.expires_at),
        };
        Some([issued_at, expires_at?])
    }

    pub(crate) fn session(&self) -> Option<u128> {
        match &self.0 {
            Form::Full { claims, .. } => claims.session,
            Form::Plain { claims, .. } => claims.session(),
        }
    }

    /// The most bytes of texts that this can come to hold: the payload, and the same again in [`Claims`].
    pub(crate) fn text_len(&self) -> usize {
        let payload = match &self.0 {
            Form::Full { payload, .. } => payload.capacity(),
            Form::Plain { payload, .. } => payload.capacity(),
        };
        // Each name of an audience is a text of its own, of three bytes in the payload or more.
        let names = match &self.0 {
            Form::Full { claims, .. } => claims.audience.len(),
            Form::Plain { .. } => 1,
        };
        payload * 2 + names * size_of::<String>()
    }
}
