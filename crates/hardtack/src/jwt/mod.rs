//! JSON Web Tokens (RFC 7519): keys, signatures and claims, and nothing about cookies.
//!
//! Three steps make a token's claims good, and each is a function of its own: [`KeySet::verify`] turns a
//! token into bytes that one of our keys signed, [`Claims::from_json`] reads them strictly, and
//! [`validate`] compares them with the time and the place.
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
mod der;
mod error;
mod header;
mod json;
mod jwk;
pub mod jws;
mod keys;
mod object;
mod pem;
pub(crate) mod plain;
mod reading;
#[cfg(test)]
mod tests;
mod unverified;
mod validate;

pub use algorithm::Algorithm;
pub use claims::{Claims, ExtraClaims, Fresh, NoExtra, TokenKind};
pub use error::{ClaimError, KeyError, SignError, TokenError};
pub use jwk::{Jwk, JwkSet};
pub use jws::Payload;
pub use keys::{KeySet, SigningKey, VerifyingKey};
pub(crate) use reading::ClaimsProfile;
pub use unverified::Unverified;
pub use validate::{Expected, MAX_LEEWAY, validate};
pub(crate) use validate::{Judged, Validity, judge};

/// The longest token that is looked at, in bytes: twice what browsers let a cookie be.
pub const MAX_TOKEN_LEN: usize = 8192;
