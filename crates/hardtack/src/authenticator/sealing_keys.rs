//! The keys that encrypt text for browsers.

use std::fmt;

use super::chacha20_poly1305::{Key, NONCE_LEN};
use crate::jwt::KeySet;

/// The encryption keys. The first is derived from the current signing key, and the others are derived from retired
/// signing keys.
pub(super) struct SealingKeys(Vec<Key>);

impl SealingKeys {
    /// Derives the encryption keys from the signing keys in `keys`. If `keys` can only verify tokens, the first
    /// encryption key is random. Text that was sealed with a random key cannot be opened after this process has ended.
    pub(super) fn of(keys: &KeySet, label: &str) -> Self {
        let current = keys.signing_key().map_or_else(rand::random, |key| key.derive(label));
        let retired = keys.retired_keys().iter().map(|key| key.derive(label));
        Self(std::iter::once(current).chain(retired).map(Key::new).collect())
    }

    /// Encrypts text with the first key. Returns the nonce, the ciphertext and its tag.
    pub(super) fn seal(&self, purpose: &str, text: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = text.to_vec();
        self.0.first()?.encrypt(&nonce, purpose.as_bytes(), &mut sealed)?;
        Some([&nonce[..], &sealed].concat())
    }

    /// Decrypts text that was encrypted for `purpose`.
    pub(super) fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk()?;
        self.0.iter().find_map(|key| key.decrypt(nonce, purpose.as_bytes(), sealed))
    }
}

/// Omits the keys.
impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKeys").finish_non_exhaustive()
    }
}
