//! Detects that another program has replaced, overwritten or damaged the file of an open SQLite database.
//!
//! SQLite assumes that no other software changes an open database. If another program replaces the file, overwrites it,
//! or removes its write-ahead log or the log's index, SQLite continues with a mixture of the old and the new state, and
//! committed changes can be lost. This module detects only the cases that are cheap to detect. Once it has detected one
//! of the following, every use of the database fails:
//!
//! - The path points to a different file, or there is no file at the path anymore.
//! - This process has the write-ahead log (`-wal`) or its index (`-shm`) open, and someone has removed, moved or
//!   replaced that file. This case is detected only on Linux. A moved file is detected only if the file system records
//!   creation times.
//! - The file has become shorter, although `auto_vacuum` is off and the schema version has not increased. (`VACUUM`
//!   also makes the file shorter, but increases the schema version.)
//! - The schema version is lower than before, or the file has become shorter and fails SQLite's `quick_check`. (The
//!   schema version and `quick_check` are checked only after the length of the file has changed.)
//! - The file has become longer than the database, although `auto_vacuum` is off and the schema version has not
//!   increased. SQLite itself never leaves a file that is longer than the database. While a connection writes, the file
//!   can be longer for a moment, so this check is repeated while no other connection can write.
//! - SQLite reports that the file is damaged or is not a database.
//!
//! If a file of the same length is copied over the database, only SQLite's own report of damage reveals this. The
//! file's modification time does not help, because it also changes whenever SQLite itself copies the write-ahead log
//! into the file. The file's header does not help either, because it contains no number that increases with every
//! change: in WAL mode, the change counter can stay the same. Reading the file in this process would be harmful,
//! because a process that closes a file loses all its POSIX locks on that file, including SQLite's.

use std::cmp::Ordering;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Identifies the file of an open SQLite database. If the path later points to a different file, such as a restored
/// backup, open connections keep using the old file, and whatever they write from then on is lost.
#[derive(Clone, Debug)]
pub struct DatabaseFile {
    path: Arc<Path>,
    log_path: Arc<Path>,
    index_path: Arc<Path>,
    identity: Identity,
    state: Arc<Mutex<State>>,
}

/// What this process knows about a file. If several [`DatabaseFile`]s refer to the same file, they share one `State`.
#[derive(Debug, Default)]
struct State {
    /// The end of the error message, which says what is wrong. `None` if this process has not detected that the file
    /// was damaged, or that its write-ahead log or the log's index was removed.
    damage: Option<&'static str>,
    log: Option<Identity>,
    index: Option<Identity>,
    /// When this process first noticed that the log's index had been removed while the process still had it open.
    index_removed_at: Option<Instant>,
    len: u64,
    /// How the length has changed since the file was last examined.
    change: Option<LengthChange>,
    /// Whether the file is being examined. Only one examination runs at a time. If two ran concurrently, they could
    /// find different schema versions and record the older one last.
    is_examined: bool,
    /// The schema version (`PRAGMA schema_version`) that the last examination found.
    schema: i64,
}

/// How the length of the file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthChange {
    /// The file is longer.
    Longer,
    /// The file is shorter.
    Shorter,
}

/// What a new connection found when it checked the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whether SQLite's check of the file succeeded.
    pub is_intact: bool,
    /// `PRAGMA schema_version`.
    pub schema: i64,
    /// Whether SQLite can shorten the file without `VACUUM` (`PRAGMA auto_vacuum`).
    pub shrinks: bool,
    /// The size of the database in bytes, as of the last commit. The file itself can be shorter, because SQLite might
    /// not have copied the write-ahead log to it yet.
    pub size: u64,
    /// The length of the file in bytes.
    pub len: u64,
}

impl DatabaseFile {
    /// Identifies the file that is currently at this path.
    ///
    /// # Errors
    /// There is no file at this path, or the file cannot be examined.
    pub fn at(path: &Path) -> io::Result<Self> {
        let path: PathBuf = std::path::absolute(path)?;
        let metadata = std::fs::metadata(&path)?;
        let identity = Identity::of(&metadata);
        // SQLite follows symbolic links before it appends the suffix.
        let target = path.canonicalize()?;
        let with_suffix = |suffix: &str| {
            let mut path = target.clone().into_os_string();
            path.push(suffix);
            PathBuf::from(path).into()
        };
        Ok(Self {
            path: path.into(),
            log_path: with_suffix("-wal"),
            index_path: with_suffix("-shm"),
            identity,
            state: shared_state(identity),
        })
    }

