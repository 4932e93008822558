//! Who can change or read a file or a folder.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file or a folder is not trusted.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UntrustedFile {
    /// Another user owns the file and can change it.
    #[error(
        "{} is owned by the user with id {owner}, who can change the file; the owner must be root or the user that \
         runs this process (id {expected}); if the server runs as user id {owner}, run this command as that user, \
         with: sudo -u '#{owner}'; otherwise, change the owner with: chown {expected} {}", path.display(),
        shell_quoted(path)
    )]
    OwnedByOther {
        /// The file.
        path: PathBuf,
        /// The owner's user id.
        owner: u32,
        /// This process's user id.
        expected: u32,
    },
    /// The file's mode lets other users write to it.
    #[error(
        "the mode {mode:04o} of {} lets other users change the file; expected a file that only its owner can write \
         to; change the mode with: chmod go-w {}", path.display(), shell_quoted(path)
    )]
    WritableByOthers {
        /// The file.
        path: PathBuf,
        /// The permission bits of the file.
        mode: u32,
    },
    /// Another user owns the folder and can replace the files in it.
    #[error(
        "the folder {} is owned by the user with id {owner}, who can replace the files in it; the owner must be root \
         or the user that runs this process (id {expected}); if the server runs as user id {owner}, run this command \
         as that user, with: sudo -u '#{owner}'; otherwise, change the owner with: chown {expected} {}",
        path.display(), shell_quoted(path)
    )]
    FolderOwnedByOther {
        /// The folder.
        path: PathBuf,
        /// The owner's user id.
        owner: u32,
        /// This process's user id.
        expected: u32,
    },
    /// The folder's mode lets other users replace the files in it.
    #[error(
        "the mode {mode:04o} of the folder {} lets other users replace the files in it; expected a folder that only \
         its owner can write to, or only its owner and a group that has the owner's id and no other members; change the mode with: chmod go-w {}", path.display(), shell_quoted(path)
    )]
    FolderWritableByOthers {
        /// The folder.
        path: PathBuf,
        /// The permission bits of the folder.
        mode: u32,
    },
    /// The folder cannot be found or examined.
    #[error(
        "the folder {} cannot be examined: {reason}; expected an existing folder that the user that runs this process \
         can enter", path.display()
    )]
    FolderUnreadable {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        reason: String,
    },
}

crate::__debug_as_sentence!(UntrustedFile);

/// Returns an error if anyone except root and the user that runs this process can change the file. On systems other
/// than Unix, accepts every file.
///
/// If you are going to read the file, open it first and pass the open file's metadata. Do not pass the metadata of the
/// path: by the time you open the path, it might refer to a different file.
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
/// Returns an [`UntrustedFile`], whose text contains the command that corrects the permissions or the owner.
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

/// Returns an error if anyone except root and the user that runs this process can replace files in the folder. If the
/// path contains symbolic links, follows them and checks the folder that they lead to. On systems other than Unix,
/// accepts every folder.
///
/// Two kinds of folders are accepted even though their mode lets other users write to them:
/// - Folders with the sticky bit, such as `/tmp`. In these folders, users can remove only their own files.
/// - Folders that only their owner and the owner's private group can write to. A private group has the same id as its
///   user and no other members. On many systems, a new folder belongs to such a group, and the group can write to the
///   folder.
///
/// This function does not check the parent folders; [`untrusted_above`] does.
///
/// ```
/// use hardtack::files;
///
/// if let Err(refused) = files::check_trusted_folder(std::path::Path::new("/var/lib/app")) {
///     println!("{refused}"); // "the mode 0777 of the folder … change the mode with: chmod go-w /var/lib/app"
/// }
/// ```
///
/// # Errors
/// Returns an [`UntrustedFile`], whose text contains the command that corrects the permissions or the owner.
pub fn check_trusted_folder(path: &Path) -> Result<(), UntrustedFile> {
    if cfg!(unix) { check_folder(&resolve(path)?) } else { Ok(()) }
}

