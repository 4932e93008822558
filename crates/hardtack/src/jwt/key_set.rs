//! The keys of an application: those that verify tokens, and the one that signs them.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::error::{KeyError, SignError, TokenError};
use super::header::{self, UnverifiedHeader};
use super::jwk::JwkSet;
use super::jws::{self, Payload, Segments};
use super::keys::{SigningKey, VerifyingKey, read_secret, read_secret_file};
use super::limits::MAX_KEY_ID_LEN;

/// The keys that verify tokens, and unless the set is [`verifying_only`](Self::verifying_only), the key that signs
/// them. Cheap to clone.
///
/// The signing key also verifies. [`retire`](Self::retire) adds keys that signed before, and
/// [`also_verify`](Self::also_verify) adds the keys that others sign with.
///
/// A token with a `kid` is verified only with the key that has this id; if no key has it, the token is refused, unless
/// [`ignore_unknown_key_ids`](Self::ignore_unknown_key_ids) is set. A token without `kid` is verified with each key of
/// its algorithm in turn. Keys never come from a token or from the network.
///
/// To rotate keys, sign with a new key that has a new id, and keep the old key with [`retire`](Self::retire) until its
/// last token has expired. [`Authenticator::replace_keys`](crate::Authenticator::replace_keys) takes the new set while
/// requests are served.
///
/// ```
/// use hardtack::{KeySet, SigningKey};
/// use hardtack::jwt::Algorithm;
///
/// let old = SigningKey::generate(Algorithm::HS256)?.with_key_id("2025");
/// let token = KeySet::new(old.clone()).sign(b"{}")?;
///
/// let new = SigningKey::generate(Algorithm::HS256)?.with_key_id("2026");
/// let keys = KeySet::new(new).retire(old)?;
/// assert_eq!(&*keys.verify(token.as_bytes())?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeySet {
    inner: Arc<Inner>,
}

struct Inner {
    signing: Option<Signing>,
    /// The verifying key of the signing key comes first.
    verifying: Vec<VerifyingKey>,
    /// Keys that signed before; their verifying keys are in `verifying`.
    retired: Vec<SigningKey>,
    /// Encoded headers that are compared byte for byte instead of being decoded and parsed, each with what
    /// [`select`](Self::select) returns for it. Almost every token has one of them.
    known_headers: Vec<(String, Selection)>,
    /// Whether a `kid` that matches no key is ignored.
    ignores_unknown_key_ids: bool,
}

struct Signing {
    key: SigningKey,
    /// The encoded header of the tokens that it signs.
    header: String,
}

/// The keys that may verify a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selection {
    /// The key at this index.
    Key(usize),
    /// All keys of this algorithm.
    Algorithm(Algorithm),
}

impl KeySet {
    /// Creates a set of one key, which signs and verifies.
    pub fn new(signing: SigningKey) -> Self {
        let verifying = vec![signing.verifying_key()];
        Self { inner: Arc::new(Inner::new(Some(signing), verifying, Vec::new(), false)) }
    }

