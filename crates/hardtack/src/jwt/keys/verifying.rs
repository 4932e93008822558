//! Keys that verify tokens.

use std::fmt;
use std::sync::Arc;

use super::asymmetric::AsymmetricVerifier;
use super::hmac::HmacKey;
use super::parts::{PublicParts, bit_length};
use super::{der, pem, roca};
use crate::jwt::algorithm::Algorithm;
use crate::jwt::error::KeyError;

const EXPECTED_PEM: KeyError = KeyError::Unparsable {
    expected: "a PEM block labeled PUBLIC KEY or RSA PUBLIC KEY (get one with: openssl pkey -in key.pem -pubout, \
               or from a certificate with: openssl x509 -in cert.pem -noout -pubkey); in a setting, you can also use \
               @ and the path of such a file, as in @key.pem",
};
const EXPECTED_DER: KeyError =
    KeyError::Unparsable { expected: "a DER SubjectPublicKeyInfo (EC: with an uncompressed point) or RSAPublicKey" };

/// A public key or an HMAC secret that verifies tokens with one algorithm. Cheap to clone.
///
/// ```
/// use hardtack::{SigningKey, VerifyingKey};
/// use hardtack::jwt::Algorithm;
///
/// // With the feature `asymmetric`, this can also be Algorithm::EdDSA, for example.
/// let signing_key = SigningKey::generate(Algorithm::HS256)?.with_key_id("2026-01");
/// let key: VerifyingKey = signing_key.verifying_key();
/// assert_eq!(key.algorithm(), Algorithm::HS256);
/// assert_eq!(key.key_id(), Some("2026-01"));
/// # Ok::<(), hardtack::jwt::KeyError>(())
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    key_id: Option<Arc<str>>,
    verifier: Arc<Verifier>,
}

pub(super) enum Verifier {
    Hmac(Arc<HmacKey>),
    Public { key: AsymmetricVerifier, parts: PublicParts },
}

impl VerifyingKey {
    /// Loads an HMAC secret for HS256 (RFC 7518 §3.2).
    ///
    /// # Errors
    /// Returns one of these errors: [`KeyError::Empty`], [`TooShort`](KeyError::TooShort) (for a secret shorter than 32
    /// bytes), [`PublishedSample`](KeyError::PublishedSample), [`LowVariety`](KeyError::LowVariety),
    /// [`LooksLikePublicKey`](KeyError::LooksLikePublicKey) or [`NotTheSecret`](KeyError::NotTheSecret).
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        Self::from_secret_with(secret, Algorithm::HS256)
    }

    /// Loads an HMAC secret. It must be at least 32 bytes long for HS256, 48 for HS384, and 64 for HS512 (RFC 7518
    /// §3.2).
    ///
    /// # Errors
    /// Returns the same errors as [`from_secret`](Self::from_secret). Also returns [`KeyError::AlgorithmMismatch`] if
    /// the algorithm is not HS256, HS384 or HS512.
    pub fn from_secret_with(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let verifier = Arc::new(Verifier::Hmac(Arc::new(HmacKey::new(secret, algorithm)?)));
        Ok(Self { algorithm, key_id: None, verifier })
    }

    /// Loads a public key from a PEM block with the label `PUBLIC KEY` (RFC 7468 §13) or `RSA PUBLIC KEY`.
    ///
    /// # Errors
    /// - [`KeyError::Unparsable`]: the text is not PEM, its first block has a different label, or the key in the block
    ///   is not valid.
    /// - [`KeyError::AlgorithmMismatch`]: the key's type or curve does not match the algorithm.
    /// - [`KeyError::WeakRsa`]: the RSA key is shorter than 2048 bits.
    /// - [`KeyError::RocaRsa`]: the RSA key can be factored (ROCA).
    /// - [`KeyError::NeedsAsymmetric`]: the feature `asymmetric` is off.
    pub fn from_pem(text: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let unfit = || pem::explain(text, algorithm, EXPECTED_PEM);
        match pem::first_block(text).ok_or_else(unfit)? {
            ("PUBLIC KEY" | "RSA PUBLIC KEY", bytes) => Self::from_der(&bytes, algorithm),
            _ => Err(unfit()),
        }
    }

    /// Loads a public key in DER: a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) or an RSAPublicKey (RFC 8017 §A.1.1).
    ///
    /// # Errors
    /// The same errors as [`from_pem`](Self::from_pem).
    pub fn from_der(bytes: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        Self::from_parts(der::public_key(bytes).ok_or(EXPECTED_DER)?, algorithm)
    }

    pub(in crate::jwt) fn from_parts(parts: PublicParts, algorithm: Algorithm) -> Result<Self, KeyError> {
        let verifier = Arc::new(Verifier::from_parts(parts, algorithm)?);
        Ok(Self { algorithm, key_id: None, verifier })
    }

    pub(super) fn from_verifier(algorithm: Algorithm, key_id: Option<Arc<str>>, verifier: Arc<Verifier>) -> Self {
        Self { algorithm, key_id, verifier }
    }

    /// Sets the key's id, which can be at most 256 bytes long. In a [`KeySet`](crate::KeySet), the key verifies tokens
    /// whose `kid` equals this id, and tokens that have no `kid`.
    #[must_use]
    pub fn with_key_id(self, key_id: impl Into<String>) -> Self {
        Self { key_id: Some(key_id.into().into()), ..self }
    }

    /// Returns the id, if the key has one.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(in crate::jwt) fn public_parts(&self) -> Option<&PublicParts> {
        self.verifier.public_parts()
    }

    /// Returns whether `signature` is this key's signature for `message`.
    pub(in crate::jwt) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        match &*self.verifier {
            Verifier::Hmac(key) => key.accepts(message, signature),
            Verifier::Public { key, .. } => key.accepts(message, signature),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    /// Shows only the algorithm and the key's id, because the key may be an HMAC secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    pub(super) fn from_parts(parts: PublicParts, algorithm: Algorithm) -> Result<Self, KeyError> {
        if !parts.key_type().fits(algorithm) {
            return Err(KeyError::AlgorithmMismatch { algorithm });
        }
        if let PublicParts::Rsa { n, .. } = &parts {
            check_rsa_strength(n)?;
        }
        let key = AsymmetricVerifier::from_parts(&parts, algorithm)?;
        Ok(Self::Public { key, parts })
    }

    /// Returns the integers or coordinates that make up a public key. An HMAC secret has none.
    pub(super) fn public_parts(&self) -> Option<&PublicParts> {
        match self {
            Self::Hmac(_) => None,
            Self::Public { parts, .. } => Some(parts),
        }
    }
}

/// Refuses a modulus that has fewer than 2048 bits (RFC 7518 §3.3) or more than 8192 bits, or that can be factored
/// because of ROCA.
pub(super) fn check_rsa_strength(n: &[u8]) -> Result<(), KeyError> {
    match bit_length(n) {
        bits @ ..2048 => Err(KeyError::WeakRsa { bits }),
        2048..=8192 if roca::has_fingerprint(n) => Err(KeyError::RocaRsa),
        2048..=8192 => Ok(()),
        _ => Err(KeyError::Unparsable { expected: "an RSA key of 2048 to 8192 bits" }),
    }
}
