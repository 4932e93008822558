//! The keys of the data folder: `keys/0001.jwk`, `keys/0002.jwk`, …; the newest signs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hardtack::SigningKey;
use hardtack::clock::{Clock, SystemClock, Timestamp};
use hardtack::jwt::Algorithm;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{generate, private};
use crate::error::Error;
use crate::settings::Settings;

/// When a key was made, beside the members of RFC 7517.
const MADE_AT: &str = "iat";

/// A key and its file.
pub(super) struct StoredKey {
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) key: SigningKey,
    pub(super) made_at: Timestamp,
}

/// The folder of the keys.
pub(super) struct KeyFolder {
    path: PathBuf,
    /// How errors name the data folder.
    data_dir: String,
}

impl KeyFolder {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { path: settings.keys_dir(), data_dir: settings.data_dir_label() }
    }

    /// All keys, the oldest first; none if there is no folder.
    pub(super) fn read(&self) -> Result<Vec<StoredKey>, Error> {
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

    /// Makes the first key. Of several programs that do so at once, one does, and all use that.
    pub(super) fn create_first(&self, algorithm: Algorithm) -> Result<StoredKey, Error> {
        self.add(1, generate(algorithm)?)?;
        read(&self.file(1))
    }

    /// Adds a key under an id of its own; false if there is one of that number already.
    pub(super) fn add(&self, number: u32, key: SigningKey) -> Result<bool, Error> {
        private::create_folder(&self.path).map_err(|error| self.unusable(&error))?;
        private::create(&self.file(number), &write(number, key)).map_err(|error| self.unusable(&error))
    }

    /// Removes a key for good.
    pub(super) fn remove(&self, stored: &StoredKey) -> Result<(), Error> {
        fs::remove_file(&stored.path).map_err(|error| self.unusable(&error))
    }

    pub(super) fn file(&self, number: u32) -> PathBuf {
        self.path.join(format!("{number:04}.jwk"))
    }

    fn unusable(&self, error: &io::Error) -> Error {
        Error::runtime(format_args!(
            "{} cannot be used, because of {}: {error}; expected a folder that this user may write to",
            self.data_dir,
            self.path.display()
        ))
    }
}

/// Of keys in order, those that were replaced so long ago that no token of theirs can be alive.
pub(super) fn dead(keys: &[StoredKey], longest_token: Duration, now: Timestamp) -> impl Iterator<Item = &StoredKey> {
    let replaced = keys.iter().zip(keys.iter().skip(1));
    replaced.filter(move |(_, successor)| now.since(successor.made_at) > longest_token).map(|(key, _)| key)
}

/// A file's text. The id is the number, and eight digits that no other data folder has.
fn write(number: u32, key: SigningKey) -> Zeroizing<String> {
    let unique: String = key.derive("key id").iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let json = Zeroizing::new(key.with_key_id(format!("{number:04}-{unique}")).dangerous_to_private_jwk_json());
    let made_at = SystemClock.now().unix_seconds();
    // The text ends in the object's brace.
    let members = json.trim_end().trim_end_matches('}');
    Zeroizing::new(format!("{members},\"{MADE_AT}\":{made_at}}}\n"))
}

fn read(path: &Path) -> Result<StoredKey, Error> {
    let wrong =
        |why: &dyn std::fmt::Display| Error::config(format_args!("{} is no key of ours: {why}", path.display()));
    let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
    let number = number.ok_or_else(|| wrong(&"expected a number for a name, such as 0002.jwk"))?;
    let text = private::read(path)?;
    let key = SigningKey::from_jwk(text.trim_end()).map_err(|error| wrong(&error))?;
    if key.key_id().is_none() {
        return Err(wrong(&"it has no kid; make keys with: hardtack keys rotate"));
    }
    let members: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    let made_at = members.get(MADE_AT).and_then(Value::as_i64);
    let made_at = made_at.ok_or_else(|| wrong(&"it has no iat; make keys with: hardtack keys rotate"))?;
    Ok(StoredKey { number, path: path.to_owned(), key, made_at: Timestamp::from_unix_seconds(made_at) })
}
