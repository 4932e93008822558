//! The proof that a request is authenticated.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::payload::VerifiedPayload;
use crate::clock::Timestamp;
use crate::jwt::{Claims, ExtraClaims, NoExtra, TokenError, TokenKind};
use crate::session::SessionId;
use crate::token_source::TokenLocation;

/// A token whose signature, times, kind and session were checked. Only the authenticator makes one: holding
/// it is the proof. Clones share the claims.
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

    /// Reads the application's own claims from the same payload.
    ///
    /// # Errors
    /// A claim that `T` needs and the token has not, or in another type.
    pub fn with_extra<T: ExtraClaims>(self) -> Result<VerifiedToken<T>, TokenError> {
        let extra = T::from_payload(self.payload.payload())?;
        Ok(VerifiedToken { payload: self.payload, extra, location: self.location })
    }
}

impl<T> VerifiedToken<T> {
    /// Whose token it is (`get_jwt_identity`).
    pub fn subject(&self) -> &str {
        self.payload.subject()
    }

    /// The claims (`get_jwt`); the application's own are in [`extra`](Self::extra).
    pub fn claims(&self) -> &Claims {
        self.payload.claims()
    }

    /// The application's own claims.
    pub fn extra(&self) -> &T {
        &self.extra
    }

    /// The value for a form's hidden field; empty where the token carries none.
    pub fn csrf_token(&self) -> &str {
        self.payload.csrf().unwrap_or_default()
    }

    /// The session it belongs to.
    pub fn session(&self) -> Option<SessionId> {
        self.payload.session().map(SessionId::from_u128)
    }

    /// Whether it came of a log-in rather than a refresh, at `now`.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.payload.fresh().is_fresh_at(now)
    }

    pub(crate) fn kind(&self) -> TokenKind {
        self.payload.kind()
    }

    /// From when to when it is good; none for one that never expires.
    pub(crate) fn life(&self) -> Option<[Timestamp; 2]> {
        self.payload.life()
    }

    /// Where the request carried it (`get_jwt_request_location`); none for a token from elsewhere.
    pub fn location(&self) -> Option<TokenLocation> {
        self.location
    }

    /// A claim by its name, of whatever type; null where there is none.
    pub fn claim(&self, name: &str) -> Value {
        let members: Option<Map<String, Value>> = serde_json::from_slice(self.payload()).ok();
        members.and_then(|mut members| members.remove(name)).unwrap_or_default()
    }

    /// The claims as they were signed, in JSON.
    pub fn payload(&self) -> &[u8] {
        self.payload.payload()
    }
}

/// Without the claims: the CSRF value is among them.
impl<T> fmt::Debug for VerifiedToken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("kind", &self.payload.kind())
            .field("session", &self.session())
            .finish_non_exhaustive()
    }
}
