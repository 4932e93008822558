//! Strict base64url without padding (RFC 7515 §2, appendix C).
//!
//! Each byte string has exactly one accepted encoding. Padding, whitespace, and a last character with non-zero trailing
//! bits are refused. If a byte string had several encodings, the text of a token could be altered without making the
//! token invalid.

use base64_simd::{AsOut, URL_SAFE_NO_PAD};

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Appends the encoding of `bytes` to `text`.
pub(super) fn append(text: &mut String, bytes: &[u8]) {
    URL_SAFE_NO_PAD.encode_append(bytes, text);
}

/// Decodes `text`. Returns `None` if it is not a canonical encoding.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

/// Decodes `text` into `buffer` and returns the decoded bytes. Returns `None` if `text` is not a canonical encoding, or
/// if the buffer is too small.
pub(super) fn decode_into<'b>(text: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let length = URL_SAFE_NO_PAD.decoded_length(text).ok()?;
    let target = buffer.get_mut(..length)?;
    URL_SAFE_NO_PAD.decode(text, target.as_out()).ok().map(|bytes| &*bytes)
}