    /// Checks that the path still points to this file, and that the file has not been found to be damaged. Also checks
    /// that neither its write-ahead log nor the log's index has been removed. If the length of the file has changed,
    /// returns an [`Examination`]. The caller must then check the file on a new connection and pass the result to
    /// [`Examination::finish`].
    ///
    /// # Errors
    /// Returns an error if the file has been replaced or removed, is damaged, or cannot be checked. Also returns an
    /// error if the write-ahead log or its index has been removed or moved.
    pub fn check(&self) -> Result<Option<Examination>, sqlx::Error> {
        let metadata = std::fs::metadata(&*self.path).ok().filter(|found| Identity::of(found) == self.identity);
        let Some(metadata) = metadata else {
            return Err(self.error("was replaced or removed while it was open; restart the program"));
        };
        let mut state = self.state();
        if state.damage.is_none() {
            if is_removed(&mut state.log, &self.log_path) {
                state.damage = Some(LOG_REMOVED);
            } else if is_removed(&mut state.index, &self.index_path) {
                let removed_at = *state.index_removed_at.get_or_insert_with(Instant::now);
                if removed_at.elapsed() < CLOSING {
                    return Err(self.error(INDEX_REMOVED));
                }
                state.damage = Some(INDEX_REMOVED);
            } else {
                state.index_removed_at = None;
            }
        }
        if let Some(damage) = state.damage {
            return Err(self.error(damage));
        }
        match metadata.len().cmp(&state.len) {
            Ordering::Less => state.change = Some(LengthChange::Shorter),
            Ordering::Equal => {}
            Ordering::Greater => state.change = state.change.or(Some(LengthChange::Longer)),
        }
        state.len = metadata.len();
        if state.is_examined {
            return Ok(None);
        }
        let due = state.change.take();
        state.is_examined = due.is_some();
        drop(state);
        let len = metadata.len();
        Ok(due.map(|change| Examination { file: self.clone(), change, len, is_finished: false }))
    }

    /// Records that the file is damaged if this SQLite error says so.
    pub(crate) fn note(&self, error: &sqlx::Error) {
        if is_damage(error) {
            self.state().damage.get_or_insert(OVERWRITTEN);
        }
    }

    fn error(&self, what: &str) -> sqlx::Error {
        sqlx::Error::Configuration(format!("the database {} {what}", self.path.display()).into())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const LOG_REMOVED: &str = "can no longer be used: its write-ahead log (the file with the suffix -wal) was removed or \
                           moved while it was open; stop all programs that use the database, restore a backup, and \
                           start the programs again";

const INDEX_REMOVED: &str = "can no longer be used: the index of its write-ahead log (the file with the suffix -shm) \
                             was removed or moved while it was open; stop all programs that use the database, restore \
                             a backup, and start the programs again";

/// When SQLite closes the last connection to a database, it removes the index file, and then closes it. This constant
/// is the longest time that may pass between these two steps. If the removed index is still open after this time,
/// another program has removed it.
const CLOSING: Duration = Duration::from_secs(1);

const OVERWRITTEN: &str = "is damaged, probably because it was overwritten while it was open; stop all programs that \
                           use the database, remove the files with the suffixes -wal and -shm, restore a backup, and \
                           start the programs again";

/// Returns `true` if this process still has the file in `known` open, but `path` no longer points to that file.
/// Otherwise, records in `known` which file is at the path now. Finding a different file there can be normal: SQLite
/// removes its files when it closes the last connection, and creates new ones later.
fn is_removed(known: &mut Option<Identity>, path: &Path) -> bool {
    let found = match std::fs::metadata(path) {
        Ok(metadata) => Some(Identity::of(&metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => return false,
    };
    if found == *known {
        return false;
    }
    if known.is_some_and(Identity::is_open) {
        return true;
    }
    *known = found;
    false
}

/// Returns whether this SQLite error means that the file is damaged or is not a database file.
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i32>().ok());
    // The primary result codes CORRUPT and NOTADB (sqlite.org/rescode.html).
    code.is_some_and(|code| matches!(code & 0xff, 11 | 26))
}

/// Returns the state that all [`DatabaseFile`]s for the same file share in this process. Creates the state if it does
/// not exist.
fn shared_state(identity: Identity) -> Arc<Mutex<State>> {
    static OPEN: Mutex<Vec<(Identity, Weak<Mutex<State>>)>> = Mutex::new(Vec::new());
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|(_, state)| state.strong_count() > 0);
    let known = open.iter().find(|(known, _)| *known == identity).and_then(|(_, state)| state.upgrade());
    known.unwrap_or_else(|| {
        let state = Arc::default();
        open.push((identity, Arc::downgrade(&state)));
        state
    })
}

/// The check of a file whose length has changed. If this value is dropped without a call to [`finish`](Self::finish),
/// the file is checked again later.
#[derive(Debug)]
pub struct Examination {
    file: DatabaseFile,
    change: LengthChange,
    /// The length of the file, in bytes.
    len: u64,
    is_finished: bool,
}

impl Examination {
    /// How the length has changed.
    pub fn change(&self) -> LengthChange {
        self.change
    }

