//! How mail is sent: over SMTP, through a program, or into a folder.

mod command;
#[cfg(feature = "smtp")]
mod smtp;

use std::time::Duration;

use hardtack_accounts::Accounts;
use hardtack_accounts::mail::Outbox;

use self::command::MailCommand;
use crate::config::{MailConfig, MailTransport};
use crate::error::Error;

/// How long sending a message may take. The site cancels sending after 30 seconds. This limit is shorter, because its
/// error names the mail server or the program, which the site's error does not.
const TIMEOUT: Duration = Duration::from_secs(25);

/// Turns on mail for the accounts if it is configured. Links in mail start with `site`.
pub(crate) fn with_mail(accounts: Accounts, config: Option<&MailConfig>, site: &str) -> Result<Accounts, Error> {
    let Some(MailConfig { from, transport }) = config else { return Ok(accounts) };
    Ok(match transport {
        MailTransport::Command { program, arguments } => {
            accounts.with_mail(from.clone(), site, MailCommand::new(program, arguments))
        }
        MailTransport::Outbox(folder) => accounts.with_mail(from.clone(), site, Outbox::new(folder)),
        #[cfg(feature = "smtp")]
        MailTransport::Smtp(server) => accounts.with_mail(from.clone(), site, smtp::Smtp::new(server, from)?),
    })
}
