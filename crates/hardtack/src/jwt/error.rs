//! Why a token or a key is refused.

use std::fmt;

use super::Algorithm;

/// Why a token is refused.
///
/// `Display` is for logs and holds no part of the token; [`code`](Self::code) is stable.
///
/// ```
/// use hardtack::{KeySet, SigningKey};
/// use hardtack::jwt::{Algorithm, TokenError};
///
/// let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
/// let refusal = keys.verify(b"not.a-token").unwrap_err();
/// assert_eq!(refusal, TokenError::NotCompact);
/// assert_eq!(refusal.code(), "not_compact");
/// # Ok::<(), hardtack::jwt::KeyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_LEN`](super::MAX_TOKEN_LEN), or a header longer than 2 KiB.
    #[error("the token is too large")]
    TooLarge,
    /// Not the three segments of the compact serialisation (RFC 7515 §3.1), the only one accepted.
    #[error("the token isn't a compact JWS of three segments")]
    NotCompact,
    /// A segment isn't unpadded, canonical base64url, or the payload isn't one JSON object.
    #[error("the token is malformed")]
    Malformed,
    /// The header isn't a JSON object, has no `alg`, or a member has the wrong type or length.
    #[error("the token's header is malformed")]
    BadHeader,
    /// The header asks for what is never done: extensions, compression, keys from the token.
    #[error("the token's header has `{0}`, which isn't supported")]
    UnsupportedHeader(&'static str),
    /// `alg` is `none`, unknown, or not the algorithm that the key fixes.
    #[error("the token's algorithm isn't its key's")]
    WrongAlgorithm,
    /// No key has the header's `kid`.
    #[error("the token names a key that isn't in the set")]
    UnknownKey,
    /// The signature is empty or wrong.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// A JSON object has two members of one name (RFC 7519 §4, RFC 7515 §4).
    #[error("the token has a duplicate member")]
    DuplicateMember,
    /// The named claim has the wrong type or lies outside its range.
    #[error("the claim `{0}` is malformed")]
    BadClaim(&'static str),
    /// The named claim is required.
    #[error("the claim `{0}` is missing")]
    MissingClaim(&'static str),
    /// `exp` has passed, and nothing else is wrong.
    #[error("the token has expired")]
    Expired,
    /// `nbf` lies ahead.
    #[error("the token isn't valid yet")]
    NotYetValid,
    /// `iat` lies ahead.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `aud` isn't the expected audience, or none was expected.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `iss` isn't the expected issuer.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `type` isn't the expected kind: a refresh token where an access token belongs, or the reverse.
    #[error("the token is of another kind")]
    WrongKind,
}

impl TokenError {
    /// A stable, machine-readable name in `snake_case`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotCompact => "not_compact",
            Self::Malformed => "malformed",
            Self::BadHeader => "bad_header",
            Self::UnsupportedHeader(_) => "unsupported_header",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::DuplicateMember => "duplicate_member",
            Self::BadClaim(_) => "bad_claim",
            Self::MissingClaim(_) => "missing_claim",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::WrongAudience => "wrong_audience",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongKind => "wrong_kind",
        }
    }
}

/// Why a token couldn't be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// A further header member has a name that the library sets itself or refuses to verify.
    #[error("the header member `{0}` can't be set by the caller; remove it")]
    ReservedHeader(String),
    /// A further header member has the wrong type: `typ` must be a string.
    #[error("the header member `{0}` must be a string")]
    BadHeader(&'static str),
    /// The key's id is longer than 256 bytes: such a token would be refused.
    #[error("the key id is longer than 256 bytes; choose a shorter one")]
    KeyIdTooLong,
    /// The token would be longer than would be accepted.
    #[error("the token would be longer than {} bytes; store less in it", super::MAX_TOKEN_LEN)]
    TooLarge,
    /// The keys are public and can't sign.
    #[error("the keys verify only; give a private key or a secret to sign with")]
    VerifyingOnly,
    /// The cryptographic library failed, for want of memory or entropy.
    #[error("the signature couldn't be made")]
    Failed,
}

