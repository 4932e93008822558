//! JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2) and sets of them.

mod keys;
mod read;
mod set;
mod write;

use std::fmt;

use super::algorithm::Algorithm;
use super::error::KeyError;
use super::keys::{KeyType, PrivateParts, PublicParts, SigningKey, VerifyingKey};

pub use set::JwkSet;

/// The error for text that is not a JWK.
const EXPECTED: KeyError = KeyError::Unparsable {
    expected: "a JWK (RFC 7517): one JSON object whose \"kty\" is oct, RSA, EC (P-256, P-384 or P-521) or OKP \
               (Ed25519), with each member of this key type exactly once, in base64url; if there is a member key_ops, \
               it must contain each operation only once",
};

/// A JSON Web Key (RFC 7517 §4): a public key, a private key or an HMAC secret.
///
/// ```
/// use hardtack::jwt::Jwk;
///
/// let jwk = Jwk::parse(
///     r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )?;
/// assert_eq!(jwk.thumbprint().as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
/// # Ok::<(), hardtack::jwt::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Jwk {
    key_id: Option<String>,
    algorithm: Option<Algorithm>,
    usage: Usage,
    public: Option<PublicParts>,
    private: Option<PrivateParts>,
}

/// What `use` and `key_ops` allow (RFC 7517 §4.2, §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    sign: bool,
    verify: bool,
}

impl Jwk {
    /// Returns the key id, `kid`.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the algorithm that `alg` names. If there is no `alg`, returns the algorithm of the key's curve, which is
    /// [`Algorithm::EdDSA`] for Ed25519. Returns `None` for an RSA key or an HMAC secret without `alg`.
    pub fn algorithm(&self) -> Option<Algorithm> {
        let implied = match self.public.as_ref().map(PublicParts::key_type) {
            Some(KeyType::Ec(curve)) => Some(curve.algorithm()),
            Some(KeyType::Ed25519) => Some(Algorithm::EdDSA),
            Some(KeyType::Rsa) | None => None,
        };
        self.algorithm.or(implied)
    }

    /// Sets the algorithm of a key that has no `alg` and can be used with several algorithms. A JWK may omit `alg` (RFC
    /// 7517 §4.4). Without `alg`, an RSA key or an HMAC secret can be used with several algorithms, and an Ed25519 key
    /// can be used as either `EdDSA` or `Ed25519`. Other keys keep their algorithm.
    #[must_use]
    pub fn or_algorithm(mut self, algorithm: Algorithm) -> Self {
        let only = self.algorithm().filter(|implied| !implied.signs_like(algorithm));
        self.algorithm = self.algorithm.or(only).or(Some(algorithm));
        self
    }

    /// Returns whether the key can sign, that is, whether it has private members or is an HMAC secret.
    pub fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// Returns the verifying key. Its id is `kid`.
    ///
    /// # Errors
    /// Returns [`KeyError::WrongUse`], [`KeyError::NoAlgorithm`], or one of the errors of [`VerifyingKey::from_der`]
    /// and [`VerifyingKey::from_secret_with`].
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        if !self.usage.verify {
            return Err(KeyError::WrongUse);
        }
        let algorithm = self.algorithm().ok_or(KeyError::NoAlgorithm)?;
        let key = match (&self.public, &self.private) {
            (Some(public), _) => VerifyingKey::from_parts(public.clone(), algorithm)?,
            (None, Some(PrivateParts::Secret(secret))) => VerifyingKey::from_secret_with(secret, algorithm)?,
            (None, _) => return Err(EXPECTED),
        };
        Ok(match &self.key_id {
            Some(key_id) => key.with_key_id(key_id),
            None => key,
        })
    }

    /// Returns the signing key. Its id is `kid`.
    ///
    /// # Errors
    /// Returns the errors of [`verifying_key`](Self::verifying_key). For a public key, returns
    /// [`KeyError::NotASigningKey`].
    pub fn signing_key(&self) -> Result<SigningKey, KeyError> {
        if !self.usage.sign {
            return Err(KeyError::WrongUse);
        }
        let algorithm = self.algorithm().ok_or(KeyError::NoAlgorithm)?;
        let key = match (&self.public, &self.private) {
            (Some(public), Some(private)) => SigningKey::from_parts(public, private, algorithm)?,
            (None, Some(PrivateParts::Secret(secret))) => SigningKey::from_secret_with(secret, algorithm)?,
            _ => return Err(KeyError::NotASigningKey),
        };
        Ok(match &self.key_id {
            Some(key_id) => key.with_key_id(key_id),
            None => key,
        })
    }
}

impl fmt::Debug for Jwk {
    /// Shows only the key's algorithm and id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
