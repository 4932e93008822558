//! The server's keys. Either the operator sets them, or they are stored in the data folder.

mod cache;
mod clock_check;
mod folder;
mod removed;
mod roles;
mod slow_work;
mod watch;

use std::time::Duration;

use hardtack::clock::{Clock, SystemClock};
use hardtack::jwt::Algorithm;
use hardtack::{KeySet, SigningKey};

use crate::config::{Config, settings, signing_key};
use crate::error::Error;
pub(crate) use folder::{KeyFolder, StoredKey, generate};
pub(crate) use roles::Role;
use roles::Rules;
pub(crate) use watch::{Hangup, watch};

/// Loads the keys, and creates the first one if there is none.
pub(crate) fn load_or_create(config: &Config) -> Result<KeySet, Error> {
    let folder = KeyFolder::of(config);
    let mut stored = folder.read()?;
    if stored.is_empty() && config.signing_key.is_none() {
        stored.push(folder.create_first(config.algorithm.unwrap_or(Algorithm::HS256))?);
    }
    let keys = key_set(config, &folder, stored, DeadKeys::Unused)?;
    check_algorithm(config, &keys)?;
    Ok(keys)
}

/// Records in the key folder how this server uses the keys: the longest lifetime of its tokens, and whether it signs
/// with a key from outside the folder. `others_given` says whether another running server signs with a key from outside
/// the folder. Call this function just before the server starts to serve requests.
pub(crate) fn record_use(config: &Config, others_given: bool) -> Result<(), Error> {
    let folder = KeyFolder::of(config);
    let given = config.signing_key.is_some();
    if folder.files()?.is_empty() {
        // Only `hardtack keys` reads this record. This server uses no key from the folder, so it does not need write
        // access, and continues if writing fails.
        if let Err(error) = folder.record_superseded(true) {
            tracing::debug!(event = "given_key_not_recorded", %error);
        }
        return Ok(());
    }
    folder.record_lifetime(config.tokens.longest_lifetime())?;
    match given || !others_given {
        true => folder.record_superseded(given),
        // Another server has recorded that it signs with a key outside the folder. Keep that record.
        false => Ok(()),
    }
}

/// Loads the keys without creating any. Returns `None` if there is no signing key.
pub(crate) fn load(config: &Config) -> Result<Option<KeySet>, Error> {
    let folder = KeyFolder::of(config);
    let stored = folder.read()?;
    if stored.is_empty() && config.signing_key.is_none() {
        return Ok(None);
    }
    let keys = key_set(config, &folder, stored, DeadKeys::Unused)?;
    check_algorithm(config, &keys)?;
    Ok(Some(keys))
}

/// Checks that a server with these settings can load the folder after the new key `key` has been added and all keys
/// but `kept` have been removed.
pub(crate) fn check_loadable(
    config: &Config,
    folder: &KeyFolder,
    kept: &[StoredKey],
    number: u32,
    key: &SigningKey,
) -> Result<(), Error> {
    let (key, created_at) = (key.clone().with_key_id(format!("{number:04}")), SystemClock.now());
    let new = StoredKey { number, path: folder.file(number), key, created_at };
    let stored = kept.iter().cloned().chain([new]).collect();
    key_set(config, folder, stored, DeadKeys::Unused).map(drop)
}

/// Returns a key set for checking the configuration before anything is created. If a key is configured, the set
/// contains that key. If not, the set contains a temporary key, which stands in for the key that the server would
/// create.
pub(crate) fn placeholder(config: &Config) -> Result<KeySet, Error> {
    let key = match (&config.signing_key, config.algorithm) {
        (Some(key), _) => key.clone(),
        // Generating an RSA key takes about a second. The check needs only a key with deterministic signatures.
        (None, None | Some(Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512)) => generate(Algorithm::HS256)?,
        (None, Some(algorithm)) => generate(algorithm)?,
    };
    Ok(KeySet::new(key))
}

