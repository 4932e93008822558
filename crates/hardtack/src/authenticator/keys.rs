//! Replacing an authenticator's keys while requests are being served.

use super::Authenticator;
use crate::error::ConfigError;
use crate::jwt::KeySet;

impl Authenticator {
    /// Returns the key set that this authenticator currently uses.
    pub fn keys(&self) -> KeySet {
        self.0.keys.load().set.clone()
    }

    /// Replaces all of the keys that this authenticator and its clones use. You can call this method while requests are
    /// being served.
    ///
    /// If the new set still verifies tokens with the previous signing key, users stay logged in: see
    /// [`KeySet::retire`]. Tokens that were signed with a key that is not in the new set are refused from then on, even
    /// if they are cached.
    ///
    /// ```
    /// use hardtack::{Authenticator, KeySet, SigningKey};
    /// use hardtack::jwt::Algorithm;
    ///
    /// let old = SigningKey::generate(Algorithm::HS256)?.with_key_id("2025");
    /// let auth = Authenticator::builder(KeySet::new(old.clone())).base_url("https://site.example").build()?;
    ///
    /// let new = SigningKey::generate(Algorithm::HS256)?.with_key_id("2026");
    /// auth.replace_keys(KeySet::new(new).retire(old)?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If sessions are stored, this method returns [`ConfigError::VerifyingOnly`] and
    /// [`ConfigError::RandomizedRefreshSignature`] in the same cases as
    /// [`AuthenticatorBuilder::build`](crate::AuthenticatorBuilder::build). If this method returns an error, the
    /// authenticator keeps its previous keys.
    pub fn replace_keys(&self, keys: KeySet) -> Result<(), ConfigError> {
        self.0.keys.replace(keys, &self.0.settings, self.0.store.is_some())?;
        // Clear the cache last, so that a verification that began with the previous keys cannot add its token to the
        // cleared cache.
        self.0.token_cache.clear();
        Ok(())
    }
}
