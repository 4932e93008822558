//! Base64url without padding (RFC 7515 §2, appendix C), strictly.
//!
//! One byte string has one encoding: padding, white space and stray bits in the last character are
//! refused, so that a token can't be altered and still verify.

use base64_simd::{AsOut, URL_SAFE_NO_PAD};

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

pub(super) fn append(text: &mut String, bytes: &[u8]) {
    URL_SAFE_NO_PAD.encode_append(bytes, text);
}

/// `None` unless `text` is the canonical encoding.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

/// Decodes into `buffer`; `None` also when it is too small.
pub(super) fn decode_into<'b>(text: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let length = URL_SAFE_NO_PAD.decoded_length(text).ok()?;
    let space = buffer.get_mut(..length)?;
    URL_SAFE_NO_PAD.decode(text, space.as_out()).ok().map(|bytes| &*bytes)
}
