//! The keys of an application: one that signs, and all that verify.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{SigningKey, VerifyingKey};
use crate::jwt::{
    Algorithm, JwkSet, KeyError, SignError, TokenError,
    header::{self, MAX_KEY_ID_LEN, UnverifiedHeader},
    jws::{self, Payload, Segments},
};

/// One key that signs, and the keys that verify: it and the retired ones. Cheap to clone.
///
/// A token with a `kid` is verified by the key of that id only; one without, by each key of its
/// algorithm in turn. No key ever comes from a token or from a network.
///
/// Rotation: sign with a new key under a new id, and keep the old one to verify with until its last
/// token has expired.
///
/// ```
/// use hardtack::{KeySet, SigningKey};
/// use hardtack::jwt::Algorithm;
///
/// let old = SigningKey::generate(Algorithm::HS256)?.with_key_id("2025");
/// let token = KeySet::new(old.clone()).sign(b"{}")?;
///
/// let new = SigningKey::generate(Algorithm::HS256)?.with_key_id("2026");
/// let keys = KeySet::new(new).also_verify(old.verifying_key())?;
/// assert_eq!(&*keys.verify(token.as_bytes())?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeySet {
    inner: Arc<Inner>,
}

struct Inner {
    signing: Option<Signing>,
    /// The signing key's counterpart first.
    verifying: Vec<VerifyingKey>,
    /// Headers that are matched byte for byte instead of being parsed. Each stands for exactly what
    /// [`select`](Self::select) finds for it.
    known: Vec<(String, Selection)>,
    /// Whether a `kid` that no key has is as good as none.
    any_key_id: bool,
}

struct Signing {
    key: SigningKey,
    /// The header of what it signs.
    header: String,
}

/// Which keys may verify a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selection {
    /// The key at this index.
    Key(usize),
    /// All keys of this algorithm.
    Algorithm(Algorithm),
}

impl KeySet {
    /// A set of one key.
    pub fn new(signing: SigningKey) -> Self {
        let verifying = vec![signing.verifying_key()];
        Self { inner: Arc::new(Inner::new(Some(signing), verifying, false)) }
    }

    /// A set that verifies and never signs: for a service that takes the tokens of another one.
    ///
    /// ```
    /// use hardtack::{KeySet, SigningKey};
    /// use hardtack::jwt::Algorithm;
    ///
    /// let elsewhere = SigningKey::generate(Algorithm::ES256)?;
    /// let keys = KeySet::verifying_only(elsewhere.verifying_key());
    /// assert!(keys.sign(b"{}").is_err());
    /// # Ok::<(), hardtack::jwt::KeyError>(())
    /// ```
    pub fn verifying_only(key: VerifyingKey) -> Self {
        Self { inner: Arc::new(Inner::new(None, vec![key], false)) }
    }

