//! Whose files a database consists of, and who else can write to them or replace them.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use hardtack::files::{check_trusted, check_trusted_folder, mode_if_readable_by_others, shell_quoted};

use crate::error::OpenError;

/// The endings of the files of a database.
const ENDINGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// How many symbolic links may lead to a database, as in Linux (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// Returns the path that symbolic links lead to, even if the file does not exist yet. SQLite follows them too, and
/// keeps its other files beside the target.
pub(super) fn without_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match path.read_link() {
            Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            Err(_) => break,
        }
    }
    path
}

/// Refuses a folder in which a user other than root and this process's own can replace the database.
pub(super) fn check_folder(database: &Path) -> Result<(), OpenError> {
    let folder = database.parent().unwrap_or(Path::new("/"));
    check_trusted_folder(folder).map_err(OpenError::Untrusted)
}

/// Refuses the files of a database if a user other than root and this process's own can write to them: such a user
/// could log in as anyone. Warns if other users can read the database. Files that do not exist are left out.
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    for ending in ENDINGS {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        let file = PathBuf::from(file);
        // Do not open the file: closing it would drop all POSIX locks of this process on it (sqlite.org/howtocorrupt,
        // 2.2).
        let metadata = match std::fs::metadata(&file) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(OpenError::CreateFile { path: file, source }),
        };
        if !metadata.is_file() {
            continue;
        }
        check_trusted(&file, &metadata).map_err(OpenError::Untrusted)?;
        if let Some(mode) = mode_if_readable_by_others(&metadata).filter(|_| ending.is_empty()) {
            tracing::warn!(
                event = "database_readable",
                "other users can read the database {}: its mode is {mode:04o}; set it with: chmod 600 {}",
                file.display(),
                shell_quoted(&file),
            );
        }
    }
    Ok(())
}

/// Which file a database is. New connections open it by its path, which may lead to another file by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity(#[cfg(unix)] (u64, u64));

impl Identity {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for Identity {
    #[cfg(unix)]
    fn from(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self((metadata.dev(), metadata.ino()))
    }

    #[cfg(not(unix))]
    fn from(_: &Metadata) -> Self {
        Self()
    }
}
