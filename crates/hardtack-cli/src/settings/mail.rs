//! How letters leave.

use std::path::PathBuf;

use hardtack_accounts::EmailAddress;

use super::given::Layers;
use super::options;
use crate::error::Error;

/// Who letters are from, and how they leave.
pub(crate) struct MailSettings {
    pub(crate) from: EmailAddress,
    pub(crate) way: MailWay,
}

/// How letters leave.
pub(crate) enum MailWay {
    /// A program that takes one on its standard input, with its arguments.
    Command { program: String, arguments: Vec<String> },
    /// A folder that they are put into.
    Outbox(PathBuf),
}

/// Whom letters in a folder are from, unless set.
const NOBODY_IN_PARTICULAR: &str = "hardtack@localhost";

/// Reads the three settings; none where no letters are sent.
pub(super) fn read(layers: &Layers) -> Result<Option<MailSettings>, Error> {
    let expected = "an address such as noreply@site.example";
    let from = layers.read(&options::MAIL_FROM, expected, EmailAddress::parse)?;
    let command = layers.read(&options::MAIL_COMMAND, "a program and its arguments, with spaces between", |text| {
        let mut words = text.split_ascii_whitespace().map(str::to_owned);
        Some(MailWay::Command { program: words.next()?, arguments: words.collect() })
    })?;
    let folder = |text: &str| (!text.is_empty()).then(|| MailWay::Outbox(PathBuf::from(text)));
    let outbox = layers.read(&options::MAIL_OUTBOX, "a folder", folder)?;
    match (command, outbox, from) {
        (Some(_), Some(_), _) => Err(Error::config(format_args!(
            "{} and {}; letters leave one way: leave either out",
            layers.named(&options::MAIL_COMMAND),
            layers.named(&options::MAIL_OUTBOX)
        ))),
        (Some(_), None, None) => Err(Error::config(format_args!(
            "{} without a sender; set --mail-from or HARDTACK_MAIL_FROM to an address whose answers you read",
            layers.named(&options::MAIL_COMMAND)
        ))),
        (None, None, Some(_)) => Err(Error::config(format_args!(
            "{} without a way for letters to leave; set --mail-command or --mail-outbox too, or leave it out",
            layers.named(&options::MAIL_FROM)
        ))),
        (Some(way), None, Some(from)) => Ok(Some(MailSettings { from, way })),
        (None, Some(way), from) => {
            let from = from.or_else(|| EmailAddress::parse(NOBODY_IN_PARTICULAR));
            Ok(from.map(|from| MailSettings { from, way }))
        }
        (None, None, None) => Ok(None),
    }
}
