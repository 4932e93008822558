//! The open file of a table, and whether it has changed since it was opened.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::PasswordTableError;

/// The file of a table, which is read record by record, and must not change while it is in use.
#[derive(Debug)]
pub(super) struct TableFile {
    path: PathBuf,
    file: File,
    opened: Version,
}

/// The properties that reveal a change to a file's content: its size and the time of its last write.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    len: u64,
    modified: Option<SystemTime>,
}

impl Version {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        // Some file systems do not store the time.
        Ok(Self { len: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl TableFile {
    pub(super) fn new(path: &Path, file: File) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), opened: Version::of(&file)?, file })
    }

    /// Returns the size that the file had when it was opened, in bytes.
    pub(super) const fn len(&self) -> u64 {
        self.opened.len
    }

    /// Fills `buffer` with the bytes that start at `offset`.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, offset);
        #[cfg(windows)]
        match std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)? {
            read if read == buffer.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Returns an error if the file has changed since it was opened.
    pub(super) fn check_unchanged(&self) -> Result<(), PasswordTableError> {
        match Version::of(&self.file) {
            Ok(version) if version == self.opened => Ok(()),
            Ok(_) => Err(self.damaged("has changed since the server opened it", None)),
            Err(error) => Err(self.damaged("cannot be read", Some(error))),
        }
    }

    pub(super) fn damaged(&self, why: &'static str, source: Option<io::Error>) -> PasswordTableError {
        PasswordTableError::Damaged { path: self.path.clone(), why, source }
    }
}
