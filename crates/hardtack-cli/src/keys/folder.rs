//! The keys in the data folder: `keys/0001.jwk`, `keys/0002.jwk`, … The newest signs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hardtack::SigningKey;
use hardtack::clock::{Clock, SystemClock, Timestamp};
use hardtack::jwt::Algorithm;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::error::Error;
use crate::private_file;

/// The JWK member with the time of creation. RFC 7517 does not define one.
const CREATED_AT: &str = "iat";

/// A key and its file.
pub(crate) struct StoredKey {
    pub(crate) number: u32,
    pub(crate) path: PathBuf,
    pub(crate) key: SigningKey,
    pub(crate) created_at: Timestamp,
}

/// The folder of the keys.
pub(crate) struct KeyFolder {
    path: PathBuf,
    /// How errors refer to the data folder.
    data_dir: String,
}

impl KeyFolder {
    pub(crate) fn of(config: &Config) -> Self {
        Self { path: config.keys_dir(), data_dir: config.data_dir_label() }
    }

    /// Reads all keys, the oldest first; none if there is no folder.
    pub(crate) fn read(&self) -> Result<Vec<StoredKey>, Error> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.unusable(&error)),
        };
        let mut keys = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| self.unusable(&error))?.path();
            if path.extension().is_some_and(|extension| extension == "jwk") {
                keys.push(read(&path)?);
            }
        }
        keys.sort_by_key(|stored| stored.number);
        Ok(keys)
    }

    /// Creates the first key. If several processes do so at once, all of them get the same key.
    pub(super) fn create_first(&self, algorithm: Algorithm) -> Result<StoredKey, Error> {
        self.add(1, generate(algorithm)?)?;
        read(&self.file(1))
    }

    /// Writes a key under a new id. Returns false if the folder already has a key with that number.
    pub(crate) fn add(&self, number: u32, key: SigningKey) -> Result<bool, Error> {
        private_file::create_folder(&self.path).map_err(|error| self.unusable(&error))?;
        private_file::create(&self.file(number), &to_jwk(number, key)).map_err(|error| self.unusable(&error))
    }

    /// Deletes a key.
    pub(crate) fn remove(&self, stored: &StoredKey) -> Result<(), Error> {
        fs::remove_file(&stored.path).map_err(|error| self.unusable(&error))
    }

    pub(crate) fn file(&self, number: u32) -> PathBuf {
        self.path.join(format!("{number:04}.jwk"))
    }

    fn unusable(&self, error: &io::Error) -> Error {
        Error::runtime(format_args!(
            "{} cannot be used: {}: {error}; expected a folder that this user can write to",
            self.data_dir,
            self.path.display()
        ))
    }
}

/// Generates a key.
pub(crate) fn generate(algorithm: Algorithm) -> Result<SigningKey, Error> {
    SigningKey::generate(algorithm).map_err(Error::with_causes)
}

/// Returns the keys that were replaced so long ago that all their tokens have expired. `keys` is sorted from the oldest
/// key to the newest.
pub(crate) fn expired(
    keys: &[StoredKey],
    longest_lifetime: Duration,
    now: Timestamp,
) -> impl Iterator<Item = &StoredKey> {
    let replaced = keys.iter().zip(keys.iter().skip(1));
    replaced.filter(move |(_, successor)| now.since(successor.created_at) > longest_lifetime).map(|(key, _)| key)
}

/// The text of a key file. The key id is the number followed by eight hex digits that differ from folder to folder.
fn to_jwk(number: u32, key: SigningKey) -> Zeroizing<String> {
    let unique: String = key.derive("key id").iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let json = Zeroizing::new(key.with_key_id(format!("{number:04}-{unique}")).dangerous_to_private_jwk_json());
    let created_at = SystemClock.now().unix_seconds();
    // Add the member before the closing brace.
    let members = json.trim_end().trim_end_matches('}');
    Zeroizing::new(format!("{members},\"{CREATED_AT}\":{created_at}}}\n"))
}

fn read(path: &Path) -> Result<StoredKey, Error> {
    let invalid = |reason: &dyn std::fmt::Display| {
        Error::config(format_args!("{} is not a key that hardtack created: {reason}", path.display()))
    };
    let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
    let number = number.ok_or_else(|| invalid(&"expected a number as its name, such as 0002.jwk"))?;
    let text = private_file::read(path)?;
    let key = SigningKey::from_jwk(text.trim_end()).map_err(|error| invalid(&error))?;
    if key.key_id().is_none() {
        return Err(invalid(&"it has no kid; create keys with: hardtack keys rotate"));
    }
    let members: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    let created_at = members.get(CREATED_AT).and_then(Value::as_i64);
    let created_at = created_at.ok_or_else(|| invalid(&"it has no iat; create keys with: hardtack keys rotate"))?;
    Ok(StoredKey { number, path: path.to_owned(), key, created_at: Timestamp::from_unix_seconds(created_at) })
}
