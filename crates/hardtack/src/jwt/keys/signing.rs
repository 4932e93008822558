//! Keys that sign.

use std::fmt;
use std::sync::Arc;

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::asymmetric::AsymmetricSigner;
use super::hmac::{HmacKey, hmac_sha256};
use super::parts::{PrivateParts, PublicParts};
use super::verifying::{Verifier, VerifyingKey, check_rsa_strength};
use super::{der, pem};
use crate::jwt::algorithm::{Algorithm, Family, RsaPadding};
use crate::jwt::error::{KeyError, SignError};

const EXPECTED_PEM: KeyError = KeyError::Unparsable {
    expected: "an unencrypted PEM block labeled PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY (convert a key with: \
               openssl pkey -in key.pem); in a setting, you can also use @ and the path of such a file, as in @key.pem",
};

/// A private key or HMAC secret that signs tokens with one algorithm. Cheap to clone.
///
/// ```
/// use hardtack::SigningKey;
/// use hardtack::jwt::Algorithm;
///
/// # let output_of_openssl_rand: Vec<u8> = (0..64_u8).map(|i| i.wrapping_mul(151) ^ 90).collect();
/// let key = SigningKey::from_secret(&output_of_openssl_rand)?;
/// assert_eq!(key.algorithm(), Algorithm::HS256);
/// assert!(SigningKey::from_secret(b"changeme").is_err());
/// # Ok::<(), hardtack::jwt::KeyError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    key_id: Option<Arc<str>>,
    inner: Arc<Inner>,
}

struct Inner {
    algorithm: Algorithm,
    signer: Signer,
    private: PrivateParts,
    verifier: Arc<Verifier>,
}

enum Signer {
    Hmac(Arc<HmacKey>),
    Asymmetric(AsymmetricSigner),
}

