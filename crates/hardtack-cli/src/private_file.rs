//! Files that only their owner can access.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;

/// Refuses a file that other users can read or write.
pub(crate) fn check(file: &File, path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(Error::config(format_args!(
                "{} holds a secret, but its mode {mode:04o} gives other users access; expected 0600, set it with: \
                 chmod 600 {}",
                path.display(),
                shell_quoted(path)
            )));
        }
    }
    #[cfg(not(unix))]
    let _ = (file, path);
    Ok(())
}

/// Reads a file that only its owner can access.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    // Check the open file, because the path may lead to another file by now.
    check(&file, path)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    Ok(text)
}

/// Creates a file with its whole content at once, with mode 0600. Returns false if the file already exists.
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

/// Creates a folder that only its owner can access, and its missing parents. Leaves an existing folder as it is.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Syncs the folder to disk, so that new files are still there after a crash.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let expected = "expected a file that this user can read";
    Error::config(format_args!("{} cannot be read: {error}; {expected}", path.display()))
}

/// Returns the path, quoted for a shell if necessary.
fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
