//! The keys that stay in use if the key folder can no longer be loaded, although key files have been removed from it.

use hardtack::KeySet;
use hardtack::jwt::Algorithm;

use super::folder::{KeyFolder, StoredKey, generate};
use crate::config::{Config, signing_key};
use crate::error::Error;

/// What the server does with its keys if the folder cannot be loaded.
pub(super) struct Remaining {
    /// The keys to use: the ones whose files are still in the folder, and the ones that the operator gave to the
    /// server.
    pub(super) keys: KeySet,
    /// Whether a new key signs, because no key that can sign remains. Only this process knows the new key.
    pub(super) is_temporary: bool,
}

/// Finds out which keys remain. An operator who removes a key that was stolen relies on the servers to refuse its
/// tokens, even if another file in the folder is broken.
///
/// `loaded` contains the keys that were loaded last, and `signs` is the id of the key that signs. Returns `None` if the
/// files of all these keys are still there. Also returns `None` if the folder contains no key file at all, because a
/// network share that is not mounted looks like an empty folder.
pub(super) fn remaining(
    config: &Config,
    folder: &KeyFolder,
    loaded: &mut Vec<StoredKey>,
    signs: Option<&str>,
) -> Result<Option<Remaining>, Error> {
    let files = folder.list()?;
    if files.is_empty() || loaded.iter().all(|stored| files.contains(&stored.path)) {
        return Ok(None);
    }
    let mut stored: Vec<StoredKey> = Vec::new();
    let is_trusted = folder.files().is_ok();
    for path in &files {
        // If a file cannot be read now, the key that was loaded from it earlier stays in use. Another user might have
        // put new files into a folder that others can write to.
        let read = if is_trusted { folder.read_files(std::slice::from_ref(path)).ok() } else { None };
        let read = read.and_then(|keys| keys.into_iter().next());
        let key = read.or_else(|| loaded.iter().find(|stored| stored.path == *path).cloned());
        stored.extend(key.filter(|key| stored.iter().all(|other| other.key.key_id() != key.key.key_id())));
    }
    stored.sort_by_key(|stored| stored.number);
    let mut verify: Vec<_> = stored.iter().map(|stored| stored.key.clone()).collect();
    let mut signing = config.signing_key.clone();
    if signing.is_none() {
        // If the key that signs has been removed, no other server signs with it any more, so the newest key can sign
        // without an overlap.
        let same = verify.iter().position(|key| signs.is_some() && key.key_id() == signs);
        let newest = || verify.iter().rposition(|key| config.tokens.can_be_signed_with(key));
        signing = same.or_else(newest).map(|index| verify.remove(index));
    }
    let is_temporary = signing.is_none();
    let signing = match signing {
        Some(key) => key,
        None => generate(Algorithm::HS256)?.with_derived_id(),
    };
    let keys = verify.into_iter().rev().try_fold(KeySet::new(signing), KeySet::retire).map_err(Error::config)?;
    let keys = signing_key::add_previous(&config.sources, keys, config.algorithm)?;
    *loaded = stored;
    Ok(Some(Remaining { keys, is_temporary }))
}
