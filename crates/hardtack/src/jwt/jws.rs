//! The compact JWS (RFC 7515 §3.1): signing and verifying bytes, whatever they mean.
//!
//! The order is fixed: length, number of segments, header, key, signature. Only then is the payload
//! decoded, so that nothing unverified is ever parsed but the header.

use std::fmt;
use std::ops::Deref;

use super::keys::{SigningKey, VerifyingKey};
use super::{MAX_TOKEN_LEN, SignError, TokenError, base64url};

pub use super::header::UnverifiedHeader;

/// The longest signature: RSA with 8192 bits.
const MAX_SIGNATURE_LEN: usize = 1024;

/// The longest signature otherwise: ES512 (RFC 7518 §3.4).
const SHORT_SIGNATURE_LEN: usize = 132;

/// The bytes that a verified token carries. Only verification constructs it.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// The bytes, as an owned vector.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Payload {
    /// The length only: claims may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// A token's segments, still encoded.
pub(super) struct Segments<'t> {
    pub(super) header: &'t [u8],
    pub(super) payload: &'t [u8],
    signature: &'t [u8],
    /// What the signature is over: header, dot, payload (RFC 7515 §5.1).
    signed: &'t [u8],
}

impl<'t> Segments<'t> {
    /// Cuts a token at its two dots.
    pub(super) fn of(token: &'t [u8]) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(TokenError::TooLarge);
        }
        let mut dots = memchr::memchr_iter(b'.', token);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(TokenError::NotCompact);
        };
        let (signed, signature) = token.split_at(second);
        let (header, payload) = signed.split_at(first);
        // Both begin with their dot.
        let behind = |part: &'t [u8]| part.get(1..).unwrap_or_default();
        Ok(Self { header, payload: behind(payload), signature: behind(signature), signed })
    }

    /// The same of a token that begins with `header`: neither that nor the signature is searched for dots. None
    /// where it is another token, or where its shape isn't plain to see.
    #[inline]
    pub(super) fn under(header: &[u8], token: &'t [u8]) -> Option<Self> {
        if token.len() > MAX_TOKEN_LEN {
            return None;
        }
        let (header, behind) = token.split_at_checked(header.len()).filter(|(start, _)| *start == header)?;
        let [b'.', rest @ ..] = behind else { return None };
        let (payload, dotted) = rest.split_at_checked(memchr::memchr(b'.', rest)?)?;
        let [_, signature @ ..] = dotted else { return None };
        let (signed, _) = token.split_at_checked(token.len() - dotted.len())?;
        Some(Self { header, payload, signature, signed })
    }

    /// Checks the signature with each key in turn and decodes the payload.
    pub(super) fn verify<'k>(&self, keys: impl IntoIterator<Item = &'k VerifyingKey>) -> Result<Payload, TokenError> {
        if self.signature.is_empty() {
            return Err(TokenError::BadSignature);
        }
        let (mut short, mut long);
        // Only RSA's signatures are long, and clearing a long buffer takes a while.
        let buffer: &mut [u8] = if self.signature.len() <= SHORT_SIGNATURE_LEN / 3 * 4 {
            short = [0; SHORT_SIGNATURE_LEN];
            &mut short
        } else {
            long = [0; MAX_SIGNATURE_LEN];
            &mut long
        };
        let signature = base64url::decode_into(self.signature, buffer).ok_or_else(|| self.flaw_of_signature())?;
        if !keys.into_iter().any(|key| key.accepts(self.signed, signature)) {
            return Err(TokenError::BadSignature);
        }
        base64url::decode(self.payload).map(Payload).ok_or(TokenError::Malformed)
    }

    #[cold]
    fn flaw_of_signature(&self) -> TokenError {
        if self.signature.contains(&b'.') { TokenError::NotCompact } else { TokenError::Malformed }
    }
}

/// Verifies a token with one key, and returns its payload, which may be anything.
///
/// The key fixes the algorithm. If the key has an id, a `kid` in the header must equal it.
///
/// ```
/// use hardtack::SigningKey;
/// use hardtack::jwt::{Algorithm, jws};
///
/// let key = SigningKey::generate(Algorithm::ES256)?;
/// let token = jws::sign_with_key(b"any bytes", &key)?;
/// let payload = jws::verify_with_key(token.as_bytes(), &key.verifying_key())?;
/// assert_eq!(&*payload, b"any bytes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`KeySet::verify`](super::KeySet::verify).
pub fn verify_with_key(token: &[u8], key: &VerifyingKey) -> Result<Payload, TokenError> {
    let segments = Segments::of(token)?;
    let header = UnverifiedHeader::from_segment(segments.header)?;
    if let (Some(expected), Some(named)) = (key.key_id(), &header.key_id)
        && expected != named
    {
        return Err(TokenError::UnknownKey);
    }
    if header.algorithm != key.algorithm() {
        return Err(TokenError::WrongAlgorithm);
    }
    segments.verify([key])
}

/// Signs `payload`, which may be any bytes, with one key.
///
/// # Errors
/// [`SignError::TooLarge`] if the token would be longer than [`MAX_TOKEN_LEN`] bytes.
pub fn sign_with_key(payload: &[u8], key: &SigningKey) -> Result<String, SignError> {
    sign_under(&super::header::minted_segment(key.algorithm(), key.key_id()), payload, key)
}

/// Reads a token's header and verifies nothing: for logs, and to see why a token is refused.
///
/// # Errors
/// [`TokenError`] if the header alone would have the token refused.
pub fn peek_header(token: &[u8]) -> Result<UnverifiedHeader, TokenError> {
    UnverifiedHeader::from_segment(Segments::of(token)?.header)
}

/// Signs under a ready header segment.
pub(super) fn sign_under(header: &str, payload: &[u8], key: &SigningKey) -> Result<String, SignError> {
    if key.key_id().is_some_and(|id| id.len() > super::header::MAX_KEY_ID_LEN) {
        return Err(SignError::KeyIdTooLong);
    }
    if payload.len() > MAX_TOKEN_LEN {
        return Err(SignError::TooLarge);
    }
    let mut token = String::with_capacity(header.len() + payload.len() / 3 * 4 + 128);
    token.push_str(header);
    token.push('.');
    base64url::append(&mut token, payload);
    let signature = key.signature(token.as_bytes())?;
    token.push('.');
    base64url::append(&mut token, signature.as_ref());
    if token.len() > MAX_TOKEN_LEN {
        return Err(SignError::TooLarge);
    }
    Ok(token)
}
