//! Encrypted text that a browser keeps for the application.

use super::Authenticator;

impl Authenticator {
    /// Encrypts text that a browser keeps for the application, for example in a cookie or a hidden field. Only an
    /// authenticator with the same keys can read such text or create it. Returns `None` if encryption fails.
    ///
    /// `purpose` says what the text is for. Text that was sealed for one purpose cannot be opened for another. If the
    /// text belongs to a user or must expire, include the user's id and the expiry time in the text, and check both
    /// after [`open_sealed`](Self::open_sealed).
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
        let sealed = self.keys_in_use().sealing.seal(purpose, text)?;
        Some(base64_simd::URL_SAFE_NO_PAD.encode_to_string(sealed))
    }

    /// Decrypts text that [`seal`](Self::seal) returned for the same purpose. Returns `None` for any other text.
    pub fn open_sealed(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let sealed = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(sealed).ok()?;
        self.keys_in_use().sealing.open(purpose, &sealed)
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
        // If the keys are rotated while a form is open, the form's text can still be opened.
        let rotated = with(KeySet::new(new).retire(old).unwrap()).unwrap();
        assert_eq!(rotated.open_sealed("form", &sealed).as_deref(), Some(&b"typed"[..]));
    }
}
