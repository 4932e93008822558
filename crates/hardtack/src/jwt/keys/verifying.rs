//! Keys that verify.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};

use super::PublicParts;
use super::parts::{bit_length, point};
use super::secret::HmacKey;
use crate::jwt::{Algorithm, Jwk, KeyError, der, pem};

const EXPECTED_PEM: KeyError = KeyError::Unparsable {
    expected: "a PEM block PUBLIC KEY or RSA PUBLIC KEY; get one with: openssl pkey -in key.pem -pubout, \
               or from a certificate with: openssl x509 -in cert.pem -noout -pubkey",
};
const EXPECTED_DER: KeyError =
    KeyError::Unparsable { expected: "a DER SubjectPublicKeyInfo or RSAPublicKey, its point uncompressed" };
const EXPECTED_PARTS: KeyError = KeyError::Unparsable { expected: "a valid public key; its numbers make no key" };

/// A key that verifies tokens, and the one algorithm that it does that with. Cheap to clone.
///
/// ```
/// use hardtack::{SigningKey, VerifyingKey};
/// use hardtack::jwt::Algorithm;
///
/// let jwk = SigningKey::generate(Algorithm::EdDSA)?.with_key_id("2026-01").verifying_key().to_jwk();
/// let json = jwk.and_then(|jwk| jwk.to_public_json()).unwrap();
/// let key = VerifyingKey::from_jwk(&json)?;
/// assert_eq!(key.algorithm(), Algorithm::EdDSA);
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
    Public { key: ParsedPublicKey, parts: PublicParts },
}

impl VerifyingKey {
    /// An HMAC secret for HS256 (RFC 7518 §3.2).
    ///
    /// # Errors
    /// [`KeyError`] if the secret is empty, shorter than 32 bytes, published, a pattern, or a public key.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        Self::from_secret_with(secret, Algorithm::HS256)
    }

    /// An HMAC secret for HS256 (32 bytes), HS384 (48 bytes) or HS512 (64 bytes or more).
    ///
    /// # Errors
    /// As [`from_secret`](Self::from_secret).
    pub fn from_secret_with(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let verifier = Arc::new(Verifier::Hmac(Arc::new(HmacKey::new(secret, algorithm)?)));
        Ok(Self { algorithm, key_id: None, verifier })
    }

    /// A public key in PEM (RFC 7468 §13): `PUBLIC KEY`, or `RSA PUBLIC KEY`.
    ///
    /// # Errors
    /// [`KeyError`] if it isn't one, is one for another algorithm, or is RSA of fewer than 2048 bits.
    pub fn from_pem(text: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        match pem::first_block(text).ok_or(EXPECTED_PEM)? {
            ("PUBLIC KEY" | "RSA PUBLIC KEY", bytes) => Self::from_der(&bytes, algorithm),
            _ => Err(EXPECTED_PEM),
        }
    }

    /// A public key in DER: a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) or an RSAPublicKey (RFC 8017 §A.1.1).
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(bytes: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        Self::from_parts(der::public_key(bytes).ok_or(EXPECTED_DER)?, algorithm)
    }

    /// A JWK (RFC 7517 §4), with its `alg` and `kid`. Private members are ignored.
    ///
    /// # Errors
    /// [`KeyError`] if it isn't a key for a signature, or names no algorithm where several fit.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        Jwk::parse(json)?.verifying_key()
    }

    pub(in crate::jwt) fn from_parts(parts: PublicParts, algorithm: Algorithm) -> Result<Self, KeyError> {
        let verifier = Arc::new(Verifier::from_parts(parts, algorithm)?);
        Ok(Self { algorithm, key_id: None, verifier })
    }

    pub(super) fn from_verifier(algorithm: Algorithm, key_id: Option<Arc<str>>, verifier: Arc<Verifier>) -> Self {
        Self { algorithm, key_id, verifier }
    }

    /// The same key under an id, the `kid` of the tokens that it verifies: at most 256 bytes.
    #[must_use]
    pub fn with_key_id(self, key_id: impl Into<String>) -> Self {
        Self { key_id: Some(key_id.into().into()), ..self }
    }

    /// The id.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key as a JWK; `None` for an HMAC secret, which has no public form.
    pub fn to_jwk(&self) -> Option<Jwk> {
        match &*self.verifier {
            Verifier::Hmac(_) => None,
            Verifier::Public { parts, .. } => Some(Jwk::of(Some(parts.clone()), None, self.algorithm, self.key_id())),
        }
    }

    /// Whether `signature` is this key's, over `message`.
    pub(in crate::jwt) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        match &*self.verifier {
            Verifier::Hmac(key) => key.accepts(message, signature),
            Verifier::Public { key, .. } => key.verify_sig(message, signature).is_ok(),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    /// The algorithm and the id only: the key may be an HMAC secret.
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
        let key = match &parts {
            PublicParts::Rsa { n, e } => parse_rsa(n, e, algorithm)?,
            PublicParts::Ec { curve, x, y } => {
                let scheme = match algorithm {
                    Algorithm::ES256 => &signature::ECDSA_P256_SHA256_FIXED,
                    Algorithm::ES384 => &signature::ECDSA_P384_SHA384_FIXED,
                    _ => &signature::ECDSA_P521_SHA512_FIXED,
                };
                if x.len() != curve.len() || y.len() != curve.len() {
                    return Err(EXPECTED_PARTS);
                }
                ParsedPublicKey::new(scheme, point(x, y)).map_err(|_| EXPECTED_PARTS)?
            }
            PublicParts::Ed25519 { x } if x.len() == 32 => {
                ParsedPublicKey::new(&signature::ED25519, x).map_err(|_| EXPECTED_PARTS)?
            }
            PublicParts::Ed25519 { .. } => return Err(EXPECTED_PARTS),
        };
        Ok(Self::Public { key, parts })
    }
}

fn parse_rsa(n: &[u8], e: &[u8], algorithm: Algorithm) -> Result<ParsedPublicKey, KeyError> {
    let scheme: &'static RsaParameters = match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        _ => &signature::RSA_PSS_2048_8192_SHA512,
    };
    check_rsa_strength(n)?;
    let built = RsaPublicKeyComponents { n, e }.to_parsed_public_key(scheme).map_err(|_| EXPECTED_PARTS)?;
    // Built from its numbers, a key isn't checked; parsed from DER, it is (odd n, odd e > 1, sizes).
    ParsedPublicKey::new(scheme, built).map_err(|_| EXPECTED_PARTS)
}

/// RFC 7518 §3.3: 2048 bits or more.
pub(super) fn check_rsa_strength(n: &[u8]) -> Result<(), KeyError> {
    match bit_length(n) {
        bits @ ..2048 => Err(KeyError::WeakRsa { bits }),
        2048..=8192 => Ok(()),
        _ => Err(KeyError::Unparsable { expected: "an RSA key of 2048 to 8192 bits" }),
    }
}
