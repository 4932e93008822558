//! A mailer that writes messages to a folder, for development and tests.

use std::fs::{self, OpenOptions};
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
        let mut file = OpenOptions::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
            folder.mode(0o700);
            file.mode(0o600);
        }
        folder.recursive(true).create(&self.0)?;
        // A user who can write to the folder can replace messages.
        check_trusted_folder(&self.0).map_err(io::Error::other)?;
        let name = format!("{:032x}", rand::random::<u128>());
        // Write the file under a hidden name first, and rename it when it is complete, so that every `.eml` file is
        // complete.
        let unfinished = self.0.join(format!(".{name}"));
        file.write(true).create_new(true).open(&unfinished)?.write_all(text.as_bytes())?;
        fs::rename(unfinished, self.0.join(format!("{name}.eml")))
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