    /// A set of one HMAC secret, for HS256.
    ///
    /// # Errors
    /// As [`SigningKey::from_secret`].
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        SigningKey::from_secret(secret).map(Self::new)
    }

    /// A set of the HMAC secret in an environment variable, for HS256. The variable's bytes are the
    /// secret: nothing is decoded or trimmed.
    ///
    /// ```
    /// use hardtack::KeySet;
    ///
    /// match KeySet::from_secret_env("JWT_SECRET_KEY") {
    ///     Ok(keys) => println!("{keys:?}"),
    ///     // "… set it to the output of: openssl rand -base64 48"
    ///     Err(refused) => println!("{refused}"),
    /// }
    /// ```
    ///
    /// # Errors
    /// [`KeyError::EnvMissing`], and as [`SigningKey::from_secret`].
    pub fn from_secret_env(name: &str) -> Result<Self, KeyError> {
        let value = std::env::var_os(name).ok_or_else(|| KeyError::EnvMissing { name: name.to_owned() })?;
        let value = zeroize::Zeroizing::new(value.into_encoded_bytes());
        Self::from_secret(&value)
    }

    /// The set with one more key that verifies, such as a retired one.
    ///
    /// # Errors
    /// [`KeyError::DuplicateKeyId`] and [`KeyError::KeyIdTooLong`].
    pub fn also_verify(self, key: VerifyingKey) -> Result<Self, KeyError> {
        if let Some(key_id) = key.key_id() {
            if key_id.len() > MAX_KEY_ID_LEN {
                return Err(KeyError::KeyIdTooLong);
            }
            if self.verifying_keys().iter().any(|other| other.key_id() == Some(key_id)) {
                return Err(KeyError::DuplicateKeyId { key_id: key_id.to_owned() });
            }
        }
        let mut verifying = self.inner.verifying.clone();
        verifying.push(key);
        Ok(Self { inner: Arc::new(Inner::new(self.signing_key().cloned(), verifying, self.inner.any_key_id)) })
    }

    /// The set, to which a `kid` that none of its keys has says as little as none at all: PyJWT's manner, where
    /// one key without an id serves tokens of any. Such a token is verified by each key of its algorithm, and
    /// [`sign_with_header`](Self::sign_with_header) takes a `kid` for a key that has no id.
    #[must_use]
    pub fn take_any_key_id(self) -> Self {
        let Inner { signing, verifying, .. } = &*self.inner;
        let signing = signing.as_ref().map(|signing| signing.key.clone());
        Self { inner: Arc::new(Inner::new(signing, verifying.clone(), true)) }
    }

    /// The key that signs; none in a set that verifies only.
    pub fn signing_key(&self) -> Option<&SigningKey> {
        self.inner.signing.as_ref().map(|signing| &signing.key)
    }

    /// The keys that verify: the signing key's counterpart first, then in the order they were added.
    pub fn verifying_keys(&self) -> &[VerifyingKey] {
        &self.inner.verifying
    }

    /// The public keys, to be published (RFC 7517 §5). HMAC secrets are left out.
    pub fn to_public_jwk_set(&self) -> JwkSet {
        self.verifying_keys().iter().filter_map(VerifyingKey::to_jwk).collect()
    }

    /// Signs `payload` into a compact JWS. The header is `{"alg":…,"typ":"JWT"}`, with the key's `kid`
    /// between the two if it has one.
    ///
    /// # Errors
    /// [`SignError::TooLarge`] if the token would be longer than
    /// [`MAX_TOKEN_LEN`](crate::jwt::MAX_TOKEN_LEN) bytes; [`SignError::KeyIdTooLong`]; [`SignError::VerifyingOnly`].
    pub fn sign(&self, payload: &[u8]) -> Result<String, SignError> {
        let signing = self.inner.signing.as_ref().ok_or(SignError::VerifyingOnly)?;
        jws::sign_under(&signing.header, payload, &signing.key)
    }

    /// Signs `payload` under a header with further members, which come last. `typ` may be replaced.
    ///
    /// # Errors
    /// As [`sign`](Self::sign), and [`SignError::ReservedHeader`] for `alg`, `kid` (but see
    /// [`take_any_key_id`](Self::take_any_key_id)), and whatever [`verify`](Self::verify) refuses.
    pub fn sign_with_header(&self, extra: &Map<String, Value>, payload: &[u8]) -> Result<String, SignError> {
        let key = self.signing_key().ok_or(SignError::VerifyingOnly)?;
        let key_id = match (key.key_id(), extra.get("kid")) {
            (None, Some(given)) if self.inner.any_key_id => Some(given.as_str().ok_or(SignError::BadHeader("kid"))?),
            (_, Some(_)) => return Err(SignError::ReservedHeader("kid".to_owned())),
            (own, None) => own,
        };
        let header = header::segment_with(key.algorithm(), key_id, extra)?;
        jws::sign_under(&header, payload, key)
    }

    /// Verifies a compact JWS and returns its payload, which may be any bytes.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`] above [`MAX_TOKEN_LEN`](crate::jwt::MAX_TOKEN_LEN) bytes, before anything
    /// is read; [`NotCompact`](TokenError::NotCompact), [`Malformed`](TokenError::Malformed),
    /// [`BadHeader`](TokenError::BadHeader), [`UnsupportedHeader`](TokenError::UnsupportedHeader),
    /// [`DuplicateMember`](TokenError::DuplicateMember), [`WrongAlgorithm`](TokenError::WrongAlgorithm) and
    /// [`UnknownKey`](TokenError::UnknownKey) before any cryptography; and
    /// [`BadSignature`](TokenError::BadSignature).
    pub fn verify(&self, token: &[u8]) -> Result<Payload, TokenError> {
        let (segments, selection) = self.inner.cut(token)?;
        match selection {
            Selection::Key(index) => segments.verify(self.inner.verifying.get(index)),
            Selection::Algorithm(algorithm) => {
                segments.verify(self.inner.verifying.iter().filter(|key| key.algorithm() == algorithm))
            }
        }
    }
}

impl Inner {
    fn new(signing: Option<SigningKey>, verifying: Vec<VerifyingKey>, any_key_id: bool) -> Self {
        let mut known: Vec<(String, Selection)> = Vec::new();
        for (index, key) in verifying.iter().enumerate() {
            let mut add = |key_id: Option<&str>, selection| {
                for segment in header::usual_segments(key.algorithm(), key_id) {
                    if !known.iter().any(|(other, _)| *other == segment) {
                        known.push((segment, selection));
                    }
                }
            };
            match key.key_id() {
                Some(key_id) if key_id.len() > MAX_KEY_ID_LEN => {}
                Some(key_id) => add(Some(key_id), Selection::Key(index)),
                None => add(None, Selection::Algorithm(key.algorithm())),
            }
        }
        let signing = signing.map(|key| Signing { header: header::minted_segment(key.algorithm(), key.key_id()), key });
        Self { signing, verifying, known, any_key_id }
    }

    /// A token's segments, and the keys that its header stands for.
    #[inline]
    fn cut<'t>(&self, token: &'t [u8]) -> Result<(Segments<'t>, Selection), TokenError> {
        for (known, selection) in &self.known {
            if let Some(segments) = Segments::under(known.as_bytes(), token) {
                return Ok((segments, *selection));
            }
        }
        let segments = Segments::of(token)?;
        let selection = self.select(&UnverifiedHeader::from_segment(segments.header)?)?;
        Ok((segments, selection))
    }

    fn select(&self, header: &UnverifiedHeader) -> Result<Selection, TokenError> {
        let is_known = |named: &&str| self.verifying.iter().any(|key| key.key_id() == Some(named));
        let named = header.key_id.as_deref().filter(|named| !self.any_key_id || is_known(named));
        let Some(named) = named else {
            let fits = self.verifying.iter().any(|key| key.algorithm() == header.algorithm);
            return fits.then_some(Selection::Algorithm(header.algorithm)).ok_or(TokenError::WrongAlgorithm);
        };
        let mut keys = self.verifying.iter().enumerate();
        let (index, key) = keys.find(|(_, key)| key.key_id() == Some(named)).ok_or(TokenError::UnknownKey)?;
        if key.algorithm() != header.algorithm {
            return Err(TokenError::WrongAlgorithm);
        }
        Ok(Selection::Key(index))
    }
}

impl fmt::Debug for KeySet {
    /// Algorithms and ids only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("signing_key", &self.signing_key())
            .field("verifying_keys", &self.verifying_keys())
            .finish()
    }
}