impl SigningKey {
    /// Loads an HMAC secret of at least 32 bytes for HS256 (RFC 7518 §3.2).
    ///
    /// # Errors
    /// [`KeyError::Empty`], [`TooShort`](KeyError::TooShort), [`PublishedSample`](KeyError::PublishedSample),
    /// [`LowVariety`](KeyError::LowVariety), [`LooksLikePublicKey`](KeyError::LooksLikePublicKey) or
    /// [`NotTheSecret`](KeyError::NotTheSecret).
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        Self::from_secret_with(secret, Algorithm::HS256)
    }

    /// Loads an HMAC secret for HS256 (at least 32 bytes), HS384 (at least 48 bytes) or HS512 (at least 64 bytes).
    ///
    /// # Errors
    /// Returns the errors of [`from_secret`](Self::from_secret). Also returns [`KeyError::AlgorithmMismatch`] if the
    /// algorithm is not HS256, HS384 or HS512.
    pub fn from_secret_with(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let key = Arc::new(HmacKey::new(secret, algorithm)?);
        let verifier = Verifier::Hmac(key.clone());
        let private = PrivateParts::Secret(secret.to_vec().into());
        Ok(Self::from_inner(algorithm, Signer::Hmac(key), private, verifier))
    }

    /// Loads a private key from a PEM block with the label `PRIVATE KEY` (RFC 7468 §10), `RSA PRIVATE KEY` or `EC
    /// PRIVATE KEY`.
    ///
    /// # Errors
    /// - [`KeyError::Unparsable`]: the text contains no PEM block with one of these labels, or the key in the block is
    ///   not valid.
    /// - [`KeyError::NotASigningKey`]: the key is public.
    /// - [`KeyError::AlgorithmMismatch`]: the key's type or curve does not match the algorithm.
    /// - [`KeyError::WeakRsa`]: the RSA key is shorter than 2048 bits.
    /// - [`KeyError::RocaRsa`]: the RSA key can be factored (ROCA).
    /// - [`KeyError::NeedsAsymmetric`]: the feature `asymmetric` is off.
    pub fn from_pem(text: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let unfit = || pem::explain(text, algorithm, EXPECTED_PEM);
        match pem::first_block(text).ok_or_else(unfit)? {
            ("PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY", bytes) => Self::from_der(&bytes, algorithm),
            ("PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE", _) => Err(KeyError::NotASigningKey),
            _ => Err(unfit()),
        }
    }

    /// Loads a private key in DER: PKCS#8 (RFC 5208), PKCS#1 (RFC 8017 §A.1.2) or SEC 1 (RFC 5915).
    ///
    /// # Errors
    /// The same errors as [`from_pem`](Self::from_pem).
    pub fn from_der(bytes: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        if der::public_key(bytes).is_some() {
            return Err(KeyError::NotASigningKey);
        }
        if der::private_key_type(bytes).is_some_and(|found| !found.fits(algorithm)) {
            return Err(KeyError::AlgorithmMismatch { algorithm });
        }
        if algorithm.is_hmac() {
            return Err(KeyError::AlgorithmMismatch { algorithm });
        }
        if let Some([n, ..]) = der::rsa_private_numbers(bytes) {
            check_rsa_strength(n)?;
        }
        Self::from_asymmetric(algorithm, AsymmetricSigner::from_der(bytes, algorithm)?)
    }

    /// Generates a random key. RSA keys are 3072 bits long, and generating one takes about a second.
    ///
    /// # Errors
    /// Returns [`KeyError::NeedsAsymmetric`] if the algorithm is not HMAC and the feature `asymmetric` is disabled, or
    /// [`KeyError::Generation`] if the key cannot be generated.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        if !algorithm.is_hmac() {
            return Self::from_asymmetric(algorithm, AsymmetricSigner::generate(algorithm)?);
        }
        let mut secret = Zeroizing::new([0; 64]);
        SysRng.try_fill_bytes(secret.as_mut_slice()).map_err(|_| KeyError::Generation)?;
        Self::from_secret_with(secret.as_slice(), algorithm)
    }

    /// Builds the key from the numbers it consists of.
    pub(in crate::jwt) fn from_parts(
        public: &PublicParts,
        private: &PrivateParts,
        algorithm: Algorithm,
    ) -> Result<Self, KeyError> {
        if !public.key_type().fits(algorithm) {
            return Err(KeyError::AlgorithmMismatch { algorithm });
        }
        if let PublicParts::Rsa { n, .. } = public {
            check_rsa_strength(n)?;
        }
        Self::from_asymmetric(algorithm, AsymmetricSigner::from_parts(public, private, algorithm)?)
    }

    fn from_asymmetric(algorithm: Algorithm, signer: AsymmetricSigner) -> Result<Self, KeyError> {
        let (public, private) = signer.parts()?;
        let verifier = Verifier::from_parts(public, algorithm)?;
        Ok(Self::from_inner(algorithm, Signer::Asymmetric(signer), private, verifier))
    }

    fn from_inner(algorithm: Algorithm, signer: Signer, private: PrivateParts, verifier: Verifier) -> Self {
        let inner = Inner { algorithm, signer, private, verifier: Arc::new(verifier) };
        Self { key_id: None, inner: Arc::new(inner) }
    }

    /// Gives the key an id. Tokens that the key signs carry this id as `kid`. If the id is longer than 256 bytes,
    /// signing fails.
    #[must_use]
    pub fn with_key_id(self, key_id: impl Into<String>) -> Self {
        Self { key_id: Some(key_id.into().into()), ..self }
    }

    /// If the key has no id yet, gives it an id that is derived from the key itself. The derived id is the same on
    /// every server that has this key, and reveals nothing about the key.
    #[must_use]
    pub fn with_derived_id(self) -> Self {
        if self.key_id.is_some() {
            return self;
        }
        let id: String = self.derive("key id").iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.with_key_id(id)
    }

    /// Returns the key's id, if it has one.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.inner.algorithm
    }

    /// Returns the key that verifies this key's signatures. It has the same id as this key.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::from_verifier(self.algorithm(), self.key_id.clone(), self.inner.verifier.clone())
    }

    /// Returns whether signing the same bytes always gives the same signature. HMAC, Ed25519 and RSASSA-PKCS1-v1_5 are
    /// deterministic. ECDSA and RSASSA-PSS are randomized.
    pub fn is_deterministic(&self) -> bool {
        match self.algorithm().family() {
            Family::Hmac(_) | Family::Ed25519 | Family::Rsa(RsaPadding::Pkcs1, _) => true,
            Family::Ecdsa(_) | Family::Rsa(RsaPadding::Pss, _) => false,
        }
    }

    /// Derives a key for another purpose. The derived key is the HMAC-SHA256 tag of `"hardtack/"` followed by `label`.
    /// The HMAC is keyed with the private key or HMAC secret.
    ///
    /// The derived key does not depend on this key's id, and reveals nothing about this key.
    ///
    /// ```
    /// use hardtack::SigningKey;
    /// use hardtack::jwt::Algorithm;
    ///
    /// let key = SigningKey::generate(Algorithm::HS256)?;
    /// assert_eq!(key.derive("csrf"), key.derive("csrf"));
    /// assert_ne!(key.derive("csrf"), key.derive("cursor"));
    /// # Ok::<(), hardtack::jwt::KeyError>(())
    /// ```
    pub fn derive(&self, label: &str) -> [u8; 32] {
        hmac_sha256(self.inner.private.material(), &[b"hardtack/", label.as_bytes()])
    }

    pub(in crate::jwt) fn public_parts(&self) -> Option<&PublicParts> {
        self.inner.verifier.public_parts()
    }

    pub(in crate::jwt) fn private_parts(&self) -> &PrivateParts {
        &self.inner.private
    }

    /// Signs `message` and returns the signature in the format of RFC 7518 §3.
    pub(in crate::jwt) fn signature(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.inner.signer {
            Signer::Hmac(key) => Ok(key.tag(message)),
            Signer::Asymmetric(signer) => signer.signature(message),
        }
    }
}

impl fmt::Debug for SigningKey {
    /// Shows only the key's algorithm and id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.inner.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
