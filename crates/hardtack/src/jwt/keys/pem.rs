//! PEM (RFC 7468): the text form of keys.

use zeroize::Zeroizing;

use crate::jwt::algorithm::{Algorithm, Family};
use crate::jwt::error::KeyError;

/// Returns an error that explains why `text` is not the expected PEM. If `text` shows no common mistake, returns
/// `usual`.
pub(in crate::jwt) fn explain(text: &[u8], algorithm: Algorithm, usual: KeyError) -> KeyError {
    let contains = |part: &str| text.windows(part.len()).any(|window| window == part.as_bytes());
    let expected = if contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
        match algorithm.family() {
            // Do not suggest ssh-keygen, because older versions leave such a key as it is and report no error.
            Family::Ed25519 => {
                "PEM (PKCS#8), but this is a key in OpenSSH format; make a key for tokens with: openssl genpkey \
                 -algorithm ed25519 -out key.pem"
            }
            _ => {
                "PEM (PKCS#8), but this is a key in OpenSSH format; copy the key to key.pem, and convert the copy \
                 with: ssh-keygen -p -N \"\" -m PKCS8 -f key.pem"
            }
        }
    } else if ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"].iter().any(|start| text.starts_with(start.as_bytes())) {
        "PEM, but this is a public key in OpenSSH format; export the public key from the private key with: openssl \
         pkey -in key.pem -pubout"
    } else if contains("-----BEGIN ") && contains("\\n") {
        "PEM with line breaks, but this text has \\n instead of line breaks; if the text is in the variable KEY, write \
         the key to a file with: printf '%b' \"$KEY\" > key.pem"
    } else {
        return usual;
    };
    KeyError::Unparsable { expected }
}

/// Returns the label and the decoded bytes of the first PEM block. Skips an `EC PARAMETERS` block, which OpenSSL writes
/// before a SEC 1 key. Returns `None` if the text is not PEM.
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
