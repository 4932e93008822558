//! The hidden field of forms that come before a log-in, when there is no session to tie it to.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::cookie::SetCookies;

/// The bytes of a nonce, in base64url.
const NONCE_LEN: usize = 22;

/// The token for a log-in or sign-up form, and the cookie that goes with it.
///
/// The field holds a MAC of the cookie: nobody can make the field that matches a cookie which the
/// victim already has. That nobody plants a pair fetched from this site is up to the cookie's `__Host-`
/// prefix, and to the check of the request's origin, which comes first.
#[derive(Clone)]
pub struct PreSession {
    pub(crate) token: String,
    pub(crate) cookies: SetCookies,
}

impl PreSession {
    /// The value for the hidden `csrf_token` field.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The same value, and the cookie to set with the page; none if the browser has it already.
    pub fn into_parts(self) -> (String, SetCookies) {
        (self.token, self.cookies)
    }
}

/// Without the token.
impl fmt::Debug for PreSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreSession").field("cookies", &self.cookies).finish_non_exhaustive()
    }
}

/// Makes and recomputes the tokens.
#[derive(Clone)]
pub(crate) struct PreSessionKey(Hmac<Sha256>);

impl PreSessionKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // HMAC pads a key to the hash's block with zeros (RFC 2104 §2); done here, it cannot fail.
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(key);
        Self(<Hmac<Sha256> as KeyInit>::new(&block.into()))
    }

    /// A new value for the cookie.
    pub(crate) fn nonce() -> String {
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(rand::random::<[u8; 16]>())
    }

    /// Whether a cookie's value has the shape of a nonce.
    pub(crate) fn is_nonce(value: &[u8]) -> bool {
        value.len() == NONCE_LEN && value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    }

    /// The field's value for a cookie's.
    pub(crate) fn token(&self, nonce: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(nonce);
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(&mac.finalize().into_bytes()[..16])
    }
}
