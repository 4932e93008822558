//! CSRF tokens for forms that users submit before they log in, when there is no session.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::cookie::SetCookies;
use crate::jwt::KeySet;

/// The length of a nonce in base64url, in bytes.
const NONCE_LEN: usize = 22;

/// The CSRF token for a log-in or sign-up form, and the cookie that goes with the token.
///
/// The token is a MAC of the cookie's value, so an attacker cannot compute the token for a cookie that the victim
/// already has. An attacker can open a form on this site to get a cookie and the matching token. However, the
/// `__Host-Http-` prefix keeps other sites from setting this cookie in the victim's browser. In addition, the origin
/// check refuses forms that are posted from other sites.
#[derive(Clone)]
pub struct PreSession {
    pub(crate) token: String,
    pub(crate) cookies: SetCookies,
}

impl PreSession {
    /// Returns the value for the hidden `csrf_token` field.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the value for the hidden `csrf_token` field, and the cookie to send with the page. No cookie is returned
    /// if the browser already has it.
    pub fn into_parts(self) -> (String, SetCookies) {
        (self.token, self.cookies)
    }
}

/// Omits the token.
impl fmt::Debug for PreSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreSession").field("cookies", &self.cookies).finish_non_exhaustive()
    }
}

/// The keys that compute pre-session tokens. The first key is derived from the signing key, or is random if there is no
/// signing key. The other keys are derived from retired signing keys.
pub(crate) struct PreSessionKeys(Vec<PreSessionKey>);

impl PreSessionKeys {
    /// Derives the keys. If `keys` has no signing key, the first key is random. When a process with a random key ends,
    /// the log-in and sign-up forms that are open in browsers become invalid.
    pub(crate) fn of(keys: &KeySet, label: &str) -> Self {
        let current = keys.signing_key().map_or_else(rand::random, |key| key.derive(label));
        let retired = keys.retired_keys().iter().map(|key| key.derive(label));
        Self(std::iter::once(current).chain(retired).map(|key| PreSessionKey::new(&key)).collect())
    }

    /// Returns the form-field value that matches this cookie value.
    pub(crate) fn token(&self, nonce: &[u8]) -> String {
        self.tokens(nonce).next().unwrap_or_default()
    }

    /// Returns all accepted form-field values: first the one from the current key, then the ones from the retired keys.
    pub(crate) fn tokens(&self, nonce: &[u8]) -> impl Iterator<Item = String> {
        self.0.iter().map(move |key| key.token(nonce))
    }
}

/// A key that computes tokens.
#[derive(Clone)]
pub(crate) struct PreSessionKey(Hmac<Sha256>);

impl PreSessionKey {
    fn new(key: &[u8; 32]) -> Self {
        // HMAC pads the key with zeros to the block size (RFC 2104 section 2). Pad the key here, because `new` cannot
        // fail for a key of the block size.
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(key);
        Self(<Hmac<Sha256> as KeyInit>::new(&block.into()))
    }

    /// Creates a random value for the pre-session cookie.
    pub(crate) fn nonce() -> String {
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(rand::random::<[u8; 16]>())
    }

    /// Returns whether a cookie's value can be a nonce.
    pub(crate) fn is_nonce(value: &[u8]) -> bool {
        value.len() == NONCE_LEN && value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    }

    /// Returns the form-field value that matches this cookie value.
    fn token(&self, nonce: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(nonce);
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(&mac.finalize().into_bytes()[..16])
    }
}
