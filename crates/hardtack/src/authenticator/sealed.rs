//! Encrypted text that a browser keeps for the application.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::Authenticator;
use crate::jwt::KeySet;

/// The keys that encrypt: first that of the signing key, then those of keys that signed before.
pub(super) struct SealingKeys(Vec<LessSafeKey>);

impl SealingKeys {
    /// Derives the keys. If the set can only verify, a random key is used: text is then readable until this process
    /// ends.
    pub(super) fn of(keys: &KeySet, label: &str) -> Self {
        let current = keys.signing_key().map_or_else(rand::random, |key| key.derive(label));
        let retired = keys.retired_keys().iter().map(|key| key.derive(label));
        let unbound = |key: [u8; 32]| UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new);
        Self(std::iter::once(current).chain(retired).filter_map(unbound).collect())
    }
}

impl Authenticator {
    /// Encrypts text that a browser keeps for the application, for example in a cookie or a hidden field. Only an
    /// authenticator with the same keys can read it or make another one. Returns `None` if encryption fails.
    ///
    /// `purpose` says what the text is for: text that was sealed for one purpose cannot be used for another. Put into the
    /// text whose it is and how long it counts, and check both after [`open_sealed`](Self::open_sealed).
    ///
    /// ```
    /// # use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};
    /// # let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    /// # let auth = Authenticator::builder(keys).base_url("https://site.example").build()?;
    /// let sealed = auth.seal("draft", b"alice: Dear Bob").unwrap();
    /// assert_eq!(auth.open_sealed("draft", &sealed).as_deref(), Some(&b"alice: Dear Bob"[..]));
    /// assert_eq!(auth.open_sealed("vote", &sealed), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn seal(&self, purpose: &str, text: &[u8]) -> Option<String> {
        let keys = self.keys_in_use();
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = text.to_vec();
        let key = keys.sealing.0.first()?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut sealed).ok()?;
        Some(base64_simd::URL_SAFE_NO_PAD.encode_to_string([&nonce[..], &sealed].concat()))
    }

    /// Decrypts text that [`seal`](Self::seal) returned for this purpose. Returns `None` for anything else.
    pub fn open_sealed(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let keys = self.keys_in_use();
        keys.sealing.0.iter().find_map(|key| {
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

#[cfg(test)]
mod tests {
    use crate::jwt::{Algorithm, KeySet, SigningKey};
    use crate::{Authenticator, ConfigError};

    fn with(keys: KeySet) -> Result<Authenticator, ConfigError> {
        Authenticator::builder(keys).base_url("https://site.example").build()
    }

    #[test]
    fn a9_sealed_text_is_read_by_its_keys_and_for_its_purpose_only() {
        let key = || SigningKey::generate(Algorithm::HS256).unwrap();
        let (old, new) = (key(), key());
        let site = with(KeySet::new(old.clone())).unwrap();
        let sealed = site.seal("form", b"typed").unwrap();
        assert_ne!(site.seal("form", b"typed").unwrap(), sealed);
        assert_eq!(site.open_sealed("form", &sealed).as_deref(), Some(&b"typed"[..]));
        assert_eq!(site.open_sealed("other", &sealed), None);
        let mut forged = sealed.clone().into_bytes();
        let last = forged.len() - 2;
        forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
        for bad in [String::from_utf8(forged).unwrap(), String::new(), "A".into(), "AAAA".into(), "é".into()] {
            assert_eq!(site.open_sealed("form", &bad), None, "{bad}");
        }
        assert_eq!(with(KeySet::new(new.clone())).unwrap().open_sealed("form", &sealed), None);
        // A form is kept while the keys are rotated.
        let rotated = with(KeySet::new(new).retire(old).unwrap()).unwrap();
        assert_eq!(rotated.open_sealed("form", &sealed).as_deref(), Some(&b"typed"[..]));
    }
}
