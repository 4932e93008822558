//! Checks who owns the files of a database, and who else can write to them.

use std::path::Path;

use crate::error::OpenError;

/// The endings of the files of a database.
#[cfg(unix)]
const ENDINGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Refuses the files of a database if another user except root owns them, or if other users can write to them, because
/// such a user could log in as anyone. Warns if other users can read the database file. Files that do not exist are
/// left out.
#[cfg(unix)]
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;

    let own = nix::unistd::geteuid().as_raw();
    for ending in ENDINGS {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        let file = PathBuf::from(file);
        // Do not open the file: closing a file drops all POSIX locks of this process on it (sqlite.org/howtocorrupt,
        // 2.2).
        let metadata = match std::fs::metadata(&file) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(OpenError::CreateFile { path: file, source }),
        };
        if !metadata.is_file() {
            continue;
        }
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        if owner != 0 && owner != own {
            return Err(OpenError::OwnedByOther { path: file, owner, expected: own });
        }
        if mode & 0o022 != 0 {
            return Err(OpenError::WritableByOthers { path: file, mode });
        }
        if mode & 0o044 != 0 && ending.is_empty() {
            tracing::warn!(
                event = "database_readable",
                "other users can read the database {}: its mode is {mode:04o}; set it with: chmod 600 {}",
                file.display(),
                file.display(),
            );
        }
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn check(_path: &Path) -> Result<(), OpenError> {
    Ok(())
}
