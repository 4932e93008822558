//! Who can change or read a file that a server trusts.
//!
//! A user who can write to a key, a configuration file or a database can log in as anyone, so Hardtack refuses files
//! that other users can change, as sshd and PostgreSQL do.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// Why a file is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UntrustedFile {
    /// Another user owns the file and can change it.
    #[error(
        "{} belongs to user id {owner}, who can change it; expected user id {expected} (this process) or root as its \
         owner; change the owner with: chown {expected} {}", path.display(), shell_quoted(path)
    )]
    OwnedByOther {
        /// The file.
        path: PathBuf,
        /// The user id of the owner.
        owner: u32,
        /// The user id of this process.
        expected: u32,
    },
    /// The file's mode lets other users write to it.
    #[error(
        "the mode {mode:04o} of {} lets other users change it; expected a file that only its owner can write to; \
         change the mode with: chmod go-w {}", path.display(), shell_quoted(path)
    )]
    WritableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// Refuses a file that a user other than root and this process's own user can change. Accepts every file on systems
/// other than Unix.
///
/// If you will read the file, take the metadata from the open file, because the path may lead to another file by then.
///
/// ```
/// use hardtack::files;
///
/// let path = std::path::Path::new("Cargo.toml");
/// let file = std::fs::File::open(path)?;
/// if let Err(refused) = files::check_trusted(path, &file.metadata()?) {
///     println!("{refused}"); // "… change the mode with: chmod go-w Cargo.toml"
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// [`UntrustedFile`], whose text contains the command that fixes it.
pub fn check_trusted(path: &Path, metadata: &Metadata) -> Result<(), UntrustedFile> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let (owner, own) = (metadata.uid(), nix::unistd::geteuid().as_raw());
        if owner != 0 && owner != own {
            return Err(UntrustedFile::OwnedByOther { path: path.to_owned(), owner, expected: own });
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(UntrustedFile::WritableByOthers { path: path.to_owned(), mode });
        }
    }
    #[cfg(not(unix))]
    let _ = (path, metadata);
    Ok(())
}

/// Returns the permission bits if they let users other than the owner read the file; `None` on systems other than Unix.
pub fn mode_if_readable_by_others(metadata: &Metadata) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let mode = metadata.mode() & 0o7777;
        (mode & 0o044 != 0).then_some(mode)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

/// Returns the path, quoted for a shell if necessary.
pub fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    #[test]
    fn k05_files_that_others_can_change_are_refused() {
        let folder = std::env::temp_dir().join(format!("hardtack-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("it's a key");
        fs::write(&path, "").unwrap();
        let check = |mode: u32| {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let metadata = File::open(&path).unwrap().metadata().unwrap();
            (check_trusted(&path, &metadata), mode_if_readable_by_others(&metadata))
        };
        for mode in [0o600, 0o400, 0o700] {
            assert_eq!(check(mode), (Ok(()), None), "{mode:o}");
        }
        assert_eq!(check(0o644), (Ok(()), Some(0o644)));
        for mode in [0o620, 0o602, 0o666, 0o777] {
            let (refused, _) = check(mode);
            let text = refused.unwrap_err().to_string();
            assert!(text.contains(&format!("{mode:04o}")) && text.contains(r"chmod go-w '"), "{text}");
        }
        // Only root can give a file away.
        if nix::unistd::geteuid().is_root() {
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(12_345), None).unwrap();
            let refused = check_trusted(&path, &fs::metadata(&path).unwrap()).unwrap_err();
            assert!(matches!(refused, UntrustedFile::OwnedByOther { owner: 12_345, expected: 0, .. }), "{refused}");
            assert!(refused.to_string().contains("chown 0 "), "{refused}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
