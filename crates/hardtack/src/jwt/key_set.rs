//! An application's keys: one key that signs tokens, and the keys that verify them.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::error::{KeyError, SignError, TokenError};
use super::header::{self, UnverifiedHeader};
use super::jwk::JwkSet;
use super::jws::{self, Payload, Segments};
use super::keys::{SigningKey, VerifyingKey};
use super::limits::MAX_KEY_ID_LEN;
use super::typ::Typ;

/// The key that signs tokens and the keys that verify them. Cheap to clone.
///
/// The signing key also verifies tokens. [`retire`](Self::retire) adds a former signing key of this application.
/// [`also_verify`](Self::also_verify) adds the key of another service. A set created with
/// [`verifying_only`](Self::verifying_only) has no signing key.
///
/// A token with a `kid` is verified only with the key that has this id. If no key has this id, the token is refused.
/// To verify such a token anyway, call [`ignore_unknown_key_ids`](Self::ignore_unknown_key_ids). A token without a
/// `kid` is verified with each key of its algorithm in turn. Keys are never taken from a token or from the network.
///
/// To rotate keys, create a set with a new key that has a new id, and add the old key to it with
/// [`retire`](Self::retire). Pass this set to [`Authenticator::replace_keys`](crate::Authenticator::replace_keys),
/// which takes effect without a restart. Once the last token that the old key signed has expired, pass a set without
/// the old key.
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
    /// The keys that verify tokens. If there is a signing key, its verifying key comes first.
    verifying: Vec<VerifyingKey>,
    /// Former signing keys of this application. Their verifying keys are in `verifying`.
    retired: Vec<SigningKey>,
    /// Common encoded headers, each with the result that [`select`](Self::select) returns for it. Almost every token
    /// has one of these headers. They are recognized by their bytes, without being decoded and parsed.
    known_headers: Vec<(String, Selection)>,
    rules: HeaderRules,
}

/// What token headers may contain.
#[derive(Clone, Debug, Default)]
struct HeaderRules {
    /// Whether a `kid` that matches no key is ignored.
    ignores_unknown_key_ids: bool,
    typ: Typ,
}

struct Signing {
    key: SigningKey,
    /// The encoded header of the tokens that this key signs.
    header: String,
}

/// The keys that may verify a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selection {
    /// The key at this index.
    Key(usize),
    /// All keys with this algorithm.
    Algorithm(Algorithm),
}

impl KeySet {
    /// Creates a set with a single key, which both signs and verifies.
    pub fn new(signing: SigningKey) -> Self {
        let verifying = vec![signing.verifying_key()];
        Self { inner: Arc::new(Inner::new(Some(signing), verifying, Vec::new(), HeaderRules::default())) }
    }

    /// Creates a set that can verify tokens but not sign them. Use such a set in a service that accepts the tokens of
    /// another service.
    ///
    /// ```
    /// use hardtack::{KeySet, SigningKey};
    /// use hardtack::jwt::Algorithm;
    ///
    /// // With the feature `asymmetric`, this can also be Algorithm::ES256, for example.
    /// let elsewhere = SigningKey::generate(Algorithm::HS256)?;
    /// let keys = KeySet::verifying_only(elsewhere.verifying_key());
    /// assert!(keys.sign(b"{}").is_err());
    /// # Ok::<(), hardtack::jwt::KeyError>(())
    /// ```
    pub fn verifying_only(key: VerifyingKey) -> Self {
        Self { inner: Arc::new(Inner::new(None, vec![key], Vec::new(), HeaderRules::default())) }
    }

