//! A device's public key.

use std::fmt;

use crate::jwt::{Algorithm, Jwk, KeyError, VerifyingKey};

/// A device's public key, for ES256 or RS256.
///
/// A store keeps the key as text: a JWK (RFC 7517) of at most 2 KiB. See
/// [`Session::bound_key`](crate::session::Session::bound_key).
#[derive(Clone)]
pub struct DeviceKey(VerifyingKey);

impl DeviceKey {
    /// The algorithms that browsers support.
    const ALGORITHMS: [Algorithm; 2] = [Algorithm::ES256, Algorithm::RS256];

    /// Reads a key from the text that [`Self::to_text`] returned.
    ///
    /// # Errors
    /// The text is not the JWK of an ES256 or RS256 public key, or the key is weak.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(text)?;
        let algorithm = jwk.algorithm().ok_or(KeyError::NoAlgorithm)?;
        Self::from_jwk(jwk, algorithm)
    }

    /// Creates a key from a JWK, for use with `algorithm`.
    pub(super) fn from_jwk(jwk: Jwk, algorithm: Algorithm) -> Result<Self, KeyError> {
        if jwk.is_private() {
            return Err(KeyError::Unparsable { expected: "a public key; a device never sends its private key" });
        }
        let mismatch = KeyError::AlgorithmMismatch { algorithm };
        let jwk = jwk.or_algorithm(algorithm);
        if !Self::ALGORITHMS.contains(&algorithm) || jwk.algorithm() != Some(algorithm) {
            return Err(mismatch);
        }
        jwk.verifying_key().map(Self)
    }

    /// Returns the text to store.
    pub fn to_text(&self) -> String {
        self.0.to_jwk().and_then(|jwk| jwk.to_public_json()).unwrap_or_default()
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    pub(super) fn verifying_key(&self) -> &VerifyingKey {
        &self.0
    }
}

impl fmt::Debug for DeviceKey {
    /// Shows the algorithm only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.0.algorithm())
    }
}
