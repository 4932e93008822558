//! Why a token, a signature, a set of claims or a key is refused.

use std::fmt;

use super::algorithm::{Algorithm, ParseAlgorithmError};
use super::limits::{MAX_HEADER_LEN, MAX_KEY_ID_LEN, MAX_TOKEN_LEN, MAX_TYP_LEN};

/// Why a token is refused.
///
/// The text of the error is for logs and contains no part of the token. To tell errors apart in code, use the stable
/// name that [`code`](Self::code) returns.
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
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token is longer than [`MAX_TOKEN_LEN`](super::MAX_TOKEN_LEN) bytes, or its header is longer than 2048 bytes.
    #[error("the token is longer than {MAX_TOKEN_LEN} bytes, or its header is longer than {MAX_HEADER_LEN} bytes")]
    TooLarge,
    /// The token is not in the compact serialization of RFC 7515 §3.1: three segments, separated by dots. Other
    /// serializations are not accepted.
    #[error("the token is not a compact JWS (three segments separated by dots)")]
    NotCompact,
    /// A segment is not canonical base64url without padding, or the payload is not a single JSON object.
    #[error("a segment of the token is not canonical base64url, or the payload is not a JSON object")]
    Malformed,
    /// The header is not one JSON object, lacks `alg`, or has an `alg`, `kid` or `typ` of the wrong type or length.
    #[error(
        "the token's header is not a JSON object, lacks `alg`, or has an `alg`, `kid` or `typ` of the wrong type or \
         length"
    )]
    BadHeader,
    /// The header has an unsupported member: one that requests an extension, compression or an unencoded payload, or
    /// one that contains a key or a key's URL.
    #[error("the token's header has the member `{0}`, which is not supported")]
    UnsupportedHeader(&'static str),
    /// `alg` is `none` or unknown, or none of the keys that may verify the token has this algorithm.
    #[error("the token's `alg` does not match any key that may verify the token")]
    WrongAlgorithm,
    /// The header's `typ` is not the expected one, so the token is meant for a different purpose (RFC 8725 §3.11).
    #[error("the token's `typ` is not accepted; expected the value set with KeySet::require_typ, or `JWT` by default")]
    WrongTyp,
    /// No key has the header's `kid`.
    #[error("no key has the token's `kid`")]
    UnknownKey,
    /// The signature is empty or wrong.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// A JSON object has two members with the same name (RFC 7519 §4, RFC 7515 §4).
    #[error("a JSON object in the token has two members with the same name")]
    DuplicateMember,
    /// This claim has the wrong type, or a value that is not allowed.
    #[error("the claim `{0}` has the wrong type or a value that is not allowed")]
    BadClaim(&'static str),
    /// This claim is required.
    #[error("the claim `{0}` is missing")]
    MissingClaim(&'static str),
    /// `exp` has passed. The token is valid in every other respect.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet: its `nbf` is in the future")]
    NotYetValid,
    /// `iat` is in the future.
    #[error("the token's `iat` is in the future")]
    IssuedInFuture,
    /// `aud` does not contain the realm, or contains none of the expected audiences. This error also occurs if no
    /// audience is expected and `aud` contains a name other than the realm.
    #[error("the token's `aud` does not name an accepted audience")]
    WrongAudience,
    /// `iss` is not an expected issuer.
    #[error("the token's `iss` does not name an accepted issuer")]
    WrongIssuer,
    /// `type` is not the expected kind: for example, a refresh token was sent where an access token is expected.
    #[error("the token's `type` is wrong; for example, the token is a refresh token, but an access token is expected")]
    WrongKind,
}

impl TokenError {
    /// Returns whether the token is refused only because its `nbf` or `iat` is in the future.
    pub const fn is_early(&self) -> bool {
        matches!(self, Self::NotYetValid | Self::IssuedInFuture)
    }

    /// Returns a stable name in `snake_case` that code can use to tell errors apart.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotCompact => "not_compact",
            Self::Malformed => "malformed",
            Self::BadHeader => "bad_header",
            Self::UnsupportedHeader(_) => "unsupported_header",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::WrongTyp => "wrong_typ",
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

/// Why a token was not signed.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// An extra header member has a name that this library sets itself, or one that
    /// [`KeySet::verify`](super::KeySet::verify) would refuse.
    #[error("the application must not set the header member `{0}`; remove it from the extra members")]
    ReservedHeader(String),
    /// An extra header member has the wrong type: `typ` and `kid` must be strings.
    #[error("the header member `{0}` is not a string; set it to a string")]
    BadHeader(&'static str),
    /// The key id is longer than 256 bytes. Verification would refuse a token with this id.
    #[error("the key id is longer than {MAX_KEY_ID_LEN} bytes; choose a shorter key id")]
    KeyIdTooLong,
    /// The token would be longer than [`MAX_TOKEN_LEN`](super::MAX_TOKEN_LEN) bytes, or its header longer than 2048
    /// bytes. Verification would refuse such a token.
    #[error(
        "the token would be longer than {MAX_TOKEN_LEN} bytes, or its header longer than {MAX_HEADER_LEN} bytes; put \
         less into the token"
    )]
    TooLarge,
    /// The key set has no signing key.
    #[error("the key set can only verify tokens; to sign tokens, create the key set from a private key or a secret")]
    VerifyingOnly,
    /// The cryptographic library could not sign, for example because the system had no free memory or no random
    /// numbers.
    #[error(
        "the cryptographic library could not sign; check that the system has free memory and a working source of \
         random numbers"
    )]
    Failed,
}

