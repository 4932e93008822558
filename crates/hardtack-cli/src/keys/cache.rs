//! A cache of parsed keys. A key is parsed again only if its file has changed.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::folder::{KeyFolder, StoredKey};
use crate::error::Error;

/// Keys are cached only if every key file has been unchanged for this long. File systems store coarse modification
/// times. Two changes in quick succession can get the same time, and the cache would then miss the second change.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// The keys, and the state of their files just before the files were last read.
#[derive(Default)]
pub(super) struct Cache(Option<(Vec<FileState>, Vec<StoredKey>)>);

impl Cache {
    /// Reads the keys. If no file has been added, removed or changed since the last read, returns the cached keys
    /// instead.
    pub(super) fn read(&mut self, folder: &KeyFolder) -> Result<Vec<StoredKey>, Error> {
        let files = folder.files()?;
        let states: io::Result<Vec<_>> = files.iter().map(|path| FileState::of(path)).collect();
        let Ok(states) = states else {
            self.0 = None;
            return folder.read_files(&files);
        };
        if let Some((before, stored)) = &self.0
            && *before == states
        {
            return Ok(stored.clone());
        }
        self.0 = None;
        let stored = folder.read_files(&files)?;
        if states.iter().all(FileState::is_settled) {
            self.0 = Some((states, stored.clone()));
        }
        Ok(stored)
    }
}

/// The metadata of a key file. It changes if the file is changed or replaced, or if its owner or mode changes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileState {
    name: OsString,
    len: u64,
    changed_at: SystemTime,
    /// The inode's number, the time when the inode last changed (seconds and nanoseconds), the mode and the owner.
    inode: (u64, i64, i64, u32, u32),
}

impl FileState {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            (metadata.ino(), metadata.ctime(), metadata.ctime_nsec(), metadata.mode(), metadata.uid())
        };
        #[cfg(not(unix))]
        let inode = Default::default();
        let name = PathBuf::from(path).into_os_string();
        Ok(Self { name, len: metadata.len(), changed_at: metadata.modified()?, inode })
    }

    fn is_settled(&self) -> bool {
        let (_, seconds, ..) = self.inode;
        let inode_changed_at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
        let age = SystemTime::now().duration_since(self.changed_at.max(inode_changed_at));
        age.is_ok_and(|age| age > SETTLED_AFTER)
    }
}