/// Why claims can't be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// A further claim has a registered name, which has its own field.
    #[error("the claim `{0}` is reserved; rename it, or use the field of `Claims`")]
    Reserved(String),
    /// A claim has a value that the library would refuse to read back.
    #[error("the claim `{0}` is empty or outside its range")]
    Invalid(&'static str),
}

/// Why a key is refused, and what to do. Never holds any part of the key.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The secret has no bytes.
    #[error("the HMAC secret is empty; make one with: openssl rand -base64 48")]
    Empty,
    /// The secret is shorter than the hash (RFC 7518 §3.2).
    #[error(
        "the HMAC secret has {bits} bits, and at least {needed} are needed (RFC 7518 section 3.2); \
         make one with: openssl rand -base64 48"
    )]
    TooShort {
        /// What the secret has.
        bits: usize,
        /// What the algorithm needs.
        needed: usize,
    },
    /// The secret stands in a tutorial or a manual.
    #[error(
        "the HMAC secret is a published sample, which anyone can sign with; \
         make one with: openssl rand -base64 48"
    )]
    PublishedSample,
    /// The secret has fewer than 8 different bytes, repeats a short pattern, or counts up or down.
    #[error("the HMAC secret is a simple pattern, not random; make one with: openssl rand -base64 48")]
    LowVariety,
    /// The secret is a key in PEM, DER, JWK or SSH form: anyone could sign with a public key.
    #[error(
        "the HMAC secret is an asymmetric key or a certificate (PEM, DER, JWK or SSH), which may be \
         public; load it with from_pem, from_der or from_jwk, or make a secret with: \
         openssl rand -base64 48"
    )]
    LooksLikePublicKey,
    /// The bytes aren't the expected form of key.
    #[error("the key can't be read; expected {expected}")]
    Unparsable {
        /// What was expected, and where it helps, the command that makes it.
        expected: &'static str,
    },
    /// An RSA key of fewer than 2048 bits (RFC 7518 §3.3).
    #[error(
        "the RSA key has {bits} bits, and at least 2048 are needed (RFC 7518 section 3.3); \
         make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072"
    )]
    WeakRsa {
        /// The length of the modulus.
        bits: usize,
    },
    /// A JWK that could serve several algorithms names none.
    #[error("the JWK names no algorithm; add one, such as \"alg\":\"RS256\"")]
    NoAlgorithm,
    /// The algorithm's name is none of [`Algorithm`]'s; `none` isn't one of them.
    #[error(
        "unknown algorithm; expected HS256, HS384, HS512, ES256, ES384, ES512, RS256, RS384, RS512, \
         PS256, PS384, PS512 or EdDSA"
    )]
    UnknownAlgorithm,
    /// The key can't be used with the algorithm: another family, or another curve.
    #[error("the key isn't one for {algorithm}; load it for the algorithm that it was made for")]
    AlgorithmMismatch {
        /// What it was loaded for.
        algorithm: Algorithm,
    },
    /// A public key was given to sign with.
    #[error("the key is public and can't sign; give the private key")]
    NotASigningKey,
    /// The JWK is for encryption (`use`), or its `key_ops` don't allow this use.
    #[error("the JWK isn't meant for this use; its `use` or `key_ops` says otherwise")]
    WrongUse,
    /// The set has a key of this id already.
    #[error("two keys have the id `{key_id}`; give each key its own")]
    DuplicateKeyId {
        /// The id.
        key_id: String,
    },
    /// A key id of more than 256 bytes.
    #[error("the key id is longer than 256 bytes; choose a shorter one")]
    KeyIdTooLong,
    /// The environment variable isn't set.
    #[error("the environment variable {name} isn't set; set it to the output of: openssl rand -base64 48")]
    EnvMissing {
        /// Its name.
        name: String,
    },
    /// The cryptographic library failed to make a key, for want of memory or entropy.
    #[error("the key couldn't be generated")]
    Generation,
}

/// The sentence itself, which is what a `main` that returns an error prints.
impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