    /// Creates a set that verifies but cannot sign, for a service that accepts the tokens of another service.
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
        Self { inner: Arc::new(Inner::new(None, vec![key], Vec::new(), false)) }
    }

    /// Creates a set of one HMAC secret for HS256.
    ///
    /// # Errors
    /// Those of [`SigningKey::from_secret`].
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        SigningKey::from_secret(secret).map(Self::new)
    }

    /// Creates a set from the HMAC secret for HS256 in an environment variable, such as `JWT_SECRET_KEY`.
    ///
    /// The bytes of the variable are the secret: they are not decoded or trimmed. To read the secret from a file
    /// ([`read_secret`](super::read_secret)), set the variable to `@` followed by the path; or instead set a variable
    /// with `_FILE` appended to its name, such as `JWT_SECRET_KEY_FILE`, to the path. To replace a secret without
    /// logging users out, put the old one into a variable with `_PREVIOUS` appended to its name, such as
    /// `JWT_SECRET_KEY_PREVIOUS` (several secrets are separated by commas). Remove it after the lifetime of a refresh
    /// token.
    ///
    /// The key's id is derived from the secret, so tokens of another application on the same host can be told apart.
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
    /// [`KeyError::EnvMissing`] and [`KeyError::EnvTwice`]; those of [`read_secret`](super::read_secret) and
    /// [`SigningKey::from_secret`], each in [`KeyError::InEnv`] with the name of the variable.
    pub fn from_secret_env(name: &str) -> Result<Self, KeyError> {
        let previous = format!("{name}_PREVIOUS");
        let secret = secret_from_env(name)?.ok_or_else(|| KeyError::EnvMissing { name: name.to_owned() })?;
        let in_env = |name: &str, cause| KeyError::InEnv { name: name.to_owned(), cause: Box::new(cause) };
        let key = SigningKey::from_secret(&secret).map_err(|cause| in_env(name, cause))?;
        let keys = Self::new(key.with_derived_id());
        match secret_from_env(&previous)? {
            Some(list) => keys.also_verify_secrets(&list, Algorithm::HS256).map_err(|cause| in_env(&previous, cause)),
            None => Ok(keys),
        }
    }

    /// Adds HMAC secrets that signed before ([`retire`](Self::retire)), from a list that is separated by commas or line
    /// breaks. Their ids are derived from them ([`SigningKey::with_derived_id`]). Secrets that the set already has are
    /// left out.
    ///
    /// # Errors
    /// Those of [`SigningKey::from_secret_with`].
    pub fn also_verify_secrets(self, list: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let secrets = list.split(|byte| matches!(byte, b',' | b'\n')).map(<[u8]>::trim_ascii);
        secrets.filter(|secret| !secret.is_empty()).try_fold(self, |keys, secret| {
            let key = SigningKey::from_secret_with(secret, algorithm)?.with_derived_id();
            if keys.verifying_keys().iter().any(|known| known.key_id() == key.key_id()) {
                return Ok(keys);
            }
            keys.retire(key)
        })
    }

    /// Adds a key that verifies, such as that of another service. For a key that this application used to sign with,
    /// call [`retire`](Self::retire).
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
        Ok(Self {
            inner: Arc::new(Inner::new(
                self.signing_key().cloned(),
                verifying,
                self.inner.retired.clone(),
                self.inner.ignores_unknown_key_ids,
            )),
        })
    }

    /// Adds a key that signed before. It verifies tokens like a key of [`also_verify`](Self::also_verify), and log-in
    /// forms that were open when it was replaced stay valid.
    ///
    /// Leave the key out of the set once the last token that it signed has expired, usually after the lifetime of a
    /// refresh token.
    ///
    /// # Errors
    /// Those of [`also_verify`](Self::also_verify).
    pub fn retire(self, key: SigningKey) -> Result<Self, KeyError> {
        let keys = self.also_verify(key.verifying_key())?;
        let Inner { verifying, ignores_unknown_key_ids, .. } = &*keys.inner;
        let retired = keys.inner.retired.iter().cloned().chain([key]).collect();
        let inner = Inner::new(keys.signing_key().cloned(), verifying.clone(), retired, *ignores_unknown_key_ids);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Ignores a `kid` that matches no key, as PyJWT does: such a token is verified with each key of its algorithm.
    /// Also lets [`sign_with_header`](Self::sign_with_header) set a `kid` if the signing key has no id.
    #[must_use]
    pub fn ignore_unknown_key_ids(self) -> Self {
        let Inner { signing, verifying, retired, .. } = &*self.inner;
        let signing = signing.as_ref().map(|signing| signing.key.clone());
        Self { inner: Arc::new(Inner::new(signing, verifying.clone(), retired.clone(), true)) }
    }

    /// Returns the key that signs, or `None` for a set that only verifies.
    pub fn signing_key(&self) -> Option<&SigningKey> {
        self.inner.signing.as_ref().map(|signing| &signing.key)
    }

    /// Returns the keys that verify: first the signing key's, then the others in the order in which they were added.
    pub fn verifying_keys(&self) -> &[VerifyingKey] {
        &self.inner.verifying
    }

    /// The keys that signed before ([`retire`](Self::retire)).
    pub(crate) fn retired_keys(&self) -> &[SigningKey] {
        &self.inner.retired
    }

    /// Returns the public keys, for publication (RFC 7517 §5). Leaves out HMAC secrets.
    pub fn to_public_jwk_set(&self) -> JwkSet {
        self.verifying_keys().iter().filter_map(VerifyingKey::to_jwk).collect()
    }

    /// Signs `payload`, which may be any bytes, and returns a compact JWS. The header is `{"alg":…,"typ":"JWT"}`, with
    /// `kid` between the two if the key has an id.
    ///
    /// # Errors
    /// [`SignError::VerifyingOnly`], [`SignError::KeyIdTooLong`], [`SignError::TooLarge`] if the token would be longer
    /// than [`MAX_TOKEN_LEN`](super::MAX_TOKEN_LEN) bytes, and [`SignError::Failed`].
    pub fn sign(&self, payload: &[u8]) -> Result<String, SignError> {
        let signing = self.inner.signing.as_ref().ok_or(SignError::VerifyingOnly)?;
        jws::sign(&signing.header, payload, &signing.key)
    }

    /// Signs `payload` with extra header members, which are written last. `extra` may replace `typ`.
    ///
    /// # Errors
    /// Those of [`sign`](Self::sign); [`SignError::TooLarge`] also for a header of more than 2048 bytes;
    /// [`SignError::ReservedHeader`] for `alg`, for `kid` (but see
    /// [`ignore_unknown_key_ids`](Self::ignore_unknown_key_ids)) and for members that [`verify`](Self::verify) refuses;
    /// and [`SignError::BadHeader`].
    pub fn sign_with_header(&self, extra: &Map<String, Value>, payload: &[u8]) -> Result<String, SignError> {
        let key = self.signing_key().ok_or(SignError::VerifyingOnly)?;
        let key_id = match (key.key_id(), extra.get("kid")) {
            (None, Some(given)) if self.inner.ignores_unknown_key_ids => {
                Some(given.as_str().ok_or(SignError::BadHeader("kid"))?)
            }
            (_, Some(_)) => return Err(SignError::ReservedHeader("kid".to_owned())),
            (own, None) => own,
        };
        let header = header::segment_with(key.algorithm(), key_id, extra)?;
        jws::sign(&header, payload, key)
    }

    /// Verifies a compact JWS and returns its payload, which may be any bytes.
    ///
    /// # Errors
    /// Before any cryptography: [`TokenError::TooLarge`] above [`MAX_TOKEN_LEN`](super::MAX_TOKEN_LEN) bytes,
    /// [`NotCompact`](TokenError::NotCompact), [`Malformed`](TokenError::Malformed),
    /// [`BadHeader`](TokenError::BadHeader), [`UnsupportedHeader`](TokenError::UnsupportedHeader),
    /// [`DuplicateMember`](TokenError::DuplicateMember), [`WrongAlgorithm`](TokenError::WrongAlgorithm) and
    /// [`UnknownKey`](TokenError::UnknownKey). Then: [`BadSignature`](TokenError::BadSignature), and
    /// [`Malformed`](TokenError::Malformed) for a payload that is not base64url.
    pub fn verify(&self, token: &[u8]) -> Result<Payload, TokenError> {
        let (segments, selection) = self.inner.split(token)?;
        match selection {
            Selection::Key(index) => segments.verify(self.inner.verifying.get(index)),
            Selection::Algorithm(algorithm) => {
                segments.verify(self.inner.verifying.iter().filter(|key| key.algorithm() == algorithm))
            }
        }
    }

    /// Returns whether a token belongs to another application: it is a well-formed JWS, and no key of this set has its
    /// `kid`. A forger can make such a token as well, so it counts as no token at all.
    pub(crate) fn is_foreign(&self, token: &[u8]) -> bool {
        if self.inner.ignores_unknown_key_ids {
            return false;
        }
        let Ok(segments) = Segments::parse(token) else { return false };
        let key_id = header::key_id_of_any(segments.header);
        let is_ours = |named: &str| self.verifying_keys().iter().any(|key| key.key_id() == Some(named));
        key_id.is_some_and(|named| !is_ours(&named)) && segments.is_well_formed()
    }
}

