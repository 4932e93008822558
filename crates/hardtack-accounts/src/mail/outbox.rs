//! A mailer that writes messages to a folder, for development and tests.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hardtack::files::check_trusted_folder;

use super::{Mail, MailError, Mailer};

/// A [`Mailer`] that writes each message to an `.eml` file (RFC 5322) in a folder. Mail programs can open these files.
/// The files can contain links that are as powerful as passwords, so on Unix only their owner can read them. Sending
/// fails if another OS user owns the folder or can write to it.
#[derive(Clone, Debug)]
pub struct Outbox(PathBuf);

impl Outbox {
    /// Creates an outbox that writes to `folder`. The folder is created when the first message is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut folder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.recursive(true).create(&self.0)?;
        // A user who can write to the folder can replace messages.
        check_trusted_folder(&self.0).map_err(io::Error::other)?;
        // Write the file under a hidden name first, and rename it when it is complete, so that every `.eml` file is
        // complete. tempfile creates files with mode 0600, and removes the hidden file if an error occurs.
        let mut unfinished = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.0)?;
        unfinished.write_all(text.as_bytes())?;
        let path = self.0.join(format!("{:032x}.eml", rand::random::<u128>()));
        unfinished.persist(path).map_err(|failed| failed.error)?;
        Ok(())
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let (outbox, text) = (self.clone(), mail.to_string());
        let written = tokio::task::spawn_blocking(move || outbox.write(&text)).await;
        let failed = |error| MailError::outage(format!("cannot write to the folder {}: {error}", self.0.display()));
        written.map_err(MailError::new)?.map_err(failed)
    }
}
