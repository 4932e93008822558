//! Files that only their owner can access, and the folders that contain them.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::path::Path;

use hardtack::files;
use zeroize::Zeroizing;

use crate::error::Error;

/// The maximum length of a file, in bytes. Longer files are refused, because every key is shorter.
const MAX_FILE_LEN: u32 = 64 * 1024;

/// Refuses a file that another user owns or can write to.
pub(crate) fn check_trusted(file: &File, path: &Path) -> Result<(), Error> {
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    files::check_trusted(path, &metadata).map_err(Error::config)
}

/// Refuses a file that another user owns, can write to, or can read.
pub(crate) fn check(file: &File, path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(Error::config(format_args!(
                "other users can access {}, because its mode is {mode:04o}; expected 0600; change the mode with: chmod \
                 600 {}",
                path.display(),
                files::shell_quoted(path)
            )));
        }
    }
    check_trusted(file, path)
}

/// Refuses a folder in which another OS user can replace files.
pub(crate) fn check_folder(path: &Path) -> Result<(), Error> {
    files::check_trusted_folder(path).map_err(Error::config)
}

/// Reads a file that only its owner can access.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    read_open(&files::open_regular(path).map_err(|error| unreadable(path, &error))?, path)
}

/// Returns whether `error` means that nothing exists at the path. A symbolic link with a missing target counts as
/// existing, because the target may be on a disk that is not mounted yet. The caller must then report the error.
pub(crate) fn is_missing(path: &Path, error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err()
}

/// Reads a file that only its owner can access. Returns `None` if the file does not exist.
pub(crate) fn read_if_exists(path: &Path) -> Result<Option<Zeroizing<String>>, Error> {
    match files::open_regular(path) {
        Ok(file) => read_open(&file, path).map(Some),
        Err(error) if is_missing(path, &error) => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn read_open(file: &File, path: &Path) -> Result<Zeroizing<String>, Error> {
    // Check the open file rather than the path, because the path may point to a different file by now.
    check(file, path)?;
    let content = files::read_at_most(file, MAX_FILE_LEN).map_err(|error| unreadable(path, &error))?;
    let text = std::str::from_utf8(&content).map_err(|error| unreadable(path, &io::Error::other(error)))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Creates a file atomically, with mode 0600 and its full content. Returns `false` if the file already exists.
pub(crate) fn create(path: &Path, text: &str) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // tempfile creates files with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(folder).map(|()| true),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(refused) => Err(refused.error),
    }
}

/// Creates or replaces a file atomically, with mode 0600 and its full content.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|refused| refused.error)?;
    sync_folder(folder)
}

/// Creates a folder and any missing parent folders, which only their owner can then access. Leaves an existing folder
/// as it is.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Syncs the folder to disk, so that new files are still there after a crash, and removed files do not return.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Returns why a file cannot be read, and what is expected.
pub(crate) fn why_unreadable(path: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound
        && let Ok(target) = path.read_link()
    {
        return format!(
            "it is a symbolic link, and its target {} does not exist; correct or remove the link",
            target.display()
        );
    }
    format!("{error}; expected a file that this user can read")
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::config(format_args!("{} cannot be read: {}", path.display(), why_unreadable(path, error)))
}
