//! Letters by a program, such as `/usr/sbin/sendmail -t -i`.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use std::{env, io};

use hardtack_accounts::Accounts;
use hardtack_accounts::mail::{Mail, MailError, Mailer, Outbox};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::settings::{MailSettings, MailWay};

/// How long the program may take for one letter.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lets accounts send letters, if that is set. Links lead to `site`.
pub(crate) fn with_mail(accounts: Accounts, settings: Option<&MailSettings>, site: &str) -> Accounts {
    let Some(MailSettings { from, way }) = settings else { return accounts };
    match way {
        MailWay::Command { program, arguments } => {
            let mailer = MailCommand { program: program.clone(), arguments: arguments.clone() };
            accounts.with_mail(from.clone(), site, mailer)
        }
        MailWay::Outbox(folder) => accounts.with_mail(from.clone(), site, Outbox::new(folder)),
    }
}

/// A program that takes a letter on its standard input. No shell is involved, and nothing that anybody typed
/// is among its arguments.
struct MailCommand {
    program: String,
    arguments: Vec<String>,
}

impl MailCommand {
    async fn run(&self, letter: &str) -> io::Result<ExitStatus> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Keys and passwords are this program's own.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| ["JWT_", "HARDTACK_", "PG"].iter().any(|own| name.starts_with(own))) {
                command.env_remove(name);
            }
        }
        let mut child = command.kill_on_drop(true).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(letter.as_bytes()).await?;
            input.shutdown().await?;
        }
        child.wait().await
    }
}

impl Mailer for MailCommand {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let program = &self.program;
        let letter = mail.to_string();
        match tokio::time::timeout(PATIENCE, self.run(&letter)).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(MailError::new(format!("{program} ended with {status}"))),
            Ok(Err(error)) => Err(MailError::new(format!("{program} took no letter: {error}"))),
            Err(_) => Err(MailError::new(format!("{program} took longer than {PATIENCE:?}"))),
        }
    }
}
