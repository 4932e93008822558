//! What the module promises, named for the security requirements where there is one.

mod claims;
mod json;
mod keys;
mod oracle;
mod properties;
mod secrets;
mod tokens;
mod vectors;

use std::sync::LazyLock;

use super::{Algorithm, KeySet, SigningKey, base64url};

/// One key that stands for all HMAC tests.
static HS256: LazyLock<KeySet> = LazyLock::new(|| KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()));

/// Bytes that no check takes for a pattern.
fn random_looking(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index as u8).wrapping_mul(151) ^ (index as u8 >> 1) ^ 90).collect()
}

/// A token with any header, rightly signed.
fn forge(header: &str, payload: &[u8], key: &SigningKey) -> String {
    forge_segments(&base64url::encode(header.as_bytes()), &base64url::encode(payload), key)
}

/// A token of any two segments, rightly signed.
fn forge_segments(header: &str, payload: &str, key: &SigningKey) -> String {
    let signed = format!("{header}.{payload}");
    let signature = base64url::encode(&key.signature(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}
