//! The keys in use.

use arc_swap::ArcSwap;

use super::sealing_keys::SealingKeys;
use crate::config::{RefreshMode, Settings};
use crate::csrf::PreSessionKeys;
use crate::device_binding::Challenges;
use crate::error::ConfigError;
use crate::jwt::KeySet;

/// The key set, and the keys that are derived from it.
pub(super) struct KeysInUse(ArcSwap<Keys>);

pub(crate) struct Keys {
    pub(crate) set: KeySet,
    pub(crate) pre_session: PreSessionKeys,
    pub(super) sealing: SealingKeys,
    /// The keys that authenticate challenges for sessions that are bound to devices.
    pub(super) challenges: Challenges,
}

impl KeysInUse {
    /// # Errors
    /// Returns the same errors as [`Authenticator::replace_keys`](super::Authenticator::replace_keys).
    pub(super) fn new(set: KeySet, settings: &Settings, has_store: bool) -> Result<Self, ConfigError> {
        Keys::new(set, settings, has_store).map(|keys| Self(ArcSwap::from_pointee(keys)))
    }

    /// # Errors
    /// Returns the same errors as [`Authenticator::replace_keys`](super::Authenticator::replace_keys).
    pub(super) fn replace(&self, set: KeySet, settings: &Settings, has_store: bool) -> Result<(), ConfigError> {
        self.0.store(Keys::new(set, settings, has_store)?.into());
        Ok(())
    }

    /// Returns the keys in use. A caller never waits while another thread replaces the keys.
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
        let label = |purpose: &str| match &settings.realm {
            Some(realm) => format!("{purpose} of {realm}"),
            None => purpose.to_owned(),
        };
        let pre_session = PreSessionKeys::of(&set, &label("pre-session"));
        let sealing = SealingKeys::of(&set, &label("sealing"));
        let challenges = Challenges::of(&set, &label("device challenge"));
        let set = if settings.flask { set.ignore_unknown_key_ids().insecure_any_typ() } else { set };
        Ok(Self { set, pre_session, sealing, challenges })
    }
}

/// Checks that the key set can sign, and that its signatures are deterministic if there are refresh tokens. The refresh
/// token of a stored session is computed from the session's row, and must be the same each time it is computed.
fn check_signing_key(keys: &KeySet, mode: RefreshMode) -> Result<(), ConfigError> {
    let signing = keys.signing_key().ok_or(ConfigError::VerifyingOnly)?;
    if !signing.is_deterministic() && mode != RefreshMode::Sliding {
        return Err(ConfigError::RandomizedRefreshSignature { algorithm: signing.algorithm().as_str() });
    }
    Ok(())
}
