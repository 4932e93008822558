//! Whether and how mail is sent.

use std::fmt;
use std::path::PathBuf;

use hardtack_accounts::EmailAddress;
use url::Url;

use super::settings::{CONTACT, MAIL_COMMAND, MAIL_FROM, MAIL_OUTBOX, SMTP_PASSWORD, SMTP_URL, Setting};
use super::sources::Sources;
use crate::error::Error;

/// The sender address for mail, and how mail is sent.
pub(crate) struct MailConfig {
    pub(crate) from: EmailAddress,
    pub(crate) transport: MailTransport,
}

/// How mail is sent.
pub(crate) enum MailTransport {
    /// A program reads each message from its standard input and sends it.
    Command { program: String, arguments: Vec<String> },
    /// Messages are not sent, but written to files in this folder.
    Outbox(PathBuf),
    /// A mail server sends the messages.
    #[cfg(feature = "smtp")]
    Smtp(SmtpServer),
}

/// A mail server. `Display` writes its URL without the password.
pub(crate) struct SmtpServer {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: SmtpTls,
    /// The user and the password. `None` if the server needs no log-in.
    pub(crate) credentials: Option<(String, String)>,
}

/// When encryption starts on a connection to a mail server. In either case, the connection is encrypted before any mail
/// or password is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SmtpTls {
    /// The connection is encrypted from the beginning.
    Implicit,
    /// The connection is encrypted after the STARTTLS command, which the server must offer.
    StartTls,
}

impl fmt::Display for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.tls {
            SmtpTls::Implicit => "smtps",
            SmtpTls::StartTls => "smtp",
        };
        let user = self.credentials.as_ref().map(|(user, _)| format!("{user}@")).unwrap_or_default();
        write!(f, "{scheme}://{user}{}:{}", self.host, self.port)
    }
}

/// The default sender address for emails that are written to the outbox.
const OUTBOX_SENDER: &str = "hardtack@localhost";

/// Reads the setting that tells users how to contact the operator: an email address, a URL or a few words.
pub(super) fn contact(sources: &Sources) -> Result<Option<String>, Error> {
    let is_one_line = |text: &str| !text.is_empty() && text.len() <= 200 && !text.contains(char::is_control);
    sources.parse(&CONTACT, "an email address, a URL or a few words, at most 200 bytes on one line", |text| {
        Some(text.trim().to_owned()).filter(|text| is_one_line(text))
    })
}

/// Reads the settings for the mail server. Returns `None` if no mail server is set.
pub(super) fn smtp(sources: &Sources) -> Result<Option<SmtpServer>, Error> {
    let password = sources.text(&SMTP_PASSWORD);
    let Some(text) = sources.text(&SMTP_URL) else {
        return match password {
            None => Ok(None),
            Some(_) => Err(Error::config(format_args!(
                "{} is set, but there is no mail server; set --smtp-url or HARDTACK_SMTP_URL too, or remove {0}",
                sources.label(&SMTP_PASSWORD)
            ))),
        };
    };
    // The URL may contain a password, so errors do not show it.
    let label = sources.label(&SMTP_URL);
    if !cfg!(feature = "smtp") {
        return Err(Error::config(format_args!(
            "{label} is set, but this program was built without the smtp feature; build it with that feature, or set \
             --mail-command"
        )));
    }
    let invalid = |what: &str| {
        Error::config(format_args!(
            "{label} {what}; expected smtps://USER@HOST:PORT (implicit TLS) or smtp://USER@HOST:PORT (STARTTLS)"
        ))
    };
    let url = Url::parse(text).map_err(|error| invalid(&format!("is not a URL: {error}")))?;
    let (tls, default_port) = match url.scheme() {
        "smtps" => (SmtpTls::Implicit, 465),
        "smtp" => (SmtpTls::StartTls, 587),
        _ => return Err(invalid("begins with neither smtps:// nor smtp://")),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| invalid("has no host"))?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("contains more than a user, a host and a port"));
    }
    let user = decoded(url.username()).ok_or_else(|| invalid("has a user that is not percent-encoded UTF-8"))?;
    let in_url = url
        .password()
        .map(|password| decoded(password).ok_or_else(|| invalid("has a password that is not percent-encoded UTF-8")));
    let password_label = sources.label(&SMTP_PASSWORD);
    let password = match (in_url.transpose()?, password) {
        (Some(_), Some(_)) => {
            return Err(Error::config(format_args!(
                "{label} contains a password, and {password_label} is set too; set the password only once"
            )));
        }
        (in_url, password) => in_url.or_else(|| password.map(str::to_owned)),
    };
    let credentials = match (user.is_empty(), password) {
        (true, None) => None,
        (false, Some(password)) if !password.is_empty() => Some((user, password)),
        (false, _) => {
            return Err(Error::config(format_args!(
                "{label} has a user, but the password is missing; set smtp_password_file or \
                 HARDTACK_SMTP_PASSWORD_FILE to the path of a file that contains the password"
            )));
        }
        (true, Some(_)) => return Err(invalid("has no user, but a password is set")),
    };
    let host = host.trim_matches(['[', ']']).to_owned();
    Ok(Some(SmtpServer { host, port: url.port().unwrap_or(default_port), tls, credentials }))
}

