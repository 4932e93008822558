//! PEM (RFC 7468): the text form of keys.

use zeroize::Zeroizing;

/// Returns the label and the bytes of the first block that is not `EC PARAMETERS`, which OpenSSL writes before a
/// SEC 1 key. Returns `None` if the text is not PEM.
pub(in crate::jwt) fn first_block(pem: &[u8]) -> Option<(&str, Zeroizing<Vec<u8>>)> {
    let mut rest = std::str::from_utf8(pem).ok()?;
    loop {
        let (_, after) = rest.split_once("-----BEGIN ")?;
        let (label, after) = after.split_once("-----")?;
        let (body, after) = after.split_once("-----END ")?;
        let after = after.strip_prefix(label)?.strip_prefix("-----")?;
        if label == "EC PARAMETERS" {
            rest = after;
            continue;
        }
        let body: Zeroizing<Vec<u8>> =
            body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>().into();
        let bytes = base64_simd::STANDARD.decode_to_vec(body.as_slice()).ok()?;
        return Some((label, bytes.into()));
    }
}
