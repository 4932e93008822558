//! The content of a token that has not been verified.

use std::fmt;

use serde_json::{Map, Value};

use super::base64url;
use super::error::TokenError;
use super::jws::Segments;

/// The header and the claims of a token that has not been verified. An attacker may have written them.
///
/// In Flask-JWT-Extended: `get_unverified_jwt_headers`.
///
/// ```
/// use hardtack::{KeySet, SigningKey};
/// use hardtack::jwt::{Algorithm, Unverified};
///
/// let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// let token = keys.sign(br#"{"tenant":"acme"}"#)?;
/// let unverified = Unverified::parse(&token)?;
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
    /// Decodes the header and the claims of a token. Does not verify the signature.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`], [`TokenError::NotCompact`], [`TokenError::BadHeader`] and
    /// [`TokenError::Malformed`].
    pub fn parse(token: &str) -> Result<Self, TokenError> {
        Self::parse_bytes(token.as_bytes())
    }

    pub(crate) fn parse_bytes(token: &[u8]) -> Result<Self, TokenError> {
        let segments = Segments::parse(token)?;
        Ok(Self {
            header: members(segments.header).ok_or(TokenError::BadHeader)?,
            claims: members(segments.payload).ok_or(TokenError::Malformed)?,
        })
    }

    /// Returns the header's members.
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// Returns the payload's members.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

fn members(segment: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(&base64url::decode(segment)?).ok()
}

impl fmt::Debug for Unverified {
    /// Shows the header only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("header", &self.header).finish_non_exhaustive()
    }
}