/// Why claims were not written.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// One of the application's own claims has the same name as a claim that [`Claims`](super::Claims) has a field for.
    #[error("the claim `{0}` is reserved; rename it, or set the corresponding field of `Claims`")]
    Reserved(String),
    /// A claim has a value that the library would refuse to read back.
    #[error(
        "the claim `{0}` has a value that is not allowed; a string must not be empty, a time must be between the years \
         1970 and 9999, and the subject must be a string unless ClaimsPolicy::insecure_any_identity is set"
    )]
    Invalid(&'static str),
}

/// Why a key is refused, and what to do about it. The text contains no part of the key.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The secret is empty.
    #[error("the HMAC secret is empty; make a secret with: openssl rand -base64 48")]
    Empty,
    /// The secret is shorter than the output of the hash (RFC 7518 §3.2).
    #[error(
        "the HMAC secret has {bits} bits, but at least {needed} are needed (RFC 7518 section 3.2); \
         make a secret with: openssl rand -base64 48"
    )]
    TooShort {
        /// The length of the secret, in bits.
        bits: usize,
        /// The length that the algorithm needs, in bits.
        needed: usize,
    },
    /// The secret is a sample from a tutorial or a manual, or is made up entirely of words from such samples.
    #[error(
        "the HMAC secret is a published sample, or consists of words from such samples, so anyone can guess it; \
         make a secret with: openssl rand -base64 48"
    )]
    PublishedSample,
    /// The secret has fewer than 8 different bytes, repeats a pattern of at most 16 bytes, or is a sequence that counts
    /// up or down.
    #[error("the HMAC secret is a simple pattern, not random; make a secret with: openssl rand -base64 48")]
    LowVariety,
    /// The secret looks like a key or a certificate (PEM, DER, JWK or SSH). If this key or certificate is public,
    /// anyone can sign tokens with it.
    #[error(
        "the HMAC secret is an asymmetric key or a certificate (PEM, DER, JWK or SSH), which may be public; load a \
         key with from_pem, from_der or from_jwk, or make a secret with: openssl rand -base64 48"
    )]
    LooksLikePublicKey,
    /// The value is not the secret itself. For example, it is the path of the file with the secret, or a placeholder
    /// that was never replaced.
    #[error("the text is not the secret itself, but {looks_like}")]
    NotTheSecret {
        /// What the value is, such as a path or a placeholder, and how to provide the secret.
        looks_like: &'static str,
    },
    /// The file that should contain the secret or key cannot be used.
    #[error("the file {path:?} cannot be used: {reason}")]
    File {
        /// The path.
        path: std::path::PathBuf,
        /// Why the file cannot be used, and what to do about it.
        reason: String,
    },
    /// The value of an environment variable is refused.
    #[error("{name}: {cause}")]
    InEnv {
        /// The name of the variable.
        name: String,
        /// What is wrong with the value.
        cause: Box<KeyError>,
    },
    /// Two environment variables set the same secret.
    #[error("{name} and {name}_FILE are both set; remove one of them")]
    EnvTwice {
        /// The name of the variable without `_FILE`.
        name: String,
    },
    /// The key does not have the expected form.
    #[error("the key cannot be parsed; expected {expected}")]
    Unparsable {
        /// The expected form, sometimes with a command that produces it.
        expected: &'static str,
    },
    /// The RSA key has fewer than 2048 bits (RFC 7518 §3.3).
    #[error(
        "the RSA key has {bits} bits, but at least 2048 are needed (RFC 7518 section 3.3); \
         make a key with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072"
    )]
    WeakRsa {
        /// The length of the modulus.
        bits: usize,
    },
    /// The RSA key was generated by a faulty chip or library, and can be factored (ROCA, CVE-2017-15361).
    #[error(
        "the RSA key was generated by a faulty chip or library and can be factored (ROCA, CVE-2017-15361); generate \
         another key with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072"
    )]
    RocaRsa,
    /// A JWK set contains symmetric secrets as well as asymmetric keys.
    #[error(
        "the JWK set contains both secrets (\"kty\":\"oct\") and public or private keys; put them into separate sets, \
         and never publish the set with the secrets"
    )]
    MixedKeys,
    /// A JWK that fits several algorithms does not name one.
    #[error(
        "the JWK has no `alg`, and several algorithms fit its type; add an `alg` member, such as \
         \"alg\":\"RS256\" for an RSA key or \"alg\":\"HS256\" for a secret"
    )]
    NoAlgorithm,
    /// No [`Algorithm`] has this name. `none` is not supported.
    #[error("{ParseAlgorithmError}")]
    UnknownAlgorithm,
    /// The key cannot be used with the algorithm, because the algorithm needs a different key type or curve.
    #[error("the key cannot be used with {algorithm}; choose an algorithm that fits the key's type and curve")]
    AlgorithmMismatch {
        /// The requested algorithm.
        algorithm: Algorithm,
    },
    /// The algorithm is not HMAC, and the feature `asymmetric` is off.
    #[error(
        "{algorithm} needs the cargo feature `asymmetric`, which is off; turn it on for the Hardtack crate that you \
         use, for example with: cargo add hardtack-axum --features asymmetric"
    )]
    NeedsAsymmetric {
        /// The requested algorithm.
        algorithm: Algorithm,
    },
    /// The key is public, but signing requires a private key.
    #[error("the key is public and cannot sign; load the private key")]
    NotASigningKey,
    /// The JWK's `use` is not `sig`, or its `key_ops` do not allow this operation.
    #[error(
        "the JWK does not allow this operation; `use`, if present, must be `sig`; `key_ops`, if present, must contain \
         `sign` for signing, and `sign` or `verify` for verifying"
    )]
    WrongUse,
    /// Two keys in a set have the same id.
    #[error("two keys have the id `{key_id}`; give each key its own id")]
    DuplicateKeyId {
        /// The id.
        key_id: String,
    },
    /// The key id is longer than 256 bytes.
    #[error("the key id is longer than {MAX_KEY_ID_LEN} bytes; choose a shorter key id")]
    KeyIdTooLong,
    /// The argument of [`KeySet::require_typ`](super::KeySet::require_typ) is not a media type.
    #[error(
        "the `typ` for KeySet::require_typ is not allowed; expected a media type of at most {MAX_TYP_LEN} characters, \
         such as at+jwt"
    )]
    BadTyp,
    /// The environment variable is not set.
    #[error("the environment variable {name} is not set; set it to the output of: openssl rand -base64 48")]
    EnvMissing {
        /// The name of the variable.
        name: String,
    },
    /// The cryptographic library could not generate a key, for example because the system had no free memory or no
    /// random numbers.
    #[error(
        "the cryptographic library could not generate a key; check that the system has free memory and a working \
         source of random numbers"
    )]
    Generation,
}

impl From<ParseAlgorithmError> for KeyError {
    fn from(_: ParseAlgorithmError) -> Self {
        Self::UnknownAlgorithm
    }
}

/// Makes `Debug` print the same text as `Display`, because Rust prints the `Debug` output of an error that `main`
/// returns. These errors have no [`source`](std::error::Error::source), so there are no causes to print.
macro_rules! debug_as_sentence {
    ($($error:ty),*) => {
        $(impl fmt::Debug for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        })*
    };
}

debug_as_sentence!(TokenError, SignError, ClaimError, KeyError);
