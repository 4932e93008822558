//! Checks whether the mail program can be run, and who can change the program and the folder for emails. The program
//! runs as the server's OS user, and emails contain links that are as powerful as passwords.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::{env, io};

use hardtack::files::{self, UntrustedFile};

use super::mail::{MailConfig, MailTransport};
use super::settings::{MAIL_COMMAND, MAIL_OUTBOX};
use super::sources::Sources;
use crate::error::Error;

/// Refuses a mail program that this process cannot run. Also refuses the mail program or the folder for emails if an OS
/// user other than root and the user that runs this process can change it. sshd has a similar rule for its
/// `AuthorizedKeysCommand`. A missing folder is not refused: it is created when mail is sent.
pub(super) fn check(sources: &Sources, mail: Option<&MailConfig>) -> Result<(), Error> {
    if let Some(folder) = mail.and_then(MailConfig::outbox) {
        return check_outbox(folder)
            .map_err(|why| Error::config(format_args!("{}: {why}", sources.describe(&MAIL_OUTBOX))));
    }
    let Some(program) = mail.and_then(MailConfig::program) else { return Ok(()) };
    find_trusted(program).map(drop).map_err(|unusable| {
        let expected = match unusable {
            Unusable::Untrusted(_) => "",
            _ => {
                "; expected the path of a program, such as /usr/sbin/sendmail, or the name of a program in one of the \
                 folders in PATH, followed by the program's arguments"
            }
        };
        Error::config(format_args!("{}, but {unusable}{expected}", sources.describe(&MAIL_COMMAND)))
    })
}

fn check_outbox(folder: &Path) -> Result<(), String> {
    match folder.metadata() {
        Ok(metadata) if !metadata.is_dir() => Err(format!("{} is not a folder", folder.display())),
        Ok(_) => files::check_trusted_folder(folder).map_err(|untrusted| untrusted.to_string()),
        Err(_) => Ok(()),
    }
}

impl MailConfig {
    /// Returns the folder for emails, if the server writes emails to a folder.
    pub(crate) fn outbox(&self) -> Option<&Path> {
        match &self.transport {
            MailTransport::Outbox(folder) => Some(folder),
            _ => None,
        }
    }

    /// Returns a warning if another OS user can replace the program that sends mail.
    pub(crate) fn untrusted_folder(&self) -> Option<String> {
        let (path, _) = find(self.program()?).ok()?;
        // `untrusted_above` also checks the folders that contain symbolic links, and the folders that contain the
        // links' targets.
        let untrusted = files::untrusted_above(&path)?;
        let path = path.display();
        Some(format!("another user can replace {path}, and this server would run the replacement: {untrusted}"))
    }

    fn program(&self) -> Option<&str> {
        match &self.transport {
            MailTransport::Command { program, .. } => Some(program),
            MailTransport::Outbox(_) => None,
            #[cfg(feature = "smtp")]
            MailTransport::Smtp(_) => None,
        }
    }
}

/// The folders that `execvp` searches if `PATH` is not set.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why the mail program cannot be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("no folder of PATH contains a program with the name {0}")]
    NotOnPath(String),
    #[error("{0} cannot be run: {1}")]
    Unreadable(PathBuf, io::Error),
    #[error("{0} is not a file")]
    NotAFile(PathBuf),
    #[error("this user is not allowed to execute {0} (chmod +x makes a file executable)")]
    NotExecutable(PathBuf),
    #[error("another user can change this program, which the server runs: {0}")]
    Untrusted(UntrustedFile),
}

/// Finds the mail program, and checks that this process can run it and that no other OS user can change it. The server
/// calls this function at startup and before it sends each email.
pub(crate) fn find_trusted(program: &str) -> Result<PathBuf, Unusable> {
    let (path, metadata) = find(program)?;
    files::check_trusted(&path, &metadata).map_err(Unusable::Untrusted)?;
    // A bare name would be searched for in `PATH` again.
    Ok(Path::new(".").join(path))
}

/// Finds a program as the operating system does: by its path, or by its name in the folders of `PATH`. Like `execvp`,
/// the search skips files that cannot be executed.
fn find(program: &str) -> Result<(PathBuf, Metadata), Unusable> {
    if program.contains('/') {
        return examine(PathBuf::from(program));
    }
    let folders = env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let mut first_unusable = None;
    for folder in env::split_paths(&folders) {
        match examine(folder.join(program)) {
            Ok(found) => return Ok(found),
            Err(Unusable::Unreadable(..)) => {}
            Err(unusable) => first_unusable = first_unusable.or(Some(unusable)),
        }
    }
    Err(first_unusable.unwrap_or_else(|| Unusable::NotOnPath(program.to_owned())))
}

fn examine(path: PathBuf) -> Result<(PathBuf, Metadata), Unusable> {
    match path.metadata() {
        Err(error) => Err(Unusable::Unreadable(path, error)),
        Ok(metadata) if !metadata.is_file() => Err(Unusable::NotAFile(path)),
        Ok(_) if !is_executable(&path) => Err(Unusable::NotExecutable(path)),
        Ok(metadata) => Ok((path, metadata)),
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
}

#[cfg(not(unix))]
const fn is_executable(_: &Path) -> bool {
    true
}
