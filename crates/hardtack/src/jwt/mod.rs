//! JSON Web Tokens (RFC 7519): keys, signatures and claims, without cookies.
//!
//! A token is checked in three steps:
//!
//! 1. [`KeySet::verify`] verifies the signature and returns the payload.
//! 2. [`Claims::from_json`] parses the payload. It refuses malformed claims.
//! 3. [`validate`] checks the claims against the current time and the expected kind, audience and issuer.
//!
//! ```
//! use hardtack::clock::Timestamp;
//! use hardtack::{KeySet, SigningKey};
//! use hardtack::jwt::{Algorithm, Claims, Expected, TokenKind, validate};
//!
//! let now = Timestamp::from_unix_seconds(1_700_000_000);
//! let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
//!
//! let mut claims = Claims::new("alice", "a1b2c3", TokenKind::Access, now);
//! claims.expires_at = Some(now + std::time::Duration::from_secs(900));
//! let token = keys.sign(&claims.to_json(&serde_json::Map::new())?)?;
//!
//! let payload = keys.verify(token.as_bytes())?;
//! let claims = Claims::from_json(&payload)?;
//! validate(&claims, &Expected::new(now, TokenKind::Access))?;
//! assert_eq!(claims.subject, "alice");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod base64url;
mod claims;
mod env_secrets;
mod error;
mod header;
mod hex;
mod json;
mod jwk;
mod jws;
mod key_set;
mod keys;
mod limits;
// Most of these tests use keys for every algorithm.
#[cfg(test)]
#[cfg(feature = "asymmetric")]
mod tests;
mod typ;
mod unverified;
mod validate;

pub use algorithm::{Algorithm, ParseAlgorithmError};
pub use claims::{ClaimFlaw, Claims, ExtraClaims, Fresh, NoExtra, TokenKind};
pub use error::{ClaimError, KeyError, SignError, TokenError};
pub use jwk::{Jwk, JwkSet};
pub use jws::Payload;
pub use key_set::KeySet;
pub use keys::{SigningKey, VerifyingKey, read_secret};
pub use limits::MAX_TOKEN_LEN;
pub use unverified::Unverified;
pub use validate::{Expected, validate};

pub(crate) use claims::{ClaimsProfile, FastClaims};
pub(crate) use hex::decode as decode_hex;
pub(crate) use json::unique_members::{Json, read_object};
pub(crate) use jws::open_jws;
#[cfg(all(test, feature = "asymmetric"))]
pub(crate) use jws::sign_bytes;
#[cfg(any(test, feature = "testing"))]
pub(crate) use jws::sign_jws;
pub(crate) use keys::{SUPPORTS_ASYMMETRIC, hmac_sha256};
pub(crate) use typ::is_typ;
