//! The keys in the data folder: `keys/0001.jwk`, `keys/0002.jwk`, … The newest key signs new tokens as soon as every
//! server has had time to read it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hardtack::SigningKey;
use hardtack::clock::{Clock, SystemClock, Timestamp};
use hardtack::jwt::Algorithm;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::clock_check;
use crate::config::Config;
use crate::error::Error;
use crate::private_file;

/// The JWK member that contains a key's creation time. RFC 7517 does not define such a member.
const CREATED_AT: &str = "iat";

/// The name of the file that stores the longest token lifetime, in seconds.
const LIFETIME: &str = "longest-lifetime";

/// The name of the file that records the time at which a key outside the folder began to sign the tokens, in seconds
/// since 1970.
const SUPERSEDED_AT: &str = "superseded-at";

/// A key and its file.
#[derive(Clone)]
pub(crate) struct StoredKey {
    pub(crate) number: u32,
    pub(crate) path: PathBuf,
    pub(crate) key: SigningKey,
    pub(crate) created_at: Timestamp,
}

/// The key folder.
pub(crate) struct KeyFolder {
    path: PathBuf,
    /// How error messages refer to the data folder.
    data_dir: String,
}

impl KeyFolder {
    pub(crate) fn of(config: &Config) -> Self {
        Self { path: config.keys_dir(), data_dir: config.data_dir_label() }
    }

    /// Reads all keys, oldest first. Returns an empty list if the folder does not exist.
    pub(crate) fn read(&self) -> Result<Vec<StoredKey>, Error> {
        self.read_files(&self.files()?)
    }

