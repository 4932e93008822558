//! How mail is sent: over SMTP, through a program, or by writing it to a folder.

mod command;
#[cfg(feature = "smtp")]
mod smtp;
mod timeout;

use hardtack_accounts::Accounts;
use hardtack_accounts::mail::Outbox;

use self::command::MailCommand;
use crate::config::{MailConfig, MailTransport};
use crate::error::Error;

/// Enables `accounts` to send mail if mail is configured. Links in emails begin with `site`.
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