    /// Creates a set with one HMAC secret. The set signs and verifies tokens with HS256.
    ///
    /// # Errors
    /// Returns the same errors as [`SigningKey::from_secret`].
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        SigningKey::from_secret(secret).map(Self::new)
    }

    /// Adds a key that is used only to verify tokens, such as the public key of another service. For a former signing
    /// key of this application, call [`retire`](Self::retire) instead.
    ///
    /// # Errors
    /// [`KeyError::DuplicateKeyId`] or [`KeyError::KeyIdTooLong`].
    pub fn also_verify(self, key: VerifyingKey) -> Result<Self, KeyError> {
        if let Some(key_id) = key.key_id() {
            if key_id.len() > MAX_KEY_ID_LEN {
                return Err(KeyError::KeyIdTooLong);
            }
            if self.verifying_keys().iter().any(|other| other.key_id() == Some(key_id)) {
                return Err(KeyError::DuplicateKeyId { key_id: key_id.to_owned() });
            }
        }
        let Inner { verifying, retired, rules, .. } = &*self.inner;
        let verifying = verifying.iter().cloned().chain([key]).collect();
        Ok(Self { inner: Arc::new(Inner::new(self.signing_key().cloned(), verifying, retired.clone(), rules.clone())) })
    }

    /// Adds a former signing key of this application. The key still verifies tokens, as if you had added it with
    /// [`also_verify`](Self::also_verify). In addition, log-in forms that were open in browsers when the key was
    /// replaced stay valid.
    ///
    /// Once the last token that this key signed has expired, remove the key from the set. That is usually one
    /// refresh-token lifetime after you replaced the key.
    ///
    /// # Errors
    /// Returns the same errors as [`also_verify`](Self::also_verify).
    pub fn retire(self, key: SigningKey) -> Result<Self, KeyError> {
        let keys = self.also_verify(key.verifying_key())?;
        let Inner { verifying, retired, rules, .. } = &*keys.inner;
        let retired = retired.iter().cloned().chain([key]).collect();
        let inner = Inner::new(keys.signing_key().cloned(), verifying.clone(), retired, rules.clone());
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Ignores a `kid` that matches no key, as PyJWT does, and verifies the token with each key of its algorithm. After
    /// this call, [`sign_with_header`](Self::sign_with_header) also accepts a `kid` if the signing key has no id.
    #[must_use]
    pub fn ignore_unknown_key_ids(self) -> Self {
        let rules = HeaderRules { ignores_unknown_key_ids: true, ..self.inner.rules.clone() };
        self.with_rules(rules)
    }

    /// Writes `typ` instead of `JWT` into the header of tokens, and refuses tokens whose `typ` is missing or different.
    /// The comparison ignores case and the prefix `application/` (RFC 7515 §4.1.9). Use a different `typ` for each
    /// purpose, so that a token that was signed for one purpose cannot be used for another (RFC 8725 §3.11).
    ///
    /// By default, the key set writes `JWT` as the `typ`, and accepts tokens whose `typ` is `JWT` or missing.
    ///
    /// If you change the `typ` of an application that is already in use, the application refuses all tokens that it has
    /// issued so far, so all users must log in again.
    ///
    /// ```
    /// use hardtack::{KeySet, SigningKey};
    /// use hardtack::jwt::{Algorithm, TokenError};
    ///
    /// let key = SigningKey::generate(Algorithm::HS256)?;
    /// let (plain, typed) = (KeySet::new(key.clone()), KeySet::new(key).require_typ("shop+jwt")?);
    /// assert!(typed.verify(typed.sign(b"{}")?.as_bytes()).is_ok());
    /// assert_eq!(typed.verify(plain.sign(b"{}")?.as_bytes()), Err(TokenError::WrongTyp));
    /// assert_eq!(plain.verify(typed.sign(b"{}")?.as_bytes()), Err(TokenError::WrongTyp));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`KeyError::BadTyp`] if `typ` is empty, is longer than 64 characters, or contains a character that is
    /// not allowed in a media type. The prefix `application/` is not required.
    pub fn require_typ(self, typ: &str) -> Result<Self, KeyError> {
        let rules = HeaderRules { typ: Typ::required(typ)?, ..self.inner.rules.clone() };
        Ok(self.with_rules(rules))
    }

    /// Accepts tokens with any `typ`, as PyJWT does. If another service shares the key, the set then also accepts
    /// tokens that the other service signed for a different purpose. If [`require_typ`](Self::require_typ) was called,
    /// this method has no effect.
    #[must_use]
    pub fn insecure_any_typ(self) -> Self {
        let rules = self.inner.rules.clone();
        match rules.typ {
            Typ::Required(_) => self,
            Typ::Usual | Typ::Any => self.with_rules(HeaderRules { typ: Typ::Any, ..rules }),
        }
    }

    fn with_rules(self, rules: HeaderRules) -> Self {
        let Inner { verifying, retired, .. } = &*self.inner;
        Self { inner: Arc::new(Inner::new(self.signing_key().cloned(), verifying.clone(), retired.clone(), rules)) }
    }

    /// Returns the signing key, or `None` for a set that only verifies.
    pub fn signing_key(&self) -> Option<&SigningKey> {
        self.inner.signing.as_ref().map(|signing| &signing.key)
    }

    /// Returns the keys that verify tokens. The signing key's verifying key comes first, followed by the other keys in
    /// the order in which they were added.
    pub fn verifying_keys(&self) -> &[VerifyingKey] {
        &self.inner.verifying
    }

    /// The keys that were added with [`retire`](Self::retire).
    pub(crate) fn retired_keys(&self) -> &[SigningKey] {
        &self.inner.retired
    }

    /// Returns the public keys as a JWK Set, which you can publish (RFC 7517 §5). Leaves out HMAC secrets.
    pub fn to_public_jwk_set(&self) -> JwkSet {
        self.verifying_keys().iter().filter_map(VerifyingKey::to_jwk).collect()
    }

    /// Signs `payload`, which may be any bytes, and returns a compact JWS. The header is `{"alg":…,"typ":"JWT"}`. If
    /// the key has an id, `kid` comes between these two members. [`require_typ`](Self::require_typ) sets a different
    /// `typ`.
    ///
    /// # Errors
    /// - [`SignError::VerifyingOnly`]: the set has no signing key.
    /// - [`SignError::KeyIdTooLong`]: the signing key's id is longer than 256 bytes.
    /// - [`SignError::TooLarge`]: the token would be longer than [`MAX_TOKEN_LEN`](super::MAX_TOKEN_LEN) bytes.
    /// - [`SignError::Failed`]: the cryptographic library failed.
    pub fn sign(&self, payload: &[u8]) -> Result<String, SignError> {
        let signing = self.inner.signing.as_ref().ok_or(SignError::VerifyingOnly)?;
        jws::sign(&signing.header, payload, &signing.key)
    }

    /// Signs `payload` like [`sign`](Self::sign), and appends the members of `extra` to the header. A `typ` in `extra`
    /// replaces the usual `typ`, and must be one that [`verify`](Self::verify) accepts.
    ///
    /// # Errors
    /// - The same errors as [`sign`](Self::sign).
    /// - [`SignError::TooLarge`]: the header would be longer than 2048 bytes.
    /// - [`SignError::ReservedHeader`]: `extra` contains `alg` or `kid`, or a `typ` or another member that
    ///   [`verify`](Self::verify) refuses. If the signing key has no id, you can call
    ///   [`ignore_unknown_key_ids`](Self::ignore_unknown_key_ids) to allow `kid`.
    /// - [`SignError::BadHeader`]: `typ` or `kid` is not a string.
    pub fn sign_with_header(&self, extra: &Map<String, Value>, payload: &[u8]) -> Result<String, SignError> {
        let key = self.signing_key().ok_or(SignError::VerifyingOnly)?;
        let key_id = match (key.key_id(), extra.get("kid")) {
            (None, Some(given)) if self.inner.rules.ignores_unknown_key_ids => {
                Some(given.as_str().ok_or(SignError::BadHeader("kid"))?)
            }
            (_, Some(_)) => return Err(SignError::ReservedHeader("kid".to_owned())),
            (own, None) => own,
        };
        let header = header::segment_with(key.algorithm(), key_id, &self.inner.rules.typ, extra)?;
        jws::sign(&header, payload, key)
    }

    /// Verifies a compact JWS and returns its payload, which may be any bytes.
    ///
    /// # Errors
    /// Before verifying the signature, returns [`TokenError::TooLarge`] if the token is longer than
    /// [`MAX_TOKEN_LEN`](super::MAX_TOKEN_LEN) bytes or its header is too long. Other errors at this stage are
    /// [`NotCompact`](TokenError::NotCompact), [`Malformed`](TokenError::Malformed),
    /// [`BadHeader`](TokenError::BadHeader), [`UnsupportedHeader`](TokenError::UnsupportedHeader),
    /// [`DuplicateMember`](TokenError::DuplicateMember), [`WrongTyp`](TokenError::WrongTyp),
    /// [`WrongAlgorithm`](TokenError::WrongAlgorithm) and [`UnknownKey`](TokenError::UnknownKey).
    ///
    /// Returns [`BadSignature`](TokenError::BadSignature) if the signature is wrong. Returns
    /// [`Malformed`](TokenError::Malformed) if the signature is right, but the payload is not base64url.
    pub fn verify(&self, token: &[u8]) -> Result<Payload, TokenError> {
        let (segments, selection) = self.inner.split(token)?;
        match selection {
            Selection::Key(index) => segments.verify(self.inner.verifying.get(index)),
            Selection::Algorithm(algorithm) => {
                segments.verify(self.inner.verifying.iter().filter(|key| key.algorithm().signs_like(algorithm)))
            }
        }
    }

    /// Verifies a compact JWS like [`verify`](Self::verify), but with `key` instead of the set's keys.
    ///
    /// If the key has an id and the header has a `kid`, the two must be equal. If the key has no id, `kid` is ignored.
    pub(crate) fn verify_with(&self, token: &[u8], key: &VerifyingKey) -> Result<Payload, TokenError> {
        jws::verify_with_key(token, key, &self.inner.rules.typ)
    }

    /// Returns whether a token seems to belong to another application: it is a well-formed JWS with a `kid` that no key
    /// of this set has. Because an attacker can create such a token too, the caller must treat the request as if it had
    /// no token.
    pub(crate) fn is_foreign(&self, token: &[u8]) -> bool {
        if self.inner.rules.ignores_unknown_key_ids {
            return false;
        }
        let Ok(segments) = Segments::parse(token) else { return false };
        let key_id = header::key_id_of_any(segments.header);
        let is_ours = |named: &str| self.verifying_keys().iter().any(|key| key.key_id() == Some(named));
        key_id.is_some_and(|named| !is_ours(&named)) && segments.is_well_formed()
    }
}

