//! Mail through a program such as `/usr/sbin/sendmail -t -i`.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use std::{env, io};

use hardtack_accounts::Accounts;
use hardtack_accounts::mail::{Mail, MailError, Mailer, Outbox};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::config::{MailConfig, MailTransport};

/// How long the program may take for one message.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Turns on mail for the accounts if it is configured. Links in mail start with `site`.
pub(crate) fn with_mail(accounts: Accounts, config: Option<&MailConfig>, site: &str) -> Accounts {
    let Some(MailConfig { from, transport }) = config else { return accounts };
    match transport {
        MailTransport::Command { program, arguments } => {
            let mailer = MailCommand { program: program.clone(), arguments: arguments.clone() };
            accounts.with_mail(from.clone(), site, mailer)
        }
        MailTransport::Outbox(folder) => accounts.with_mail(from.clone(), site, Outbox::new(folder)),
    }
}

/// A program that reads a message from its standard input. It is run without a shell, and its arguments contain
/// no user input.
struct MailCommand {
    program: String,
    arguments: Vec<String>,
}

impl MailCommand {
    async fn run(&self, message: &str) -> io::Result<ExitStatus> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // The program must not see our keys and passwords.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| ["JWT_", "HARDTACK_", "PG"].iter().any(|own| name.starts_with(own))) {
                command.env_remove(name);
            }
        }
        let mut child = command.kill_on_drop(true).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(message.as_bytes()).await?;
            input.shutdown().await?;
        }
        child.wait().await
    }
}

impl Mailer for MailCommand {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let program = &self.program;
        let message = mail.to_string();
        match tokio::time::timeout(TIMEOUT, self.run(&message)).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(MailError::new(format!("{program} failed: {status}"))),
            Ok(Err(error)) => Err(MailError::new(format!("{program} cannot be run: {error}"))),
            Err(_) => Err(MailError::new(format!("{program} took longer than {TIMEOUT:?}"))),
        }
    }
}
