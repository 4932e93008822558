//! The proof that a browser has the device's key: a JWS of the type `dbsc+jwt`.
//!
//! A proof's payload contains the challenge as `jti`. If the proof is for a registration, its header contains the
//! public key. Browsers send no time, issuer or subject, so a proof need not contain these claims. If `aud` is present,
//! it must be the URL of the request.

use super::DeviceKey;
use crate::jwt::{Algorithm, Json, Jwk, KeyError, TokenError, VerifyingKey, is_typ, open_jws, read_object};

/// The maximum length of a proof, in bytes. A proof with an RSA key of 4096 bits is about 2,000 bytes long.
const MAX_PROOF_LEN: usize = 4096;

/// The `typ` of a proof.
const TYPE: &str = "dbsc+jwt";

/// The maximum length of a proof's challenge, in bytes.
const MAX_CHALLENGE_LEN: usize = 256;

/// Why a proof is refused.
///
/// The error message is meant for logs and contains no part of the proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProofError {
    /// The proof is longer than 4096 bytes, is not a compact JWS, or has a duplicate or unsupported member.
    #[error("the proof is not well-formed: {0}")]
    Malformed(TokenError),
    /// The proof's `typ` is not `dbsc+jwt`.
    #[error("the proof's `typ` is not dbsc+jwt")]
    WrongType,
    /// A registration proof contains no public key, or contains one that cannot be used. For example, the key may be
    /// malformed, weak, or for an algorithm other than ES256 and RS256.
    #[error("the proof's key is refused: {0}")]
    BadKey(KeyError),
    /// A refresh proof contains a key, or the proof's `alg` is not the algorithm of the session's key.
    #[error("a refresh proof must not contain a key, and its `alg` must be the algorithm of the session's key")]
    OtherKey,
    /// The proof's signature is wrong.
    #[error("the proof's signature is wrong")]
    BadSignature,
    /// The proof's payload contains no challenge.
    #[error("the proof contains no challenge")]
    NoChallenge,
    /// The proof's `aud` is not the URL of the request.
    #[error("the proof's `aud` is not the URL of the request")]
    WrongAudience,
}

impl From<TokenError> for ProofError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::BadSignature => Self::BadSignature,
            error => Self::Malformed(error),
        }
    }
}

/// Verifies a registration proof with the key that the proof contains. Returns this key and the challenge. `url` is the
/// URL of the request.
pub(crate) fn read_registration(proof: &str, url: Option<&str>) -> Result<(DeviceKey, String), ProofError> {
    let mut found = None;
    let opened = open(proof, |header| {
        let jwk = header.jwk.ok_or(ProofError::BadKey(KeyError::NotASigningKey))?;
        let key = DeviceKey::from_jwk(jwk, header.algorithm).map_err(ProofError::BadKey)?;
        Ok(found.insert(key).verifying_key().clone())
    })?;
    let key = found.ok_or(ProofError::OtherKey)?;
    Ok((key, read_challenge(&opened, url)?))
}

/// Verifies a refresh proof with the session's key, and returns the challenge in the proof.
pub(crate) fn read_refresh(proof: &str, key: &DeviceKey, url: Option<&str>) -> Result<String, ProofError> {
    let opened = open(proof, |header| {
        let fits = header.jwk.is_none() && header.algorithm == key.algorithm();
        fits.then(|| key.verifying_key().clone()).ok_or(ProofError::OtherKey)
    })?;
    read_challenge(&opened, url)
}

/// The contents of a proof's header.
struct Header {
    algorithm: Algorithm,
    jwk: Option<Jwk>,
}

/// Verifies a proof and returns its payload. `choose` returns the key for the proof's header.
fn open(proof: &str, choose: impl FnOnce(Header) -> Result<VerifyingKey, ProofError>) -> Result<Vec<u8>, ProofError> {
    if proof.len() > MAX_PROOF_LEN {
        return Err(TokenError::TooLarge.into());
    }
    let mut refused = None;
    let opened = open_jws(proof.as_bytes(), |text| {
        read_header(text).and_then(choose).map_err(|error| {
            refused = Some(error);
            TokenError::BadHeader
        })
    });
    opened.map_err(|error| refused.take().unwrap_or_else(|| error.into()))
}

fn read_header(text: &[u8]) -> Result<Header, ProofError> {
    let (mut algorithm, mut typ, mut jwk) = (None, None, None);
    read_object(text, |name, value| {
        match (name, value) {
            ("alg", Json::String(text)) => algorithm = text.parse().ok(),
            ("typ", Json::String(text)) => typ = Some(is_typ(&text, TYPE)),
            ("jwk", Json::Object(members)) => jwk = Some(Jwk::from_members(members)),
            ("alg" | "typ" | "jwk", _) => return Err(TokenError::BadHeader),
            // Refuse members that ask for extensions or compression, or that contain certificates or the URLs of keys.
            ("crit", _) => return Err(TokenError::UnsupportedHeader("crit")),
            ("b64", _) => return Err(TokenError::UnsupportedHeader("b64")),
            ("zip", _) => return Err(TokenError::UnsupportedHeader("zip")),
            ("jku", _) => return Err(TokenError::UnsupportedHeader("jku")),
            ("x5u", _) => return Err(TokenError::UnsupportedHeader("x5u")),
            ("x5c", _) => return Err(TokenError::UnsupportedHeader("x5c")),
            _ => {}
        }
        Ok(())
    })?;
    if typ != Some(true) {
        return Err(ProofError::WrongType);
    }
    let algorithm = algorithm.ok_or(TokenError::WrongAlgorithm)?;
    Ok(Header { algorithm, jwk: jwk.transpose().map_err(ProofError::BadKey)? })
}

fn read_challenge(payload: &[u8], url: Option<&str>) -> Result<String, ProofError> {
    let (mut challenge, mut is_ours) = (None, true);
    read_object(payload, |name, value| {
        match (name, value) {
            ("jti", Json::String(text)) => challenge = Some(text.into_owned()),
            ("aud", Json::String(text)) => is_ours = url.is_none_or(|url| url == text),
            ("aud", _) => is_ours = false,
            _ => {}
        }
        Ok(())
    })?;
    if !is_ours {
        return Err(ProofError::WrongAudience);
    }
    challenge.filter(|text| text.len() <= MAX_CHALLENGE_LEN).ok_or(ProofError::NoChallenge)
}

#[cfg(test)]
#[cfg(feature = "asymmetric")]
mod tests;
