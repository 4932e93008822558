//! Whether this process can write to a file or a folder.

#[cfg(unix)]
use std::io;
use std::path::{Path, PathBuf};

/// Why the user that runs this process cannot read and write a file, or create files in a folder.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the user that runs this process cannot read and write {}: {reason}; {advice}", path.display())]
#[non_exhaustive]
pub struct NotWritable {
    /// The file or the folder.
    pub path: PathBuf,
    /// The system's error.
    reason: String,
    /// What to do.
    advice: String,
}

crate::__debug_as_sentence!(NotWritable);

/// Checks that the user that runs this process can read and write a file or, if `path` is a folder, that the user can
/// create files in the folder. On systems other than Unix, accepts every path.
///
/// This function does not open the file. If a process closes a file, it loses all its POSIX locks on the file, and an
/// SQLite database that the process has open relies on such locks.
///
/// # Errors
/// Returns a [`NotWritable`], whose text says what to do.
pub fn check_writable(path: &Path) -> Result<(), NotWritable> {
    #[cfg(unix)]
    {
        use nix::fcntl::{AT_FDCWD, AtFlags};
        use nix::unistd::{AccessFlags, faccessat};

        let execute = if path.is_dir() { AccessFlags::X_OK } else { AccessFlags::empty() };
        let wanted = AccessFlags::R_OK | AccessFlags::W_OK | execute;
        faccessat(AT_FDCWD, path, wanted, AtFlags::AT_EACCESS).map_err(|error| {
            let error = io::Error::from(error);
            NotWritable { path: path.to_owned(), reason: error.to_string(), advice: advice(path, &error) }
        })
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(())
    }
}

#[cfg(unix)]
fn advice(path: &Path, error: &io::Error) -> String {
    use std::os::unix::fs::MetadataExt;

    use super::shell_quoted;

    let own = nix::unistd::geteuid().as_raw();
    let quoted = shell_quoted(path);
    match path.metadata() {
        _ if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            "mount the file system read-write, or use another folder".to_owned()
        }
        Ok(metadata) if metadata.uid() == own => {
            let mode = if metadata.is_dir() { "u+rwx" } else { "u+rw" };
            format!("change the mode with: chmod {mode} {quoted}")
        }
        Ok(metadata) if metadata.uid() != 0 => format!(
            "it is owned by the user with id {owner}; run this command as that user, with: sudo -u '#{owner}'; \
             otherwise, change the owner with: chown {own} {quoted}",
            owner = metadata.uid()
        ),
        _ => format!("change the owner with: chown {own} {quoted}"),
    }
}