/// What to do with keys whose tokens have expired according to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeadKeys {
    Unused,
    /// Keep these keys for verification, because the clock may be wrong.
    Verify,
}

/// Returns the keys to use. New tokens are signed with the configured key or, if no key is configured, with a stored
/// key. Tokens are verified with every key whose tokens may still be valid.
fn key_set(config: &Config, folder: &KeyFolder, stored: Vec<StoredKey>, dead: DeadKeys) -> Result<KeySet, Error> {
    let roles = roles(config, folder, &stored, config.signing_key.is_some())?;
    let mut signing = config.signing_key.clone();
    let (mut published, mut retired) = (Vec::new(), Vec::new());
    for (stored, role) in stored.into_iter().zip(roles) {
        match role {
            Role::Signs => signing = Some(stored.key),
            Role::Published => published.push(stored.key.verifying_key()),
            Role::Retired => retired.push(stored.key),
            Role::Dead if dead == DeadKeys::Verify => retired.push(stored.key),
            Role::Dead => {}
        }
    }
    let signing = signing.ok_or_else(no_signing_key)?;
    let keys = published.into_iter().try_fold(KeySet::new(signing), KeySet::also_verify);
    let keys = retired.into_iter().rev().try_fold(keys.map_err(Error::config)?, KeySet::retire);
    signing_key::add_previous(&config.sources, keys.map_err(Error::config)?, config.algorithm)
}

fn no_signing_key() -> Error {
    Error::runtime(
        "there is no key to sign with; restore the key files, or mount the folder that contains them; to log everyone out \
         and sign with a new key instead: hardtack keys rotate",
    )
}

/// Returns how long a new key only verifies tokens, before it also signs them.
pub(crate) fn overlap(config: &Config) -> Duration {
    roles::overlap(config.tokens.clock_skew())
}

/// Returns what each stored key is used for now. `given` says whether a key outside the folder signs the tokens.
pub(crate) fn roles(
    config: &Config,
    folder: &KeyFolder,
    stored: &[StoredKey],
    given: bool,
) -> Result<Vec<Role>, Error> {
    let superseded_at = if given { folder.superseded_at()? } else { None };
    let overlap = overlap(config);
    let rules = Rules { overlap, longest_lifetime: longest_lifetime(config, folder)?, superseded_at };
    let created_at: Vec<_> = stored.iter().map(|stored| stored.created_at).collect();
    let roles = rules.roles(&created_at, SystemClock.now());
    // If a key outside the folder signs the tokens, none of the stored keys does. If the folder does not record when
    // that key began to sign, all stored keys still verify tokens.
    Ok(roles.into_iter().map(|role| if given && role == Role::Signs { Role::Retired } else { role }).collect())
}

/// Returns the longest time that a token can stay valid after it is signed, according to this server's configuration
/// and the configurations of the other servers that use the folder.
fn longest_lifetime(config: &Config, folder: &KeyFolder) -> Result<Duration, Error> {
    Ok(config.tokens.longest_lifetime().max(folder.recorded_lifetime()?))
}

/// Returns an error if `JWT_ALGORITHM` is set, but the key in the folder that signs the tokens is for a different
/// algorithm. A server does not start with this error. A running server uses the key, because the operator created it
/// after the server had started.
fn check_algorithm(config: &Config, keys: &KeySet) -> Result<(), Error> {
    let (Some(wanted), None, Some(key)) = (config.algorithm, &config.signing_key, keys.signing_key()) else {
        return Ok(());
    };
    if key.algorithm() == wanted {
        return Ok(());
    }
    Err(Error::config(format_args!(
        "{}, but the key {} in {} is for {}; create a new key with: hardtack keys rotate --alg {wanted}, or remove {}",
        config.sources.describe(&settings::ALGORITHM),
        key.key_id().unwrap_or_default(),
        config.keys_dir().display(),
        key.algorithm(),
        config.sources.label(&settings::ALGORITHM),
    )))
}
