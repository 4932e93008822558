//! Strict parsing and writing of the JOSE header (RFC 7515 §4).

use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::base64url;
use super::error::{SignError, TokenError};
use super::json::unique_members::{Json, read_object};
use super::limits::{MAX_HEADER_LEN, MAX_KEY_ID_LEN};
use super::typ::Typ;

/// Members that are not supported: extensions (RFC 7515 §4.1.11), compression, unencoded payloads (RFC 7797), and keys
/// or key URLs. A token with one of these members is refused.
const UNSUPPORTED: [&str; 7] = ["crit", "zip", "b64", "jwk", "jku", "x5u", "x5c"];

/// The members of a header that decide which key verifies the token. The header has not been verified, so an attacker
/// may have written it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnverifiedHeader {
    /// The value of `alg`.
    pub(super) algorithm: Algorithm,
    /// The value of `kid`, at most 256 bytes long. It must only be compared with the ids of known keys.
    pub(super) key_id: Option<String>,
    /// The value of `typ`. [`Typ`] decides whether it is accepted.
    pub(super) typ: Option<String>,
}

impl UnverifiedHeader {
    /// Parses the first segment of a token.
    pub(super) fn from_segment(segment: &[u8]) -> Result<Self, TokenError> {
        Self::from_json(&decode(segment)?)
    }

    fn from_json(text: &[u8]) -> Result<Self, TokenError> {
        let (mut algorithm, mut key_id, mut typ) = (None, None, None);
        read_object(text, |name, value| {
            match name {
                "alg" => algorithm = Some(read_algorithm(value)?),
                "kid" => key_id = Some(read_key_id(value)?),
                "typ" => typ = Some(value.into_string().ok_or(TokenError::BadHeader)?.into_owned()),
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

/// Decodes the first segment of a token.
pub(super) fn decode(segment: &[u8]) -> Result<Vec<u8>, TokenError> {
    if segment.len() > MAX_HEADER_LEN.div_ceil(3) * 4 {
        return Err(TokenError::TooLarge);
    }
    base64url::decode(segment).ok_or(TokenError::Malformed)
}

/// Returns a header's `kid`. Also reads headers that this library does not accept, for example because of their
/// algorithm.
pub(super) fn key_id_of_any(segment: &[u8]) -> Option<String> {
    let (mut algorithm, mut key_id) = (None, None);
    let text = decode(segment).ok()?;
    let read = read_object(&text, |name, value| {
        match name {
            "alg" => algorithm = value.into_string().map(drop),
            "kid" => key_id = Some(read_key_id(value)?),
            _ => {}
        }
        Ok(())
    });
    read.ok().and(algorithm).and(key_id)
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

/// Returns the encoded header for tokens signed with a key. The header has the members `alg`, `kid` (if the key has an
/// id) and `typ`, in the order that PyJWT uses.
pub(super) fn own_segment(algorithm: Algorithm, key_id: Option<&str>, typ: &Typ) -> String {
    let typ = format!(r#""typ":{}"#, Value::from(typ.own()));
    let text = match key_id {
        None => format!(r#"{{"alg":"{algorithm}",{typ}}}"#),
        Some(key_id) => format!(r#"{{"alg":"{algorithm}","kid":{},{typ}}}"#, Value::from(key_id)),
    };
    base64url::encode(text.as_bytes())
}

/// Returns the encoded headers that tokens signed with this key commonly have. The first is the header that
/// [`own_segment`] returns. The others have the same members, in the orders in which other libraries write them.
pub(super) fn common_segments(algorithm: Algorithm, key_id: Option<&str>, own_typ: &Typ) -> Vec<String> {
    let (alg, typ) = (format!(r#""alg":"{algorithm}""#), format!(r#""typ":{}"#, Value::from(own_typ.own())));
    let others = match key_id {
        None => vec![format!("{{{typ},{alg}}}")],
        Some(key_id) => {
            let kid = format!(r#""kid":{}"#, Value::from(key_id));
            vec![format!("{{{alg},{typ},{kid}}}"), format!("{{{typ},{alg},{kid}}}")]
        }
    };
    let others = others.iter().map(|text| base64url::encode(text.as_bytes()));
    std::iter::once(own_segment(algorithm, key_id, own_typ)).chain(others).collect()
}

/// Returns an encoded header with `alg`, `kid` and `typ`, followed by the members of `extra`. A `typ` in `extra`
/// replaces the usual `typ`, and must be one that `own_typ` accepts. A `kid` in `extra` is ignored: pass the `kid` as
/// `key_id`.
///
/// # Errors
/// [`SignError::KeyIdTooLong`], [`SignError::ReservedHeader`], [`SignError::BadHeader`], or [`SignError::TooLarge`] if
/// the header would be longer than [`MAX_HEADER_LEN`] bytes.
pub(super) fn segment_with(
    algorithm: Algorithm,
    key_id: Option<&str>,
    own_typ: &Typ,
    extra: &Map<String, Value>,
) -> Result<String, SignError> {
    if key_id.is_some_and(|id| id.len() > MAX_KEY_ID_LEN) {
        return Err(SignError::KeyIdTooLong);
    }
    if let Some(name) = extra.keys().find(|name| is_reserved(name)) {
        return Err(SignError::ReservedHeader(name.clone()));
    }
    let typ = match extra.get("typ") {
        None => own_typ.own(),
        Some(typ) => typ.as_str().ok_or(SignError::BadHeader("typ"))?,
    };
    if !own_typ.accepts(Some(typ)) {
        return Err(SignError::ReservedHeader("typ".to_owned()));
    }
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
