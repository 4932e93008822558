//! The keys that encrypt text for browsers.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::jwt::KeySet;

/// The encryption keys. The first is derived from the current signing key, and the others are derived from retired
/// signing keys.
pub(super) struct SealingKeys(Vec<LessSafeKey>);

impl SealingKeys {
    /// Derives the encryption keys from the signing keys in `keys`. If `keys` can only verify tokens, the first
    /// encryption key is random. Text that was sealed with a random key cannot be opened after this process has ended.
    pub(super) fn of(keys: &KeySet, label: &str) -> Self {
        let current = keys.signing_key().map_or_else(rand::random, |key| key.derive(label));
        let retired = keys.retired_keys().iter().map(|key| key.derive(label));
        let unbound = |key: [u8; 32]| UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new);
        Self(std::iter::once(current).chain(retired).filter_map(unbound).collect())
    }

    /// Encrypts text with the first key. Returns the nonce, the ciphertext and its tag.
    pub(super) fn seal(&self, purpose: &str, text: &[u8]) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = text.to_vec();
        let key = self.0.first()?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut sealed).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// Decrypts text that was encrypted for this purpose.
    pub(super) fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        self.0.iter().find_map(|key| {
            let mut text = sealed.to_vec();
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let len = key.open_in_place(nonce, Aad::from(purpose), &mut text).ok()?.len();
            text.truncate(len);
            Some(text)
        })
    }
}

/// Omits the keys.
impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKeys").finish_non_exhaustive()
    }
}
