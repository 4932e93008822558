//! Keys: given by the operator, or kept in the data folder.

pub(crate) mod commands;
mod folder;
pub(crate) mod private;

use hardtack::jwt::Algorithm;
use hardtack::{KeySet, SigningKey};

use crate::error::Error;
use crate::settings::{Settings, options};
use folder::{KeyFolder, StoredKey};

/// The keys to serve with; makes the first one.
pub(crate) fn load_or_create(settings: &Settings) -> Result<KeySet, Error> {
    let folder = KeyFolder::of(settings);
    let mut stored = folder.read()?;
    if stored.is_empty() && settings.given_key.is_none() {
        stored.push(folder.create_first(settings.algorithm.unwrap_or(Algorithm::HS256))?);
    }
    key_set(settings, stored)
}

/// The keys that are there, if one of them signs. Makes nothing.
pub(crate) fn load(settings: &Settings) -> Result<Option<KeySet>, Error> {
    let stored = KeyFolder::of(settings).read()?;
    if stored.is_empty() && settings.given_key.is_none() {
        return Ok(None);
    }
    key_set(settings, stored).map(Some)
}

/// A key of the kind that would be made, to check settings with before one is.
pub(crate) fn stand_in(settings: &Settings) -> Result<KeySet, Error> {
    let key = match (&settings.given_key, settings.algorithm) {
        (Some(key), _) => key.clone(),
        // RSA keys take a second to make, and count here as any that signs the same way each time.
        (None, None | Some(Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512)) => generate(Algorithm::HS256)?,
        (None, Some(algorithm)) => generate(algorithm)?,
    };
    Ok(KeySet::new(key))
}

/// The given key signs, or else the newest stored one. All others verify.
fn key_set(settings: &Settings, mut stored: Vec<StoredKey>) -> Result<KeySet, Error> {
    let signing = match (&settings.given_key, stored.pop()) {
        (Some(given), newest) => {
            stored.extend(newest);
            given.clone()
        }
        (None, Some(newest)) => {
            check_algorithm(settings, &newest)?;
            newest.key
        }
        (None, None) => return Err(Error::runtime("there is no key to sign with")),
    };
    let mut retired = stored.iter().rev().map(|stored| stored.key.verifying_key());
    retired.try_fold(KeySet::new(signing), KeySet::also_verify).map_err(Error::config)
}

fn check_algorithm(settings: &Settings, newest: &StoredKey) -> Result<(), Error> {
    match settings.algorithm {
        Some(wanted) if wanted != newest.key.algorithm() => Err(Error::config(format_args!(
            "{}, and the signing key {} is one for {}; make a new one with: hardtack keys rotate --alg {wanted}, or \
             leave {} out",
            settings.layers.named(&options::ALGORITHM),
            newest.path.display(),
            newest.key.algorithm(),
            settings.layers.label(&options::ALGORITHM),
        ))),
        _ => Ok(()),
    }
}

pub(crate) fn generate(algorithm: Algorithm) -> Result<SigningKey, Error> {
    SigningKey::generate(algorithm).map_err(Error::runtime)
}