/// The secret in the variable `name`, or in the file that the variable `name_FILE` names.
fn secret_from_env(name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    secret_from(name, |variable| std::env::var_os(variable))
}

pub(super) fn secret_from(
    name: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let file = format!("{name}_FILE");
    let (name, secret) = match (variable(name), variable(&file)) {
        (Some(_), Some(_)) => return Err(KeyError::EnvTwice { name: name.to_owned() }),
        (None, Some(path)) => (&*file, read_secret_file(Path::new(&path))),
        (Some(value), None) => {
            let value = Zeroizing::new(value.into_encoded_bytes());
            // A secret may be any bytes. Only text can name a file.
            let secret = std::str::from_utf8(&value).map(read_secret);
            (name, secret.unwrap_or(Ok(value)))
        }
        (None, None) => return Ok(None),
    };
    secret.map(Some).map_err(|cause| KeyError::InEnv { name: name.to_owned(), cause: Box::new(cause) })
}

impl Inner {
    fn new(
        signing: Option<SigningKey>,
        verifying: Vec<VerifyingKey>,
        retired: Vec<SigningKey>,
        ignores_unknown_key_ids: bool,
    ) -> Self {
        let mut known_headers: Vec<(String, Selection)> = Vec::new();
        for (index, key) in verifying.iter().enumerate() {
            let mut add = |key_id: Option<&str>, selection| {
                for segment in header::common_segments(key.algorithm(), key_id) {
                    if !known_headers.iter().any(|(other, _)| *other == segment) {
                        known_headers.push((segment, selection));
                    }
                }
            };
            match key.key_id() {
                Some(key_id) if key_id.len() > MAX_KEY_ID_LEN => {}
                Some(key_id) => add(Some(key_id), Selection::Key(index)),
                None => add(None, Selection::Algorithm(key.algorithm())),
            }
        }
        let signing = signing.map(|key| Signing { header: header::own_segment(key.algorithm(), key.key_id()), key });
        Self { signing, verifying, retired, known_headers, ignores_unknown_key_ids }
    }

    /// Splits a token and selects the keys that may verify it.
    #[inline]
    fn split<'t>(&self, token: &'t [u8]) -> Result<(Segments<'t>, Selection), TokenError> {
        for (header, selection) in &self.known_headers {
            if let Some(segments) = Segments::parse_after(header.as_bytes(), token) {
                return Ok((segments, *selection));
            }
        }
        let segments = Segments::parse(token)?;
        let selection = self.select(&UnverifiedHeader::from_segment(segments.header)?)?;
        Ok((segments, selection))
    }

    /// Selects the keys that may verify a token with this header.
    fn select(&self, header: &UnverifiedHeader) -> Result<Selection, TokenError> {
        let is_known = |named: &&str| self.verifying.iter().any(|key| key.key_id() == Some(named));
        let named = header.key_id.as_deref().filter(|named| !self.ignores_unknown_key_ids || is_known(named));
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
    /// Shows algorithms and ids only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("signing_key", &self.signing_key())
            .field("verifying_keys", &self.verifying_keys())
            .finish()
    }
}
