//! Conversions between JWKs and keys.

use super::{Jwk, Usage};
use crate::jwt::algorithm::Algorithm;
use crate::jwt::error::KeyError;
use crate::jwt::keys::{SigningKey, VerifyingKey};

impl SigningKey {
    /// Loads a JWK that contains a private key or an HMAC secret (RFC 7517 §4). The JWK's `alg` becomes the key's
    /// algorithm, and its `kid` becomes the key's id. A private RSA key must include its primes (RFC 7518 §6.3.2).
    ///
    /// # Errors
    /// Returns the same errors as [`Jwk::parse`] and [`Jwk::signing_key`].
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        Jwk::parse(json)?.signing_key()
    }

    /// Returns the key as a JWK, including the private members. Anyone who has this JWK can sign tokens.
    pub fn dangerous_to_private_jwk_json(&self) -> String {
        let jwk = Jwk {
            public: self.public_parts().cloned(),
            private: Some(self.private_parts().clone()),
            ..Jwk::without_parts(self.algorithm(), self.key_id())
        };
        jwk.dangerous_to_private_json()
    }
}

impl VerifyingKey {
    /// Loads a JWK that contains a public key, a private key or an HMAC secret (RFC 7517 §4). The JWK's `alg` becomes
    /// the key's algorithm, and its `kid` becomes the key's id. The private members of an asymmetric key are not used.
    ///
    /// # Errors
    /// Returns the same errors as [`Jwk::parse`] and [`Jwk::verifying_key`].
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        Jwk::parse(json)?.verifying_key()
    }

    /// Returns the key as a JWK, or `None` for an HMAC secret, which has no public form.
    pub fn to_jwk(&self) -> Option<Jwk> {
        let public = self.public_parts()?.clone();
        Some(Jwk { public: Some(public), ..Jwk::without_parts(self.algorithm(), self.key_id()) })
    }
}

impl Jwk {
    /// Creates a JWK for both signing and verifying. The JWK contains no key material yet.
    fn without_parts(algorithm: Algorithm, key_id: Option<&str>) -> Self {
        let usage = Usage { sign: true, verify: true };
        Self { key_id: key_id.map(str::to_owned), algorithm: Some(algorithm), usage, public: None, private: None }
    }
}
