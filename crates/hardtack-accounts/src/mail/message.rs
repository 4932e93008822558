//! One email.

use std::fmt;

use hardtack::clock::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::users::EmailAddress;

/// A plain-text email to one user.
///
/// Its [`Display`](fmt::Display) is the complete message with its header (RFC 5322). Lines end in `\n`, which
/// `sendmail -t -i` expects; an SMTP library converts them.
#[derive(Clone)]
pub struct Mail {
    from: EmailAddress,
    to: EmailAddress,
    subject: &'static str,
    text: String,
    at: Timestamp,
    id: u128,
}

impl Mail {
    pub(super) fn new(
        from: EmailAddress,
        to: EmailAddress,
        subject: &'static str,
        text: String,
        at: Timestamp,
    ) -> Self {
        Self { from, to, subject, text, at, id: rand::random() }
    }

    /// Returns the sender's address.
    pub fn from(&self) -> &EmailAddress {
        &self.from
    }

    /// Returns the recipient's address.
    pub fn to(&self) -> &EmailAddress {
        &self.to
    }

    /// Returns the subject: one line of ASCII.
    pub fn subject(&self) -> &str {
        self.subject
    }

    /// Returns the body, with `\n` between its lines. It may contain a link that is as powerful as a password:
    /// do not log it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, subject, text, at, id } = self;
        let date = OffsetDateTime::from_unix_timestamp(at.unix_seconds()).ok().and_then(|at| at.format(&Rfc2822).ok());
        let domain = from.as_str().split_once('@').map_or("localhost", |(_, domain)| domain);
        writeln!(f, "From: {}\nTo: {}\nSubject: {subject}", from.as_str(), to.as_str())?;
        writeln!(f, "Date: {}\nMessage-ID: <{id:032x}@{domain}>", date.unwrap_or_default())?;
        // Asks automatic responders not to reply (RFC 3834).
        writeln!(f, "Auto-Submitted: auto-generated\nMIME-Version: 1.0")?;
        writeln!(f, "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n")?;
        f.write_str(text)
    }
}

impl fmt::Debug for Mail {
    /// Omits the text, which may contain a link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}
