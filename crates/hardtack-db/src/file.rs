//! Which file an SQLite database is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Identifies the file of an open SQLite database. Connections keep using this file even if its path later leads to
/// another file, for example to a restored backup. What they write after that is lost.
#[derive(Clone, Debug)]
pub struct DatabaseFile {
    path: Arc<Path>,
    identity: Identity,
}

impl DatabaseFile {
    /// Identifies the file that is at this path now.
    ///
    /// # Errors
    /// There is no file, or it cannot be examined.
    pub fn at(path: &Path) -> io::Result<Self> {
        let path: PathBuf = std::path::absolute(path)?;
        Ok(Self { identity: Identity::of(&path)?, path: path.into() })
    }

    /// Checks that the path still leads to this file.
    ///
    /// # Errors
    /// The file has been replaced or removed, or cannot be examined.
    pub fn check(&self) -> Result<(), sqlx::Error> {
        match Identity::of(&self.path) {
            Ok(found) if found == self.identity => Ok(()),
            _ => Err(sqlx::Error::Configuration(
                format!(
                    "the database {} has been replaced or removed while it was open; restart the program",
                    self.path.display()
                )
                .into(),
            )),
        }
    }
}

/// What distinguishes a file from others: its device and its inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(#[cfg(unix)] (u64, u64));

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Ok(Self((metadata.dev(), metadata.ino())))
        }
        #[cfg(not(unix))]
        {
            let _ = metadata;
            Ok(Self())
        }
    }
}
