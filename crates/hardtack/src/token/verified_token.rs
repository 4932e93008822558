//! The proof that a token was verified.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::payload::VerifiedPayload;
use crate::clock::Timestamp;
use crate::jwt::{Claims, ExtraClaims, NoExtra, TokenError, TokenKind};
use crate::session::SessionId;
use crate::token_source::TokenLocation;

/// A verified token: its signature, times, kind and session were checked.
///
/// Only the authenticator creates one, so having one is the proof. Clones share the claims. `T` is the type of the
/// application's own claims.
#[derive(Clone)]
pub struct VerifiedToken<T = NoExtra> {
    payload: Arc<VerifiedPayload>,
    extra: T,
    location: Option<TokenLocation>,
}

impl VerifiedToken<NoExtra> {
    pub(crate) fn new(claims: Claims, payload: Vec<u8>) -> Self {
        Self::from_payload(Arc::new(VerifiedPayload::issued(claims, payload)))
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
    /// [`TokenError::BadClaim`] with `extra` if a claim that `T` requires is missing or has another type.
    pub fn with_extra<T: ExtraClaims>(self) -> Result<VerifiedToken<T>, TokenError> {
        let extra = T::from_payload(self.payload.payload())?;
        Ok(VerifiedToken { payload: self.payload, extra, location: self.location })
    }
}

impl<T> VerifiedToken<T> {
    /// The user that the token belongs to. Flask-JWT-Extended calls this `get_jwt_identity`.
    pub fn subject(&self) -> &str {
        self.payload.subject()
    }

    /// The claims. The application's own are in [`extra`](Self::extra). Flask-JWT-Extended calls this `get_jwt`.
    pub fn claims(&self) -> &Claims {
        self.payload.claims()
    }

    /// The application's own claims.
    pub fn extra(&self) -> &T {
        &self.extra
    }

    /// The CSRF value, for the hidden field of a form. Empty if the token has none.
    pub fn csrf_token(&self) -> &str {
        self.payload.csrf().unwrap_or_default()
    }

    /// The session that the token belongs to, or `None` if it has none.
    pub fn session(&self) -> Option<SessionId> {
        self.payload.session().map(SessionId::from_u128)
    }

    /// Whether the user authenticated recently, at `now`. A token from a refresh is not fresh.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.payload.fresh().is_fresh_at(now)
    }

    pub(crate) fn kind(&self) -> TokenKind {
        self.payload.kind()
    }

    /// `iat` and `exp`, or `None` for a token that never expires.
    pub(crate) fn life(&self) -> Option<[Timestamp; 2]> {
        self.payload.life()
    }

    /// Where the token was found in the request, or `None` if it does not come from a request. Flask-JWT-Extended calls
    /// this `get_jwt_request_location`.
    pub fn location(&self) -> Option<TokenLocation> {
        self.location
    }

    /// Returns the claim of this name, or [`Value::Null`] if the token has none.
    pub fn claim(&self, name: &str) -> Value {
        let members: Option<Map<String, Value>> = serde_json::from_slice(self.payload()).ok();
        members.and_then(|mut members| members.remove(name)).unwrap_or_default()
    }

    /// The payload as it was signed: the claims as JSON.
    pub fn payload(&self) -> &[u8] {
        self.payload.payload()
    }
}

impl<T> fmt::Debug for VerifiedToken<T> {
    /// Shows the kind and the session only: the CSRF value is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("kind", &self.payload.kind())
            .field("session", &self.session())
            .finish_non_exhaustive()
    }
}