    /// The length of the file in bytes when [`DatabaseFile::check`] was called.
    pub fn len_before(&self) -> u64 {
        self.len
    }

    /// Reads the length of the file in bytes.
    ///
    /// # Errors
    /// The file cannot be examined.
    pub fn read_len(&self) -> io::Result<u64> {
        Ok(std::fs::metadata(&*self.file.path)?.len())
    }

    /// Records what a new connection found when it checked the file.
    ///
    /// # Errors
    /// Returns an error if the file has been overwritten or is damaged.
    pub fn finish(mut self, found: Found) -> Result<(), sqlx::Error> {
        self.is_finished = true;
        let mut state = self.file.state();
        let Found { is_intact, schema, shrinks, size, len } = found;
        let is_ours = match self.change {
            // If the database has become smaller since the length was read, its schema version is now higher.
            LengthChange::Longer => schema > state.schema || (schema == state.schema && (len <= size || shrinks)),
            LengthChange::Shorter => schema > state.schema || shrinks,
        };
        if is_intact && is_ours {
            state.schema = schema;
            return Ok(());
        }
        let damage = *state.damage.get_or_insert(OVERWRITTEN);
        drop(state);
        Err(self.file.error(damage))
    }
}

impl Drop for Examination {
    fn drop(&mut self) {
        let mut state = self.file.state();
        state.is_examined = false;
        if !self.is_finished && state.change != Some(LengthChange::Shorter) {
            state.change = Some(self.change);
        }
    }
}

/// Identifies a file by its device, its inode and its creation time. After a file has been removed, the operating
/// system can reuse the inode for a new file. The two files can then be told apart by their creation times, if the file
/// system records them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    inode: (u64, u64),
    #[cfg(unix)]
    created_at: Option<std::time::SystemTime>,
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { inode: (metadata.dev(), metadata.ino()), created_at: metadata.created().ok() }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self {}
    }

    /// Returns whether this process has the file open. If the file's creation time is not known, returns `true` only
    /// for a file that was removed. On systems other than Linux, always returns `false`, because only Linux lists a
    /// process's open files.
    #[cfg(unix)]
    fn is_open(self) -> bool {
        use std::os::unix::fs::MetadataExt;

        // On Linux, each entry points to an open file, even one that has been removed or moved.
        let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") else { return false };
        let mut files = descriptors.filter_map(|entry| std::fs::metadata(entry.ok()?.path()).ok());
        files.any(|found| Self::of(&found) == self && (self.created_at.is_some() || found.nlink() == 0))
    }

    #[cfg(not(unix))]
    fn is_open(self) -> bool {
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, File};

    use super::*;

    /// What is known about a removed file must not be applied to a new file that has the same inode.
    #[test]
    fn a_new_file_with_a_reused_inode_is_another_file() {
        let folder = std::env::temp_dir().join(format!("hardtack-db-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("app.db");
        File::create(&path).unwrap();
        let removed = DatabaseFile::at(&path).unwrap();
        for _ in 0..100 {
            fs::remove_file(&path).unwrap();
            File::create(&path).unwrap();
            let new = DatabaseFile::at(&path).unwrap();
            assert!(!Arc::ptr_eq(&removed.state, &new.state));
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