    /// Returns the paths of the key files, or an empty list if the folder does not exist. Returns an error if another
    /// OS user could replace the files in the folder.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let files = self.list()?;
        if !self.path.exists() {
            return Ok(files);
        }
        // Check the data folder as well, because an OS user who can write to it can replace the key folder.
        for folder in [self.path.parent(), Some(self.path.as_path())].into_iter().flatten() {
            private_file::check_folder(folder)?;
        }
        Ok(files)
    }

    /// Returns the paths of the key files without checking who can replace them. Do not read these files.
    pub(super) fn list(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if private_file::is_missing(&self.path, &error) => return Ok(Vec::new()),
            Err(error) => return Err(self.unusable(&error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| self.unusable(&error))?.path();
            if path.extension().is_some_and(|extension| extension == "jwk") {
                files.push(path);
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// Reads keys, oldest first. Returns an error if two keys have the same id.
    pub(super) fn read_files(&self, files: &[PathBuf]) -> Result<Vec<StoredKey>, Error> {
        let mut keys = files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(|stored| stored.number);
        for (index, stored) in keys.iter().enumerate() {
            let id = stored.key.key_id();
            if let Some(same) = keys.iter().take(index).find(|earlier| earlier.key.key_id() == id) {
                return Err(Error::config(format_args!(
                    "{} and {} have the same kid, {:?}; move one of them to another folder, and create new keys only \
                     with: hardtack keys rotate",
                    same.path.display(),
                    stored.path.display(),
                    id.unwrap_or_default(),
                )));
            }
        }
        Ok(keys)
    }

    /// Looks for a key or a file whose date is ahead of the clock. If one is found, returns a message that names the
    /// key or the file and says what to do.
    pub(crate) fn dated_ahead(&self, stored: &[StoredKey], now: Timestamp) -> Result<Option<String>, Error> {
        let keys = stored.iter().map(|stored| (stored.path.as_path(), stored.created_at));
        clock_check::dated_ahead(&self.path, keys, now).map_err(|error| self.unusable(&error))
    }

    /// Compares this machine's clock with the file system's. If the clocks differ, returns a message that says what to
    /// do. Creates the key folder if it does not exist.
    pub(crate) fn clock_differs(&self, now: Timestamp) -> Result<Option<String>, Error> {
        let found = private_file::create_folder(&self.path)
            .and_then(|()| clock_check::differs_from_file_system(&self.path, now));
        found.map_err(|error| self.unusable(&error))
    }

    /// Creates the first key. If several processes call this method at once, all of them get the same key.
    pub(super) fn create_first(&self, algorithm: Algorithm) -> Result<StoredKey, Error> {
        self.add(1, generate(algorithm)?)?;
        read(&self.file(1))
    }

    /// Writes a key to a new file, with a new key id. Returns `false` if the folder already has a key with this number.
    pub(crate) fn add(&self, number: u32, key: SigningKey) -> Result<bool, Error> {
        let added = private_file::create_folder(&self.path)
            .and_then(|()| clock_check::date_of_new_key(&self.path, SystemClock.now()))
            .and_then(|created_at| private_file::create(&self.file(number), &to_jwk(number, key, created_at)));
        added.map_err(|error| self.unusable(&error))
    }

    /// Deletes a key. If another process has already deleted the key, returns `Ok`. Call
    /// [`sync_removals`](Self::sync_removals) afterward.
    pub(crate) fn remove(&self, stored: &StoredKey) -> io::Result<()> {
        match fs::remove_file(&stored.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Syncs the folder to disk, so that deleted keys do not return after a power failure.
    pub(crate) fn sync_removals(&self) -> Result<(), Error> {
        private_file::sync_folder(&self.path).map_err(|error| {
            Error::runtime(format_args!(
                "{} cannot be synced to disk: {error}; removed keys might return after a power failure; run the \
                 command sync, and check the disk",
                self.path.display()
            ))
        })
    }

    /// Returns the longest token lifetime that any server using this folder has recorded.
    pub(super) fn recorded_lifetime(&self) -> Result<Duration, Error> {
        Ok(self.recorded(LIFETIME)?.map_or(Duration::ZERO, |seconds| Duration::from_secs(seconds.unsigned_abs())))
    }

    /// Records this server's longest token lifetime, unless a longer lifetime has already been recorded.
    pub(super) fn record_lifetime(&self, lifetime: Duration) -> Result<(), Error> {
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        if self.recorded(LIFETIME)?.is_none_or(|recorded| recorded < seconds) {
            self.record(LIFETIME, seconds)?;
        }
        Ok(())
    }

    /// Returns when a key outside the folder began to sign the tokens. Returns `None` if no such time is recorded.
    pub(crate) fn superseded_at(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.recorded(SUPERSEDED_AT)?.map(Timestamp::from_unix_seconds))
    }

    /// Records whether a key outside the folder signs the tokens. If `superseded` is true and no time is recorded yet,
    /// records the current time as the time when that key began to sign. If `superseded` is false, deletes the recorded
    /// time.
    pub(super) fn record_superseded(&self, superseded: bool) -> Result<(), Error> {
        match (superseded, self.recorded(SUPERSEDED_AT)?) {
            (true, None) => self.record(SUPERSEDED_AT, SystemClock.now().unix_seconds()),
            (false, Some(_)) => fs::remove_file(self.path.join(SUPERSEDED_AT))
                .and_then(|()| private_file::sync_folder(&self.path))
                .map_err(|error| self.unusable(&error)),
            _ => Ok(()),
        }
    }

    fn recorded(&self, name: &str) -> Result<Option<i64>, Error> {
        let path = self.path.join(name);
        let Some(text) = private_file::read_if_exists(&path)? else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| {
            let path = path.display();
            Error::config(format_args!("{path} does not contain a number of seconds; delete the file"))
        })
    }

    fn record(&self, name: &str, seconds: i64) -> Result<(), Error> {
        let recorded = private_file::create_folder(&self.path)
            .and_then(|()| private_file::replace(&self.path.join(name), &format!("{seconds}\n")));
        recorded.map_err(|error| self.unusable(&error))
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

/// Returns the contents of a key file. The key id is the number followed by eight hex digits that are derived from the
/// key, so keys with the same number in different folders have different ids.
fn to_jwk(number: u32, key: SigningKey, created_at: Timestamp) -> Zeroizing<String> {
    let unique: String = key.derive("key id").iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let json = Zeroizing::new(key.with_key_id(format!("{number:04}-{unique}")).dangerous_to_private_jwk_json());
    let created_at = created_at.unix_seconds();
    // Add the member before the closing brace.
    let members = json.trim_end().trim_end_matches('}');
    Zeroizing::new(format!("{members},\"{CREATED_AT}\":{created_at}}}\n"))
}

fn read(path: &Path) -> Result<StoredKey, Error> {
    let invalid = |reason: &dyn std::fmt::Display| {
        Error::config(format_args!(
            "{} is not a key that hardtack created: {reason}; restore the file from a backup, or move it to another \
             folder; if you move it, tokens that were signed with this key are refused",
            path.display()
        ))
    };
    let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
    let number = number.ok_or_else(|| invalid(&"expected a number as the file name, such as 0002.jwk"))?;
    let text = private_file::read(path)?;
    let key = SigningKey::from_jwk(text.trim_end()).map_err(|error| invalid(&error))?;
    if key.key_id().is_none() {
        return Err(invalid(&"the key has no kid; create keys with: hardtack keys rotate"));
    }
    let members: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    let created_at = members.get(CREATED_AT).and_then(Value::as_i64);
    let created_at =
        created_at.ok_or_else(|| invalid(&"the key has no iat; create keys with: hardtack keys rotate"))?;
    Ok(StoredKey { number, path: path.to_owned(), key, created_at: Timestamp::from_unix_seconds(created_at) })
}
