//! One letter.

use std::fmt;

use hardtack::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::users::EmailAddress;

/// A letter to one person: plain text, a subject of this crate's own.
///
/// Its [`Display`](fmt::Display) is the whole of it, header fields and all (RFC 5322), with the line ends that
/// SMTP and `sendmail -t -i` both take.
#[derive(Clone)]
pub struct Mail {
    from: EmailAddress,
    to: EmailAddress,
    subject: &'static str,
    text: String,
    at: Timestamp,
    id: u128,
}

/// Who letters are from, and where their links lead.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) from: EmailAddress,
    /// The site's origin, without a slash at its end.
    pub(crate) site: String,
}

impl Sender {
    /// A letter that lets someone choose a new password.
    pub(super) fn reset(&self, to: EmailAddress, username: &str, token: &str, at: Timestamp) -> Mail {
        let text = format!(
            "Someone asked for a new password for {username} at {site}.\n\n\
             If it was you, choose one here within an hour:\n\n{site}/password/reset?token={token}\n\n\
             If it was not, do nothing: the password stays as it is.\n",
            site = self.site
        );
        self.letter(to, "Choose a new password", text, at)
    }

    /// A letter that shows that someone reads this address's mail.
    pub(super) fn confirm(&self, to: EmailAddress, username: &str, token: &str, at: Timestamp) -> Mail {
        let text = format!(
            "{username} at {site} gave this as their email address.\n\n\
             If that is you, confirm it here within a day:\n\n{site}/email/confirm?token={token}\n\n\
             If it is not, do nothing: the address will not be used.\n",
            site = self.site
        );
        self.letter(to, "Confirm your email address", text, at)
    }

    /// News about an account, to somebody who did not ask.
    pub(super) fn news(&self, to: EmailAddress, username: &str, news: News, at: Timestamp) -> Mail {
        let (subject, what) = match news {
            News::PasswordReset => ("Your password was changed", "The password was changed by a link in a letter"),
            News::AddressChanged => ("Your email address was changed", "The email address was changed"),
        };
        let text = format!(
            "{what}, for {username} at {site}.\n\nIf it was not you, tell the people who run {site}.\n",
            site = self.site
        );
        self.letter(to, subject, text, at)
    }

    fn letter(&self, to: EmailAddress, subject: &'static str, text: String, at: Timestamp) -> Mail {
        Mail { from: self.from.clone(), to, subject, text, at, id: rand::random() }
    }
}

/// What somebody is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    PasswordReset,
    AddressChanged,
}

impl Mail {
    /// Who sends it.
    pub fn from(&self) -> &EmailAddress {
        &self.from
    }

    /// Who gets it.
    pub fn to(&self) -> &EmailAddress {
        &self.to
    }

    /// ASCII, on one line.
    pub fn subject(&self) -> &str {
        self.subject
    }

    /// The text, with `\n` between its lines. A link in it may be as good as a password: it is not for any log.
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
        // So that no other program answers it (RFC 3834).
        writeln!(f, "Auto-Submitted: auto-generated\nMIME-Version: 1.0")?;
        writeln!(f, "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n")?;
        f.write_str(text)
    }
}

impl fmt::Debug for Mail {
    /// Without the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_one_and_shows_no_link_in_debug() {
        let address = |text| EmailAddress::parse(text).unwrap();
        let sender = Sender { from: address("noreply@site.example"), site: "https://site.example".to_owned() };
        let at = Timestamp::from_unix_seconds(1_796_040_000);
        let mail = sender.reset(address("ada@site.example"), "ada", "c0ffee", at);
        let text = mail.to_string();
        let (head, body) = text.split_once("\n\n").unwrap();
        assert!(head.starts_with("From: noreply@site.example\nTo: ada@site.example\nSubject: Choose a new password\n"));
        assert!(head.contains("\nDate: Mon, 30 Nov 2026 "), "{head}");
        assert!(head.lines().all(|line| line.contains(": ")), "{head}");
        assert!(body.contains("\nhttps://site.example/password/reset?token=c0ffee\n"), "{body}");
        assert!(!format!("{mail:?}").contains("c0ffee"));
    }
}
