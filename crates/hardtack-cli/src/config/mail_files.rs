//! Checks who can change the mail program and the folder for emails. The program runs as the server's OS user, and
//! emails contain links that are as powerful as passwords.

use std::env;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use hardtack::files;

use super::mail::{MailConfig, MailTransport};
use super::settings::{MAIL_COMMAND, MAIL_OUTBOX};
use super::sources::Sources;
use crate::error::Error;

/// Refuses the mail program or the folder for emails if another OS user can change it. Root and the user that runs this
/// process are allowed. sshd has a similar rule for its `AuthorizedKeysCommand`. A missing program or folder is not
/// refused here: when mail is sent, the missing program is reported, and the missing folder is created.
pub(super) fn check(sources: &Sources, mail: Option<&MailConfig>) -> Result<(), Error> {
    if let Some(folder) = mail.and_then(MailConfig::outbox) {
        return check_outbox(folder)
            .map_err(|why| Error::config(format_args!("{}: {why}", sources.describe(&MAIL_OUTBOX))));
    }
    let Some((path, metadata)) = mail.and_then(MailConfig::program).and_then(find) else { return Ok(()) };
    files::check_trusted(&path, &metadata).map_err(|untrusted| {
        let setting = sources.describe(&MAIL_COMMAND);
        Error::config(format_args!(
            "{setting}, but another user can change this program, which the server runs: {untrusted}"
        ))
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
        let (path, _) = find(self.program()?)?;
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

/// Finds a program as the operating system does: by its path, or by its name in the folders of `PATH`.
fn find(program: &str) -> Option<(PathBuf, Metadata)> {
    let examine = |path: PathBuf| {
        let metadata = path.metadata().ok().filter(Metadata::is_file)?;
        Some((path, metadata))
    };
    if program.contains('/') {
        return examine(Path::new(program).to_owned());
    }
    env::split_paths(&env::var_os("PATH")?).find_map(|folder| examine(folder.join(program)))
}