/// Looks for a parent folder of `path` that [`check_trusted_folder`] would refuse, and returns the reason. If `path`
/// contains symbolic links, also checks the parent folders of these links and of their targets.
///
/// A user who can write to a folder above `path` can replace the folder at `path` with a different one, even without
/// access to the files in it. A program that starts later then uses the files in the new folder.
pub fn untrusted_above(path: &Path) -> Option<UntrustedFile> {
    let resolved = resolve(path).ok().filter(|_| cfg!(unix))?;
    let untrusted = |path: &Path| path.ancestors().skip(1).find_map(|folder| check_folder(folder).err());
    untrusted(&resolved).or_else(|| links_to(path).iter().find_map(|link| untrusted(link)))
}

/// Returns the path and the targets of all symbolic links in it. If a target contains symbolic links itself, returns
/// their targets too, and so on.
fn links_to(path: &Path) -> Vec<PathBuf> {
    /// The maximum number of paths whose symbolic links are followed. To resolve a path, Linux follows at most 40
    /// symbolic links (`path_resolution(7)`).
    const MAX_LINKS: usize = 40;

    let mut paths: Vec<PathBuf> = std::path::absolute(path).into_iter().collect();
    let mut next = 0;
    while let Some(path) = paths.get(next).filter(|_| next < MAX_LINKS).cloned() {
        next += 1;
        let links = path.ancestors().filter_map(|part| Some((part.parent()?, part.read_link().ok()?)));
        paths.extend(links.map(|(folder, target)| folder.join(target)));
    }
    paths
}

/// Returns the path with all symbolic links resolved.
fn resolve(path: &Path) -> Result<PathBuf, UntrustedFile> {
    // The parent of a bare file name is the empty path, which stands for the current folder.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    path.canonicalize().map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> UntrustedFile {
    UntrustedFile::FolderUnreadable { path: path.to_owned(), reason: error.to_string() }
}

