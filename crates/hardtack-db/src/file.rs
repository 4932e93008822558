//! Which file an SQLite database is, and whether something has happened to it while it was open.
//!
//! SQLite trusts that only SQLite changes a database that is open. If another program replaces the file, overwrites it,
//! or removes its write-ahead log, SQLite goes on with a mixture of both states, and what is confirmed may be lost. What
//! can be noticed cheaply is noticed here. From then on, every use of the database fails:
//!
//! - The path leads to another file, or to none.
//! - This process has the write-ahead log (`-wal`) open, but it has been removed, or another file is in its place (Linux).
//! - The file has become shorter, and a new connection finds it damaged or sees less of it than older connections do.
//!   (`VACUUM` makes the file shorter as well.)
//! - SQLite reports that the file is damaged or not a database.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Identifies the file of an open SQLite database. Connections keep using this file even if its path later leads to
/// another file, for example to a restored backup. What they write after that is lost.
#[derive(Clone, Debug)]
pub struct DatabaseFile {
    path: Arc<Path>,
    log_path: Arc<Path>,
    identity: Identity,
    state: Arc<Mutex<State>>,
}

/// What this process knows of a file. All values of [`DatabaseFile`] for the same file share it.
#[derive(Debug, Default)]
struct State {
    /// What has happened to the file, if anything has.
    damage: Option<&'static str>,
    log: Option<Identity>,
    len: u64,
    /// Whether the file has become shorter, and it has not been checked since.
    is_shorter: bool,
}

/// What a check has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// Nothing.
    None,
    /// The file has become shorter. Check it on a new connection, and pass the result to [`DatabaseFile::checked`].
    Shorter,
}

impl DatabaseFile {
    /// Identifies the file that is at this path now.
    ///
    /// # Errors
    /// There is no file, or it cannot be examined.
    pub fn at(path: &Path) -> io::Result<Self> {
        let path: PathBuf = std::path::absolute(path)?;
        let metadata = std::fs::metadata(&path)?;
        let identity = Identity::of(&metadata);
        // SQLite follows links before it appends the suffix.
        let mut log_path = path.canonicalize()?.into_os_string();
        log_path.push("-wal");
        Ok(Self {
            path: path.into(),
            log_path: PathBuf::from(log_path).into(),
            identity,
            state: shared_state(identity),
        })
    }

    /// Checks that the path still leads to this file, and that nothing has happened to it.
    ///
    /// # Errors
    /// The file has been replaced or removed, its write-ahead log has been removed, the file is damaged, or it cannot be
    /// examined.
    pub fn check(&self) -> Result<Suspicion, sqlx::Error> {
        let metadata = std::fs::metadata(&*self.path).ok().filter(|found| Identity::of(found) == self.identity);
        let Some(metadata) = metadata else {
            return Err(self.error("has been replaced or removed while it was open; restart the program"));
        };
        let mut state = self.state();
        if state.damage.is_none() {
            let found = std::fs::metadata(&*self.log_path).ok().map(|metadata| Identity::of(&metadata));
            if found != state.log {
                // SQLite itself removes the log when it closes the last connection, and creates another one later.
                if state.log.is_some_and(Identity::was_removed_while_open) {
                    state.damage = Some(LOG_REMOVED);
                } else {
                    state.log = found;
                }
            }
        }
        if let Some(damage) = state.damage {
            return Err(self.error(damage));
        }
        state.is_shorter |= metadata.len() < state.len;
        state.len = metadata.len();
        Ok(if state.is_shorter { Suspicion::Shorter } else { Suspicion::None })
    }

    /// Records the result of SQLite's check after [`Suspicion::Shorter`].
    ///
    /// # Errors
    /// The file is damaged.
    pub fn checked(&self, is_intact: bool) -> Result<(), sqlx::Error> {
        let mut state = self.state();
        state.is_shorter = false;
        if is_intact {
            return Ok(());
        }
        state.damage = Some(OVERWRITTEN);
        Err(self.error(OVERWRITTEN))
    }

    /// Records that the file is damaged, if this error of SQLite says so.
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

const LOG_REMOVED: &str = "cannot be used any more: its write-ahead log (the file with the suffix -wal) has been \
                           removed while it was open; stop all programs that use the database, restore a \
                           backup, and start them again";

const OVERWRITTEN: &str = "is damaged, probably because it has been overwritten while it was open; stop all programs \
                           that use the database, remove the files with the suffixes -wal and -shm, restore a backup, \
                           and start them again";

/// Whether SQLite says that the file is damaged or not a database.
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i32>().ok());
    // The primary result codes (sqlite.org/rescode.html) CORRUPT and NOTADB.
    code.is_some_and(|code| matches!(code & 0xff, 11 | 26))
}

/// Returns what this process knows of a file that is open, or a new value.
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

/// What distinguishes a file from others: its device and its inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(#[cfg(unix)] (u64, u64));

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self((metadata.dev(), metadata.ino()))
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self()
    }

    /// Whether this process has the file open although it has been removed. Returns `false` if the system does not tell.
    #[cfg(unix)]
    fn was_removed_while_open(self) -> bool {
        use std::os::unix::fs::MetadataExt;

        // Linux: each entry leads to an open file, even if that file has no name any more. Once it is closed, another
        // file may get its inode.
        let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") else { return false };
        let mut files = descriptors.filter_map(|entry| std::fs::metadata(entry.ok()?.path()).ok());
        files.any(|metadata| Self::of(&metadata) == self && metadata.nlink() == 0)
    }

    #[cfg(not(unix))]
    fn was_removed_while_open(self) -> bool {
        false
    }
}
