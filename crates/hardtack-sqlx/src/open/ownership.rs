//! Checks who owns a database's files, who can write to them, and who else can replace them.

use std::io;
use std::path::{Path, PathBuf};

use hardtack::files::{check_trusted, check_trusted_folder, check_writable, mode_if_readable_by_others, shell_quoted};

use crate::error::OpenError;

/// The suffixes in the names of a database's files. The database file itself has no suffix. SQLite keeps the other
/// files next to it.
const ENDINGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// How many symbolic links [`without_links`] follows before it gives up. Linux has the same limit
/// (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// Follows symbolic links and returns the path of the target, even if the target does not exist yet. SQLite follows
/// links too, and keeps its other files next to the target.
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

/// Returns an error if any user other than root and the user running this process can replace files in the folder that
/// contains `database`.
pub(super) fn check_folder(database: &Path) -> Result<(), OpenError> {
    let folder = database.parent().unwrap_or(Path::new("/"));
    check_trusted_folder(folder).map_err(OpenError::Untrusted)
}

/// Returns an error if any other user besides root owns one of the database's files or can write to one. A user who can
/// write to the database can log in as anyone. Logs a warning if other users can read the database file. Skips files
/// that do not exist.
pub(super) fn check(path: &Path) -> Result<(), OpenError> {
    for ending in ENDINGS {
        let file = with_ending(path, ending);
        // Do not open the file: closing it would drop all of this process's POSIX locks on it (sqlite.org/howtocorrupt,
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
                "other users can read the database {}: its mode is {mode:04o}; change the mode with: chmod 600 {}",
                file.display(),
                shell_quoted(&file),
            );
        }
    }
    Ok(())
}

/// Returns an error if this process cannot write to one of the database's files, or cannot create the missing ones.
///
/// Without this check, SQLite would open the database read-only. It would then create its log and index files with the
/// mode of the database file, so the database would stay read-only even after that mode has been corrected.
pub(super) fn check_writable_files(path: &Path) -> Result<(), OpenError> {
    let files = ENDINGS.map(|ending| with_ending(path, ending));
    let found = files.iter().filter(|file| file.exists());
    found.map(PathBuf::as_path).chain(path.parent()).try_for_each(check_writable).map_err(OpenError::NotWritable)
}

/// Returns the path of one of the database's files.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut file = path.as_os_str().to_owned();
    file.push(ending);
    file.into()
}