impl Inner {
    fn new(
        signing: Option<SigningKey>,
        verifying: Vec<VerifyingKey>,
        retired: Vec<SigningKey>,
        rules: HeaderRules,
    ) -> Self {
        let mut known_headers: Vec<(String, Selection)> = Vec::new();
        for (index, key) in verifying.iter().enumerate() {
            let mut add = |key_id: Option<&str>, selection| {
                for segment in header::common_segments(key.algorithm(), key_id, &rules.typ) {
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
        let signing = signing.map(|key| {
            let header = header::own_segment(key.algorithm(), key.key_id(), &rules.typ);
            Signing { key, header }
        });
        Self { signing, verifying, retired, known_headers, rules }
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
        if !self.rules.typ.accepts(header.typ.as_deref()) {
            return Err(TokenError::WrongTyp);
        }
        let is_known = |named: &&str| self.verifying.iter().any(|key| key.key_id() == Some(named));
        let named = header.key_id.as_deref().filter(|named| !self.rules.ignores_unknown_key_ids || is_known(named));
        let Some(named) = named else {
            let fits = self.verifying.iter().any(|key| key.algorithm().signs_like(header.algorithm));
            return fits.then_some(Selection::Algorithm(header.algorithm)).ok_or(TokenError::WrongAlgorithm);
        };
        let mut keys = self.verifying.iter().enumerate();
        let (index, key) = keys.find(|(_, key)| key.key_id() == Some(named)).ok_or(TokenError::UnknownKey)?;
        if !key.algorithm().signs_like(header.algorithm) {
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
