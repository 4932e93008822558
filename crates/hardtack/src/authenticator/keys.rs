//! The keys in use, which can be replaced while requests are served.

use arc_swap::ArcSwap;

use super::Authenticator;
use crate::config::{RefreshMode, Settings};
use crate::csrf::PreSessionKeys;
use crate::error::ConfigError;
use crate::jwt::KeySet;

/// The key set, and the keys of pre-session forms that are derived from it.
pub(super) struct KeysInUse(ArcSwap<Keys>);

pub(crate) struct Keys {
    pub(crate) set: KeySet,
    pub(crate) pre_session: PreSessionKeys,
}

impl KeysInUse {
    /// # Errors
    /// Those of [`Authenticator::replace_keys`].
    pub(super) fn new(set: KeySet, settings: &Settings, has_store: bool) -> Result<Self, ConfigError> {
        Keys::new(set, settings, has_store).map(|keys| Self(ArcSwap::from_pointee(keys)))
    }

    /// The keys at this moment. Nothing waits for a replacement.
    #[inline]
    pub(super) fn load(&self) -> impl std::ops::Deref<Target = std::sync::Arc<Keys>> + use<> {
        self.0.load()
    }
}

impl Keys {
    fn new(set: KeySet, settings: &Settings, has_store: bool) -> Result<Self, ConfigError> {
        if has_store {
            check_signing_key(&set, settings.refresh)?;
        }
        let label = settings.realm.as_ref().map(|realm| format!("pre-session of {realm}"));
        let pre_session = PreSessionKeys::of(&set, label.as_deref().unwrap_or("pre-session"));
        let set = if settings.flask { set.ignore_unknown_key_ids() } else { set };
        Ok(Self { set, pre_session })
    }
}

impl Authenticator {
    /// Returns the keys that sign and verify.
    pub fn keys(&self) -> KeySet {
        self.0.keys.load().set.clone()
    }

    /// Replaces all keys, for this authenticator and its clones, while requests are served.
    ///
    /// Nobody is logged out if the new set still verifies with the previous signing key: see [`KeySet::retire`].
    /// A token that was signed with a key that is not in the new set is refused from now on, also if its verification
    /// is cached.
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
    /// With stored sessions, [`ConfigError::VerifyingOnly`] and [`ConfigError::RandomizedRefreshSignature`] as in
    /// [`AuthenticatorBuilder::build`](crate::AuthenticatorBuilder::build). The previous keys stay in use.
    pub fn replace_keys(&self, keys: KeySet) -> Result<(), ConfigError> {
        let keys = Keys::new(keys, &self.0.settings, self.0.store.is_some())?;
        self.0.keys.0.store(keys.into());
        // After the keys: a verification that began with the previous keys finds that the cache is another one by now.
        self.0.token_cache.clear();
        Ok(())
    }
}

/// Refresh tokens of stored sessions are computed from the session's row, so their signatures must be deterministic.
fn check_signing_key(keys: &KeySet, mode: RefreshMode) -> Result<(), ConfigError> {
    let signing = keys.signing_key().ok_or(ConfigError::VerifyingOnly)?;
    if !signing.is_deterministic() && mode != RefreshMode::Sliding {
        return Err(ConfigError::RandomizedRefreshSignature { algorithm: signing.algorithm().as_str() });
    }
    Ok(())
}
