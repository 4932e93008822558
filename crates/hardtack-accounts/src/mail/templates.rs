//! The text of each email.

use hardtack::clock::Timestamp;

use super::{JobKind, Mail};
use crate::links::LinkToken;
use crate::users::EmailAddress;

/// Composes the site's emails.
#[derive(Clone, Debug)]
pub(crate) struct MailTemplates {
    from: EmailAddress,
    /// The site's origin, without a trailing slash.
    site: String,
}

impl MailTemplates {
    /// `site` is the origin that links lead to, such as `https://site.example`.
    pub(crate) fn new(from: EmailAddress, site: &str) -> Self {
        Self { from, site: site.trim_end_matches('/').to_owned() }
    }

    /// An email with a link that resets the password.
    pub(super) fn reset_password(&self, to: EmailAddress, username: &str, token: &LinkToken, at: Timestamp) -> Mail {
        let text = format!(
            "Someone asked to reset the password of {username} at {site}.\n\n\
             If this was you, choose a new password within an hour:\n\n{site}/password/reset?token={token}\n\n\
             If this was not you, ignore this email. Your password stays the same.\n",
            site = self.site,
            token = token.as_str()
        );
        self.mail(to, "Choose a new password", text, at)
    }

    /// An email with a link that confirms the address.
    pub(super) fn confirm_email(&self, to: EmailAddress, username: &str, token: &LinkToken, at: Timestamp) -> Mail {
        let text = format!(
            "{username} entered this address as their email address at {site}.\n\n\
             If this was you, confirm the address within a day:\n\n{site}/email/confirm?token={token}\n\n\
             If this was not you, ignore this email. The address will not be used.\n",
            site = self.site,
            token = token.as_str()
        );
        self.mail(to, JobKind::ConfirmEmail.subject(), text, at)
    }

    /// Tells a user that the password was set with a link, by mail or from an operator.
    pub(super) fn password_was_reset(
        &self,
        to: EmailAddress,
        username: &str,
        by_operator: bool,
        at: Timestamp,
    ) -> Mail {
        let link = if by_operator { "a link from an administrator" } else { "a link sent by email" };
        let text = self.notice(&format!("The password of {username} was changed using {link}."));
        self.mail(to, JobKind::PasswordReset.subject(), text, at)
    }

    /// Tells the old address that the account has a new one, with a link that undoes it.
    pub(super) fn email_was_changed(
        &self,
        to: EmailAddress,
        username: &str,
        undo: Option<&LinkToken>,
        at: Timestamp,
    ) -> Mail {
        let site = &self.site;
        let what = format!("The email address of {username} at {site} was changed. This address is no longer used.");
        let text = match undo {
            Some(token) => format!(
                "{what}\n\n\
                 If it was you, ignore this email.\n\n\
                 If it was not you, undo it within a week. This restores your address and logs out all devices:\n\n\
                 {site}/email/undo?token={token}\n\n\
                 Then choose a new password, because whoever changed the address knows yours:\n\n\
                 {site}/password/forgot\n",
                token = token.as_str()
            ),
            None => self.notice(&what),
        };
        self.mail(to, JobKind::EmailChanged.subject(), text, at)
    }

    fn notice(&self, what: &str) -> String {
        format!("{what}\n\nIf this was not you, contact the administrators of {}.\n", self.site)
    }

    fn mail(&self, to: EmailAddress, subject: &'static str, text: String, at: Timestamp) -> Mail {
        Mail::new(self.from.clone(), to, subject, text, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_on_a_line_of_its_own_and_not_in_debug() {
        let address = |text| EmailAddress::parse(text).unwrap();
        let templates = MailTemplates::new(address("noreply@site.example"), "https://site.example/");
        let at = Timestamp::from_unix_seconds(1_796_040_000);
        let token = LinkToken::new();
        let mail = templates.reset_password(address("ada@site.example"), "ada", &token, at);
        let text = mail.to_string();
        let (head, body) = text.split_once("\n\n").unwrap();
        assert!(head.starts_with("From: noreply@site.example\nTo: ada@site.example\nSubject: Choose a new password\n"));
        assert!(head.contains("\nDate: Mon, 30 Nov 2026 "), "{head}");
        assert!(head.lines().all(|line| line.contains(": ")), "{head}");
        let link = format!("\nhttps://site.example/password/reset?token={}\n", token.as_str());
        assert!(body.contains(&link), "{body}");
        assert!(!format!("{mail:?}").contains(token.as_str()));
    }
}