fn check_folder(path: &Path) -> Result<(), UntrustedFile> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        const STICKY: u32 = 0o1000;

        let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
        let (owner, own) = (metadata.uid(), nix::unistd::geteuid().as_raw());
        if owner != 0 && owner != own {
            return Err(UntrustedFile::FolderOwnedByOther { path: path.to_owned(), owner, expected: own });
        }
        let mode = metadata.mode() & 0o7777;
        let by_others = mode & 0o002 != 0 || (mode & 0o020 != 0 && !is_private_group(owner, metadata.gid()));
        if by_others && mode & STICKY == 0 {
            return Err(UntrustedFile::FolderWritableByOthers { path: path.to_owned(), mode });
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Returns whether the group is the user's private group: it has the same id as the user and no other members. Some
/// systems, such as Ubuntu and Fedora, give each user such a group. On these systems, the umask can be 0002, which lets
/// the group write to new folders (`pam_umask(8)`, option `usergroups`).
#[cfg(unix)]
fn is_private_group(user: u32, group: u32) -> bool {
    use nix::unistd::{Gid, Group, Uid, User};

    if user == 0 || user != group {
        return false;
    }
    let name = User::from_uid(Uid::from_raw(user)).ok().flatten().map(|user| user.name);
    match Group::from_gid(Gid::from_raw(group)) {
        Ok(Some(group)) => group.mem.iter().all(|member| Some(member) == name.as_ref()),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Returns the permission bits if they let users other than the owner read the file. Always returns `None` on systems
/// other than Unix.
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

/// Returns a warning if other users can read a file that contains a secret. This is not an error, because containers
/// mount secrets with such permissions.
pub fn readable_secret(path: &Path, metadata: &Metadata) -> Option<String> {
    let mode = mode_if_readable_by_others(metadata)?;
    Some(format!(
        "other users can read the secret in {}, because the file's mode is {mode:04o}; if only this user needs the \
         file, run: chmod 600 {}",
        path.display(),
        shell_quoted(path)
    ))
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
        // Only root can change a file's owner.
        if nix::unistd::geteuid().is_root() {
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(12_345), None).unwrap();
            let refused = check_trusted(&path, &fs::metadata(&path).unwrap()).unwrap_err();
            assert!(matches!(refused, UntrustedFile::OwnedByOther { owner: 12_345, expected: 0, .. }), "{refused}");
            // `chown` takes the file away from a server that runs as the file's owner. The message therefore first says
            // how to run the command as this owner.
            assert!(
                refused.to_string().contains("run this command as that user, with: sudo -u '#12345'; otherwise"),
                "{refused}"
            );
            assert!(refused.to_string().contains("chown 0 "), "{refused}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn k05_s80_folders_in_which_others_can_replace_files_are_refused() {
        let above = std::env::temp_dir().join(format!("hardtack-folders-{}", std::process::id()));
        let folder = above.join("it's a folder");
        fs::create_dir_all(&folder).unwrap();
        let link = above.join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        let set_mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();

        for mode in [0o700, 0o755, 0o555, 0o1777, 0o1770, 0o2755] {
            set_mode(&folder, mode);
            assert_eq!(check_trusted_folder(&folder), Ok(()), "{mode:o}");
        }
        for mode in [0o777, 0o757, 0o2777] {
            set_mode(&folder, mode);
            for path in [&folder, &link] {
                let refused = check_trusted_folder(path).unwrap_err();
                assert!(matches!(refused, UntrustedFile::FolderWritableByOthers { .. }), "{refused}");
                let text = refused.to_string();
                assert!(text.contains(&format!("the mode {mode:04o} of the folder ")), "{text}");
                assert!(text.contains("chmod go-w '") && text.ends_with(r"/it'\''s a folder'"), "{text}");
            }
        }
        assert!(matches!(check_trusted_folder(&above.join("none")), Err(UntrustedFile::FolderUnreadable { .. })));

        set_mode(&folder, 0o700);
        set_mode(&above, 0o777);
        assert_eq!(check_trusted_folder(&folder), Ok(()));
        let found = untrusted_above(&folder).unwrap();
        let expected = above.canonicalize().unwrap();
        assert!(matches!(&found, UntrustedFile::FolderWritableByOthers { path, .. } if *path == expected), "{found}");
        set_mode(&above, 0o755);

        // A user who can write to the folder that contains a symbolic link can make the link point elsewhere.
        let links = above.join("links");
        fs::create_dir(&links).unwrap();
        let outer = above.join("outer");
        std::os::unix::fs::symlink(&folder, links.join("inner")).unwrap();
        std::os::unix::fs::symlink("links/inner", &outer).unwrap();
        set_mode(&links, 0o755);
        let before = untrusted_above(&outer);
        set_mode(&links, 0o777);
        assert_ne!(untrusted_above(&outer), before);
        for path in [links.join("inner"), outer] {
            let found = untrusted_above(&path).unwrap();
            assert!(
                matches!(&found, UntrustedFile::FolderWritableByOthers { path, .. } if path.ends_with("links")),
                "{found}"
            );
        }

        // Only root can change a folder's owner. Root has no private group.
        if nix::unistd::geteuid().is_root() {
            set_mode(&folder, 0o775);
            assert!(matches!(check_trusted_folder(&folder), Err(UntrustedFile::FolderWritableByOthers { .. })));
            set_mode(&folder, 0o755);
            chown(&folder, Some(12_345), None).unwrap();
            let refused = check_trusted_folder(&folder).unwrap_err();
            assert!(
                matches!(refused, UntrustedFile::FolderOwnedByOther { owner: 12_345, expected: 0, .. }),
                "{refused}"
            );
            assert!(refused.to_string().contains("chown 0 "), "{refused}");
        }
        fs::remove_dir_all(&above).unwrap();
    }

    #[test]
    fn k05_a_group_of_one_user_is_private() {
        // No system has users or groups with these ids.
        assert!(is_private_group(4_000_000_001, 4_000_000_001));
        assert!(!is_private_group(4_000_000_001, 4_000_000_002));
        assert!(!is_private_group(0, 0));
    }
}
