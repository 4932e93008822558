//! Letters as files, for development and for tests.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Mail, MailError, Mailer};

/// A folder into which each letter is written as a file `….eml` (RFC 5322), which mail programs open. Only its
/// owner can read it: there are links in it that are as good as passwords.
#[derive(Clone, Debug)]
pub struct Outbox(PathBuf);

impl Outbox {
    /// The folder, which is made with the first letter.
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
        let name = format!("{:032x}", rand::random::<u128>());
        // Whoever looks into the folder finds whole letters only.
        let unfinished = self.0.join(format!(".{name}"));
        file.write(true).create_new(true).open(&unfinished)?.write_all(text.as_bytes())?;
        fs::rename(unfinished, self.0.join(format!("{name}.eml")))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let (outbox, text) = (self.clone(), mail.to_string());
        let written = tokio::task::spawn_blocking(move || outbox.write(&text)).await;
        let failed =
            |error: io::Error| MailError::new(format_args!("{} cannot be written to: {error}", self.0.display()));
        written.map_err(MailError::new)?.map_err(failed)
    }
}
