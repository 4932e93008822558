//! Signs and verifies payloads of arbitrary bytes as compact JWS (RFC 7515 §3.1).
//!
//! Verification checks the length and the number of segments, parses the header, selects the key, verifies the
//! signature and decodes the payload, in this order. The header is therefore the only part of an unverified token that
//! is parsed.

use std::fmt;
use std::ops::Deref;

use super::base64url;
use super::error::{SignError, TokenError};
use super::header::{self, UnverifiedHeader};
use super::keys::{SigningKey, VerifyingKey};
use super::limits::{MAX_KEY_ID_LEN, MAX_SIGNATURE_LEN, MAX_TOKEN_LEN};
use super::typ::Typ;

/// The maximum length in bytes of any signature other than an RSA signature. ES512 signatures have this length (RFC
/// 7518 §3.4).
const SHORT_SIGNATURE_LEN: usize = 132;

/// The payload of a token whose signature was verified. Only verification creates a value of this type.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// Returns the bytes.
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
    /// Shows only the length, because claims may be personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// The segments of a token, still encoded.
pub(super) struct Segments<'t> {
    pub(super) header: &'t [u8],
    pub(super) payload: &'t [u8],
    signature: &'t [u8],
    /// The bytes that are signed: the header, a dot and the payload (RFC 7515 §5.1).
    signed: &'t [u8],
}

impl<'t> Segments<'t> {
    /// Splits a token at its two dots.
    pub(super) fn parse(token: &'t [u8]) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(TokenError::TooLarge);
        }
        let mut dots = memchr::memchr_iter(b'.', token);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(TokenError::NotCompact);
        };
        let (signed, signature) = token.split_at(second);
        let (header, payload) = signed.split_at(first);
        let without_dot = |segment: &'t [u8]| segment.get(1..).unwrap_or_default();
        Ok(Self { header, payload: without_dot(payload), signature: without_dot(signature), signed })
    }

    /// Splits a token that begins with the encoded header `header`. Returns `None` if the token begins with a different
    /// header, has no second dot or is too long. The caller then calls [`parse`](Self::parse), which accepts other
    /// headers and returns an error if the token is malformed.
    ///
    /// This method is faster than `parse`: it does not search the header and the signature for dots, and its caller
    /// need not parse the header. If the signature contains a dot, [`verify`](Self::verify) refuses the token, because
    /// base64url has no dot.
    #[inline]
    pub(super) fn parse_after(header: &[u8], token: &'t [u8]) -> Option<Self> {
        if token.len() > MAX_TOKEN_LEN {
            return None;
        }
        let (header, rest) = token.split_at_checked(header.len()).filter(|(start, _)| *start == header)?;
        let [b'.', rest @ ..] = rest else { return None };
        let (payload, rest) = rest.split_at_checked(memchr::memchr(b'.', rest)?)?;
        let [_, signature @ ..] = rest else { return None };
        let (signed, _) = token.split_at_checked(token.len() - rest.len())?;
        Some(Self { header, payload, signature, signed })
    }

    /// Tries one key after another until one of them verifies the signature, then decodes the payload.
    pub(super) fn verify<'k>(&self, keys: impl IntoIterator<Item = &'k VerifyingKey>) -> Result<Payload, TokenError> {
        if self.signature.is_empty() {
            return Err(TokenError::BadSignature);
        }
        let (mut short, mut long);
        // A short buffer takes less time to clear, and only RSA signatures need a long buffer.
        let buffer: &mut [u8] = if self.signature.len() <= SHORT_SIGNATURE_LEN / 3 * 4 {
            short = [0; SHORT_SIGNATURE_LEN];
            &mut short
        } else {
            long = [0; MAX_SIGNATURE_LEN];
            &mut long
        };
        let signature = base64url::decode_into(self.signature, buffer).ok_or_else(|| self.signature_error())?;
        if !keys.into_iter().any(|key| key.accepts(self.signed, signature)) {
            return Err(TokenError::BadSignature);
        }
        base64url::decode(self.payload).map(Payload).ok_or(TokenError::Malformed)
    }

    /// Returns whether the payload and the signature are base64url, and the signature is not empty.
    pub(super) fn is_well_formed(&self) -> bool {
        let is_base64url = |segment| base64url::decode(segment).is_some();
        !self.signature.is_empty() && is_base64url(self.payload) && is_base64url(self.signature)
    }

    /// The error for a signature that is not base64url.
    #[cold]
    fn signature_error(&self) -> TokenError {
        if self.signature.contains(&b'.') { TokenError::NotCompact } else { TokenError::Malformed }
    }
}

/// Verifies a token with one key. The argument `typ` determines which values of the header parameter `typ` are
/// accepted.
///
/// If the key has an id and the header has a `kid`, the two must be equal. If the key has no id, the `kid` is ignored.
///
/// # Errors
/// The same errors as [`KeySet::verify`](super::KeySet::verify).
pub(super) fn verify_with_key(token: &[u8], key: &VerifyingKey, typ: &Typ) -> Result<Payload, TokenError> {
    let segments = Segments::parse(token)?;
    let header = UnverifiedHeader::from_segment(segments.header)?;
    if !typ.accepts(header.typ.as_deref()) {
        return Err(TokenError::WrongTyp);
    }
    if let (Some(expected), Some(named)) = (key.key_id(), &header.key_id)
        && expected != named
    {
        return Err(TokenError::UnknownKey);
    }
    if !header.algorithm.signs_like(key.algorithm()) {
        return Err(TokenError::WrongAlgorithm);
    }
    segments.verify([key])
}

/// Signs `payload` and returns the token. `header` is the encoded header.
///
/// # Errors
/// Returns [`SignError::TooLarge`] if the token would be longer than [`MAX_TOKEN_LEN`] bytes. Other possible errors are
/// [`SignError::KeyIdTooLong`] and [`SignError::Failed`].
pub(super) fn sign(header: &str, payload: &[u8], key: &SigningKey) -> Result<String, SignError> {
    if key.key_id().is_some_and(|id| id.len() > MAX_KEY_ID_LEN) {
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

/// Verifies a token, and returns its payload. `choose` is called with the header as JSON and returns the key for
/// verifying the token. When `choose` is called, the header has not been verified yet.
///
/// # Errors
/// [`TokenError::TooLarge`], [`NotCompact`](TokenError::NotCompact), [`Malformed`](TokenError::Malformed),
/// [`BadSignature`](TokenError::BadSignature), or the error that `choose` returned.
pub(crate) fn open_jws(
    token: &[u8],
    choose: impl FnOnce(&[u8]) -> Result<VerifyingKey, TokenError>,
) -> Result<Vec<u8>, TokenError> {
    let segments = Segments::parse(token)?;
    let key = choose(&header::decode(segments.header)?)?;
    segments.verify([&key]).map(Payload::into_bytes)
}

/// Signs a payload, for tests. `header` is JSON, and is not checked.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn sign_jws(header: &str, payload: &[u8], key: &SigningKey) -> Result<String, SignError> {
    sign(&base64url::encode(header.as_bytes()), payload, key)
}

/// Signs arbitrary bytes, which need not be the segments of a token. Only tests use this function.
#[cfg(all(test, feature = "asymmetric"))]
pub(crate) fn sign_bytes(message: &[u8], key: &SigningKey) -> Result<Vec<u8>, SignError> {
    key.signature(message)
}
