//! Whether and how mail is sent.

use std::path::PathBuf;

use hardtack_accounts::EmailAddress;

use super::settings::{CONTACT, MAIL_COMMAND, MAIL_FROM, MAIL_OUTBOX};
use super::sources::Sources;
use crate::error::Error;

/// The sender of mail, and how mail is sent.
pub(crate) struct MailConfig {
    pub(crate) from: EmailAddress,
    pub(crate) transport: MailTransport,
}

/// How mail is sent.
pub(crate) enum MailTransport {
    /// Through a program that reads a message from its standard input.
    Command { program: String, arguments: Vec<String> },
    /// Messages are not sent, but written to files in this folder.
    Outbox(PathBuf),
}

/// The default sender of mail in an outbox.
const OUTBOX_SENDER: &str = "hardtack@localhost";

/// Reads how users reach the operator.
pub(super) fn contact(sources: &Sources) -> Result<Option<String>, Error> {
    let is_one_line = |text: &str| !text.is_empty() && text.len() <= 200 && !text.contains(char::is_control);
    sources.parse(&CONTACT, "an email address, a URL or a few words, at most 200 bytes in one line", |text| {
        Some(text.trim().to_owned()).filter(|text| is_one_line(text))
    })
}

/// Reads the settings of mail; `None` if no mail is sent.
pub(super) fn read(sources: &Sources) -> Result<Option<MailConfig>, Error> {
    let from = sources.parse(&MAIL_FROM, "an address such as noreply@site.example", EmailAddress::parse)?;
    let command = sources.parse(&MAIL_COMMAND, "a program and its arguments, separated by spaces", |text| {
        let mut words = text.split_ascii_whitespace().map(str::to_owned);
        Some(MailTransport::Command { program: words.next()?, arguments: words.collect() })
    })?;
    let folder = |text: &str| (!text.is_empty()).then(|| MailTransport::Outbox(PathBuf::from(text)));
    let outbox = sources.parse(&MAIL_OUTBOX, "a folder", folder)?;
    match (command, outbox, from) {
        (Some(_), Some(_), _) => Err(Error::config(format_args!(
            "{} and {}, but only one of them can be set; remove one",
            sources.describe(&MAIL_COMMAND),
            sources.describe(&MAIL_OUTBOX)
        ))),
        (Some(_), None, None) => Err(Error::config(format_args!(
            "{}, but the mail has no sender; set --mail-from or HARDTACK_MAIL_FROM to an address whose mail you read",
            sources.describe(&MAIL_COMMAND)
        ))),
        (None, None, Some(_)) => Err(Error::config(format_args!(
            "{}, but there is no way to send mail; set --mail-command or --mail-outbox too, or remove {}",
            sources.describe(&MAIL_FROM),
            sources.label(&MAIL_FROM)
        ))),
        (Some(transport), None, Some(from)) => Ok(Some(MailConfig { from, transport })),
        (None, Some(transport), from) => {
            let from = from.or_else(|| EmailAddress::parse(OUTBOX_SENDER));
            Ok(from.map(|from| MailConfig { from, transport }))
        }
        (None, None, None) => Ok(None),
    }
}