/// Decodes percent-encoded characters, such as `%40`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let hexadecimal = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        decoded.push(match byte {
            b'%' => hexadecimal(bytes.next()?)? << 4 | hexadecimal(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

/// Reads the mail settings. Returns `None` if the server is not set up to send mail.
pub(super) fn read(sources: &Sources) -> Result<Option<MailConfig>, Error> {
    let from = sources.parse(&MAIL_FROM, "an address such as noreply@site.example", EmailAddress::parse)?;
    let mut transports: Vec<(&Setting, MailTransport)> = Vec::new();
    #[cfg(feature = "smtp")]
    transports.extend(smtp(sources)?.map(|server| (&SMTP_URL, MailTransport::Smtp(server))));
    #[cfg(not(feature = "smtp"))]
    smtp(sources)?;
    let command = sources.parse(&MAIL_COMMAND, "a program and its arguments, separated by spaces", |text| {
        let mut words = text.split_ascii_whitespace().map(str::to_owned);
        Some(MailTransport::Command { program: words.next()?, arguments: words.collect() })
    })?;
    transports.extend(command.map(|command| (&MAIL_COMMAND, command)));
    let folder = |text: &str| (!text.is_empty()).then(|| MailTransport::Outbox(PathBuf::from(text)));
    transports.extend(sources.parse(&MAIL_OUTBOX, "a folder", folder)?.map(|outbox| (&MAIL_OUTBOX, outbox)));
    if let [(one, _), (other, _), ..] = &transports[..] {
        return Err(Error::config(format_args!(
            "{} and {}, but only one of these settings is allowed; remove one",
            described(sources, one),
            described(sources, other)
        )));
    }
    match (transports.pop(), from) {
        (Some((&MAIL_OUTBOX, transport)), from) => {
            let from = from.or_else(|| EmailAddress::parse(OUTBOX_SENDER));
            Ok(from.map(|from| MailConfig { from, transport }))
        }
        (Some((setting, _)), None) => Err(Error::config(format_args!(
            "{}, but the mail has no sender; set --mail-from or HARDTACK_MAIL_FROM to an address whose mail you read",
            described(sources, setting)
        ))),
        (Some((_, transport)), Some(from)) => Ok(Some(MailConfig { from, transport })),
        (None, Some(_)) => Err(Error::config(format_args!(
            "{}, but there is no way to send mail; set --smtp-url, --mail-command or --mail-outbox too, or remove {}",
            sources.describe(&MAIL_FROM),
            sources.label(&MAIL_FROM)
        ))),
        (None, None) => Ok(None),
    }
}

/// Returns the beginning of an error: the setting's name and value. The URL of a mail server can contain a password, so
/// for this setting, the error shows only the name, followed by `is set`.
fn described(sources: &Sources, setting: &Setting) -> String {
    match setting == &SMTP_URL {
        true => format!("{} is set", sources.label(setting)),
        false => sources.describe(setting),
    }
}
