//! What a token says of itself, before anything is proven.

use serde_json::{Map, Value};

use super::jws::Segments;
use super::{TokenError, base64url};

/// A token's header and claims, unverified (`get_unverified_jwt_headers`): anybody may have written them.
///
/// ```
/// use hardtack::SigningKey;
/// use hardtack::jwt::{Algorithm, Unverified, jws};
///
/// let key = SigningKey::generate(Algorithm::HS256)?;
/// let token = jws::sign_with_key(br#"{"tenant":"acme"}"#, &key)?;
/// let unverified = Unverified::of(&token)?;
/// assert_eq!(unverified.header()["alg"], "HS256");
/// assert_eq!(unverified.claims()["tenant"], "acme");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Unverified {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Unverified {
    /// Reads a token's first two segments.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`], [`TokenError::NotCompact`], [`TokenError::BadHeader`] or
    /// [`TokenError::Malformed`].
    pub fn of(token: &str) -> Result<Self, TokenError> {
        Self::of_bytes(token.as_bytes())
    }

    pub(crate) fn of_bytes(token: &[u8]) -> Result<Self, TokenError> {
        let segments = Segments::of(token)?;
        Ok(Self {
            header: members(segments.header).ok_or(TokenError::BadHeader)?,
            claims: members(segments.payload).ok_or(TokenError::Malformed)?,
        })
    }

    /// The header's members.
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// The payload's members.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

fn members(segment: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(&base64url::decode(segment)?).ok()
}

/// Without the claims.
impl std::fmt::Debug for Unverified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unverified").field("header", &self.header).finish_non_exhaustive()
    }
}
