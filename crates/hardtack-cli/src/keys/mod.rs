//! The keys of the server: set by the operator, or stored in the data folder.

mod folder;

use hardtack::KeySet;
use hardtack::jwt::Algorithm;

use crate::config::{Config, settings, signing_key};
use crate::error::Error;
pub(crate) use folder::{KeyFolder, StoredKey, expired, generate};

/// Loads the keys, and creates the first one if there is none.
pub(crate) fn load_or_create(config: &Config) -> Result<KeySet, Error> {
    let folder = KeyFolder::of(config);
    let mut stored = folder.read()?;
    if stored.is_empty() && config.signing_key.is_none() {
        stored.push(folder.create_first(config.algorithm.unwrap_or(Algorithm::HS256))?);
    }
    key_set(config, stored)
}

/// Loads the keys; `None` if there is no signing key. Creates nothing.
pub(crate) fn load(config: &Config) -> Result<Option<KeySet>, Error> {
    let stored = KeyFolder::of(config).read()?;
    if stored.is_empty() && config.signing_key.is_none() {
        return Ok(None);
    }
    key_set(config, stored).map(Some)
}

/// Returns the configured key, or a temporary one of the kind that would be created, to check the configuration
/// before anything is created.
pub(crate) fn placeholder(config: &Config) -> Result<KeySet, Error> {
    let key = match (&config.signing_key, config.algorithm) {
        (Some(key), _) => key.clone(),
        // Generating an RSA key takes about a second. The check needs only a key with deterministic signatures.
        (None, None | Some(Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512)) => generate(Algorithm::HS256)?,
        (None, Some(algorithm)) => generate(algorithm)?,
    };
    Ok(KeySet::new(key))
}

/// Signs with the key that is set, or else with the newest stored key, and verifies with all of them.
fn key_set(config: &Config, mut stored: Vec<StoredKey>) -> Result<KeySet, Error> {
    let signing = match (&config.signing_key, stored.pop()) {
        (Some(key), newest) => {
            stored.extend(newest);
            key.clone()
        }
        (None, Some(newest)) => {
            check_algorithm(config, &newest)?;
            newest.key
        }
        (None, None) => {
            return Err(Error::runtime("there is no key to sign with; create one with: hardtack keys rotate"));
        }
    };
    let mut others = stored.iter().rev().map(|stored| stored.key.verifying_key());
    let keys = others.try_fold(KeySet::new(signing), KeySet::also_verify).map_err(Error::config)?;
    signing_key::add_previous(&config.sources, keys, config.algorithm)
}

/// Refuses a `JWT_ALGORITHM` other than the newest key's.
fn check_algorithm(config: &Config, newest: &StoredKey) -> Result<(), Error> {
    match config.algorithm {
        Some(wanted) if wanted != newest.key.algorithm() => Err(Error::config(format_args!(
            "{}, but the signing key {} is for {}; create a new key with: hardtack keys rotate --alg {wanted}, or \
             remove {}",
            config.sources.describe(&settings::ALGORITHM),
            newest.path.display(),
            newest.key.algorithm(),
            config.sources.label(&settings::ALGORITHM),
        ))),
        _ => Ok(()),
    }
}
