//! The JOSE header (RFC 7515 §4): matched where it is one of ours, parsed strictly where it isn't.

use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::json::{self, Json};
use super::{Algorithm, SignError, TokenError, base64url};

/// The longest header, in bytes of JSON.
const MAX_HEADER_LEN: usize = 2048;

/// The longest key id, in bytes.
pub(super) const MAX_KEY_ID_LEN: usize = 256;

/// Members whose meaning is never honoured, so that their presence refuses the token: extensions
/// (RFC 7515 §4.1.11), compression, unencoded payloads (RFC 7797), and keys that come with the token.
const UNSUPPORTED: [&str; 7] = ["crit", "zip", "b64", "jwk", "jku", "x5u", "x5c"];

/// A header as the sender wrote it: nothing in it is proven.
///
/// See [`jws::peek_header`](super::jws::peek_header).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnverifiedHeader {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`: at most 256 bytes of anything. Only compare it with the ids of known keys.
    pub key_id: Option<String>,
    /// `typ`.
    pub typ: Option<String>,
}

impl UnverifiedHeader {
    /// Reads a token's first segment.
    pub(super) fn from_segment(segment: &[u8]) -> Result<Self, TokenError> {
        if segment.len() > MAX_HEADER_LEN.div_ceil(3) * 4 {
            return Err(TokenError::TooLarge);
        }
        let text = base64url::decode(segment).ok_or(TokenError::Malformed)?;
        Self::from_json(&text)
    }

    fn from_json(text: &[u8]) -> Result<Self, TokenError> {
        let (mut algorithm, mut key_id, mut typ) = (None, None, None);
        json::read_object(text, |name, value| {
            match name {
                "alg" => algorithm = Some(read_algorithm(value)?),
                "kid" => key_id = Some(read_key_id(value)?),
                "typ" => typ = Some(read_string(value)?),
                _ => {
                    if let Some(name) = UNSUPPORTED.into_iter().find(|other| *other == name) {
                        return Err(TokenError::UnsupportedHeader(name));
                    }
                }
            }
            Ok(())
        })
        .map_err(|reason| match reason {
            TokenError::Malformed => TokenError::BadHeader,
            other => other,
        })?;
        Ok(Self { algorithm: algorithm.ok_or(TokenError::BadHeader)?, key_id, typ })
    }
}

fn read_string(value: Json<'_>) -> Result<String, TokenError> {
    Ok(value.into_string().ok_or(TokenError::BadHeader)?.into_owned())
}

fn read_algorithm(value: Json<'_>) -> Result<Algorithm, TokenError> {
    let name = value.into_string().ok_or(TokenError::BadHeader)?;
    name.parse().map_err(|_| TokenError::WrongAlgorithm)
}

fn read_key_id(value: Json<'_>) -> Result<String, TokenError> {
    let key_id = value.into_string().ok_or(TokenError::BadHeader)?;
    if key_id.len() > MAX_KEY_ID_LEN {
        return Err(TokenError::BadHeader);
    }
    Ok(key_id.into_owned())
}

/// The header segment that a key mints: `alg`, `kid` (if it has one), `typ`, in PyJWT's order.
pub(super) fn minted_segment(algorithm: Algorithm, key_id: Option<&str>) -> String {
    let typ = r#""typ":"JWT""#;
    let text = match key_id {
        None => format!(r#"{{"alg":"{algorithm}",{typ}}}"#),
        Some(key_id) => format!(r#"{{"alg":"{algorithm}","kid":{},{typ}}}"#, Value::from(key_id)),
    };
    base64url::encode(text.as_bytes())
}

/// The header segments under which tokens of a key usually come: its own and other libraries' orders.
pub(super) fn usual_segments(algorithm: Algorithm, key_id: Option<&str>) -> Vec<String> {
    let (alg, typ) = (format!(r#""alg":"{algorithm}""#), r#""typ":"JWT""#);
    let others = match key_id {
        None => vec![format!("{{{typ},{alg}}}")],
        Some(key_id) => {
            let kid = format!(r#""kid":{}"#, Value::from(key_id));
            vec![format!("{{{alg},{typ},{kid}}}"), format!("{{{typ},{alg},{kid}}}")]
        }
    };
    let others = others.iter().map(|text| base64url::encode(text.as_bytes()));
    std::iter::once(minted_segment(algorithm, key_id)).chain(others).collect()
}

/// A header segment with further members after the usual ones; `typ` may be replaced, and `kid` is `key_id`'s.
pub(super) fn segment_with(
    algorithm: Algorithm,
    key_id: Option<&str>,
    extra: &Map<String, Value>,
) -> Result<String, SignError> {
    if key_id.is_some_and(|id| id.len() > MAX_KEY_ID_LEN) {
        return Err(SignError::KeyIdTooLong);
    }
    if let Some(name) = extra.keys().find(|name| is_reserved(name)) {
        return Err(SignError::ReservedHeader(name.clone()));
    }
    let typ = match extra.get("typ") {
        None => "JWT",
        Some(typ) => typ.as_str().ok_or(SignError::BadHeader("typ"))?,
    };
    let text = write_members(algorithm, key_id, typ, extra).map_err(|_| SignError::Failed)?;
    if text.len() > MAX_HEADER_LEN {
        return Err(SignError::TooLarge);
    }
    Ok(base64url::encode(&text))
}

fn is_reserved(name: &str) -> bool {
    name == "alg" || UNSUPPORTED.contains(&name)
}

fn write_members(
    algorithm: Algorithm,
    key_id: Option<&str>,
    typ: &str,
    extra: &Map<String, Value>,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::new(&mut text);
    let mut members = writer.serialize_map(None)?;
    members.serialize_entry("alg", algorithm.as_str())?;
    if let Some(key_id) = key_id {
        members.serialize_entry("kid", key_id)?;
    }
    members.serialize_entry("typ", typ)?;
    for (name, value) in extra.iter().filter(|(name, _)| *name != "typ" && *name != "kid") {
        members.serialize_entry(name, value)?;
    }
    members.end()?;
    Ok(text)
}
