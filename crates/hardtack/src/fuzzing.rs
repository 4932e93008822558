//! Makes private parsers available to the fuzz targets in `fuzz/`. This module exists only if the crate is compiled
//! with `--cfg fuzzing`, as `cargo fuzz` does. It is not part of the API.

use crate::body::{FormPeek, FormToken, JsonPeek, JsonTokens, Member};
use crate::cookie::CookieName;
use crate::device_binding::{DeviceKey, read_refresh, read_registration, read_value};
use crate::jwt::{Claims, ClaimsProfile, SigningKey, TokenKind, sign_jws};
use crate::testing::TestRequest;
use crate::token_source::{Extracted, TokenLocation, TokenSources, extract};

/// Signs a token with any header and payload.
pub fn sign(header: &str, payload: &[u8], key: &SigningKey) -> String {
    sign_jws(header, payload, key).unwrap_or_default()
}

/// Reads the value of `Secure-Session-Response` or `Sec-Secure-Session-Id`.
pub fn structured_field(field: &[u8]) -> Option<String> {
    read_value(field)
}

/// Verifies a registration proof. Returns the key as text, and the challenge.
pub fn registration(proof: &str) -> Option<(String, String)> {
    let (key, challenge) = read_registration(proof, None).ok()?;
    Some((key.to_text(), challenge))
}

/// Verifies a refresh proof with a key that [`registration`] returned. Returns the challenge.
pub fn refresh(proof: &str, key: &str) -> Option<String> {
    read_refresh(proof, &DeviceKey::from_text(key).ok()?, None).ok()
}

/// Reads claims with the strict reader only, and does not try the fast reader.
pub fn strict_claims(payload: &[u8]) -> Option<Claims> {
    ClaimsProfile::STRICT.read(payload).ok()
}

/// Returns the token in the `Authorization` fields.
pub fn bearer_token(fields: &[&[u8]]) -> Option<Vec<u8>> {
    let request = TestRequest::new("GET", "/").fields(fields.iter().map(|field| ("authorization", field)));
    let (sources, cookie) = (TokenSources::default(), CookieName::new("id"));
    match extract(TokenLocation::Headers, TokenKind::Access, &request.head(), &sources, &cookie, None) {
        Extracted::Token(token) => Some(token.into_owned()),
        _ => None,
    }
}

/// Returns the value of the form's `csrf_token` field. `body` arrives in chunks of `chunk` bytes.
pub fn form_value(content_type: &[u8], body: &[u8], chunk: usize) -> Option<String> {
    let request = TestRequest::new("POST", "/").field("content-type", content_type);
    let mut peek = FormPeek::start(&request.head(), "csrf_token", "csrf_token", 1 << 16)?;
    let _ = body.chunks(chunk.max(1)).all(|chunk| peek.push(chunk));
    match peek.finish().0.access {
        FormToken::Found(value) => Some(value),
        _ => None,
    }
}

/// Returns the `access_token` member of a JSON body. `body` arrives in chunks of `chunk` bytes.
pub fn json_token(body: &[u8], chunk: usize) -> Option<String> {
    let request = TestRequest::new("POST", "/").field("content-type", "application/json");
    let mut peek = JsonPeek::start(&request.head(), "access_token", "refresh_token", false, 1 << 16)?;
    let _ = body.chunks(chunk.max(1)).all(|chunk| peek.push(chunk));
    match peek.finish().0 {
        JsonTokens::Read { access: Member::Text(token), .. } => Some(token),
        _ => None,
    }
}
