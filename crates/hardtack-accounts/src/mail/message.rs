//! One email.

use std::fmt;

use hardtack::clock::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::letter::Letter;
use crate::users::EmailAddress;

/// An email to one user, as plain text and as HTML.
///
/// [`Display`](fmt::Display) writes the complete message (RFC 5322): the header, and a body with both the plain text
/// and the HTML (`multipart/alternative`). Lines end in `\n`, as `sendmail -t -i` expects. An SMTP library converts
/// these line endings to `\r\n`.
#[derive(Clone)]
pub struct Mail {
    from: EmailAddress,
    to: EmailAddress,
    subject: &'static str,
    text: String,
    html: String,
    at: Timestamp,
    id: u128,
}

impl Mail {
    pub(super) fn new(
        from: EmailAddress,
        to: EmailAddress,
        subject: &'static str,
        letter: &Letter,
        at: Timestamp,
    ) -> Self {
        let (text, html) = (letter.text().to_owned(), letter.html(subject));
        Self { from, to, subject, text, html, at, id: rand::random() }
    }

    /// Returns the sender's address.
    pub fn from(&self) -> &EmailAddress {
        &self.from
    }

    /// Returns the recipient's address.
    pub fn to(&self) -> &EmailAddress {
        &self.to
    }

    /// Returns the subject line, which contains only ASCII.
    pub fn subject(&self) -> &str {
        self.subject
    }

    /// Returns the body as plain text, with lines separated by `\n`. Do not log the text, because it may contain a link
    /// that is as powerful as a password.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the body as an HTML document with the same content as the plain text. The document loads no external
    /// resources.
    pub fn html(&self) -> &str {
        &self.html
    }
}

impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, subject, text, html, at, id } = self;
        let date = OffsetDateTime::from_unix_timestamp(at.unix_seconds()).ok().and_then(|at| at.format(&Rfc2822).ok());
        let domain = from.as_str().split_once('@').map_or("localhost", |(_, domain)| domain);
        let encoding = |text: &str| if text.is_ascii() { "7bit" } else { "8bit" };
        writeln!(f, "From: {}\nTo: {}\nSubject: {subject}", from.as_str(), to.as_str())?;
        writeln!(f, "Date: {}\nMessage-ID: <{id:032x}@{domain}>", date.unwrap_or_default())?;
        // Asks automatic responders not to reply (RFC 3834).
        writeln!(f, "Auto-Submitted: auto-generated\nMIME-Version: 1.0")?;
        // The boundary is random, so no line in either part begins with it.
        writeln!(f, "Content-Type: multipart/alternative; boundary=\"{id:032x}\"")?;
        let all = if text.is_ascii() && html.is_ascii() { "7bit" } else { "8bit" };
        writeln!(f, "Content-Transfer-Encoding: {all}\n")?;
        for (kind, part) in [("plain", text), ("html", html)] {
            writeln!(f, "--{id:032x}\nContent-Type: text/{kind}; charset=utf-8")?;
            writeln!(f, "Content-Transfer-Encoding: {}\n\n{part}", encoding(part))?;
        }
        writeln!(f, "--{id:032x}--")
    }
}

impl fmt::Debug for Mail {
    /// Leaves out the text, because it may contain a link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}
