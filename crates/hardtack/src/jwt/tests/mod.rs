//! The module's tests. If a test checks a security requirement, the test's name begins with the requirement's number.

mod claims;
mod hostile;
mod interoperability;
mod jose_today;
mod json;
mod jwk;
mod key_files;
mod key_sets;
mod mutations;
mod properties;
mod secrets;
mod tokens;
mod vectors;
#[cfg(wycheproof)]
mod wycheproof;

use std::sync::LazyLock;

use super::error::TokenError;
use super::header::UnverifiedHeader;
use super::jws::Segments;
use super::{Algorithm, KeySet, SigningKey, base64url};

/// Returns the content of a key file that was created with OpenSSL. The files are outside `src`, so the published
/// package contains no private keys.
macro_rules! key_file {
    ($name:expr) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/", $name))
    };
}

use key_file;

const ALL: [Algorithm; 14] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::EdDSA,
    Algorithm::Ed25519,
];

/// Returns a key for an algorithm. RSA keys are read from a file, because generating one is slow.
fn key(algorithm: Algorithm) -> SigningKey {
    match algorithm.as_str().get(..2) {
        Some("RS" | "PS") => SigningKey::from_pem(key_file!("rsa.pem"), algorithm).unwrap(),
        _ => SigningKey::generate(algorithm).unwrap(),
    }
}

/// Signs with one key.
fn sign(payload: &[u8], key: &SigningKey) -> String {
    KeySet::new(key.clone()).sign(payload).unwrap()
}

/// Parses a token's header without verifying the token.
fn header_of(token: &[u8]) -> Result<UnverifiedHeader, TokenError> {
    UnverifiedHeader::from_segment(Segments::parse(token)?.header)
}

/// A key set that many tests share.
static HS256: LazyLock<KeySet> = LazyLock::new(|| KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()));

/// Returns bytes that follow no obvious pattern.
fn random_looking(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index as u8).wrapping_mul(151) ^ (index as u8 >> 1) ^ 90).collect()
}

/// Returns a token with this header and a valid signature.
fn forge(header: &str, payload: &[u8], key: &SigningKey) -> String {
    forge_segments(&base64url::encode(header.as_bytes()), &base64url::encode(payload), key)
}

/// Returns a token with these two segments and a valid signature.
fn forge_segments(header: &str, payload: &str, key: &SigningKey) -> String {
    let signed = format!("{header}.{payload}");
    let signature = base64url::encode(&key.signature(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}
