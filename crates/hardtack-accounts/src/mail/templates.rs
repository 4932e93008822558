//! The text of each email.

use hardtack::clock::Timestamp;

use super::letter::{Letter, quoted};
use super::{JobKind, Mail};
use crate::links::LinkToken;
use crate::pages::clock;
use crate::settings::SharedSettings;
use crate::users::EmailAddress;

/// Composes the site's emails.
#[derive(Clone, Debug)]
pub(crate) struct MailTemplates {
    from: EmailAddress,
    /// The address of the site's pages, without a trailing slash.
    site: String,
    settings: SharedSettings,
}

/// What an email is about.
pub(super) struct Subject<'a> {
    pub(super) kind: JobKind,
    pub(super) username: &'a str,
    /// For [`JobKind::NewDevice`], the new devices, one per line. For [`JobKind::Renamed`], the former user name. The
    /// other kinds ignore this text.
    pub(super) detail: &'a str,
    /// The token for the email's link. `None` if the email has no link.
    pub(super) token: Option<&'a LinkToken>,
}

const IGNORE: &str = "If this was you, ignore this email.";

impl MailTemplates {
    /// Creates the templates. `site` is the base URL of the links, such as `https://site.example/auth`.
    pub(crate) fn new(from: EmailAddress, site: &str, settings: SharedSettings) -> Self {
        Self { from, site: site.trim_end_matches('/').to_owned(), settings }
    }

    /// Composes an email. Returns `None` if the email needs a link but there is no token for it.
    pub(super) fn compose(&self, to: EmailAddress, about: &Subject<'_>, at: Timestamp) -> Option<Mail> {
        let name = quoted(about.username);
        let letter = match about.kind {
            JobKind::ConfirmEmail => self.confirm_email(&name, about.token?),
            JobKind::ResetPassword => self.reset_password(&name, about.token?),
            JobKind::EmailChanged => self.email_changed(&name, about.token),
            JobKind::PasswordChanged => {
                self.password_changed(&format!("the password for your account {name} was changed"), "All other devices")
            }
            JobKind::PasswordReset => self.password_changed(
                &format!("the password for your account {name} was changed using a link that was sent to this address"),
                "All devices",
            ),
            JobKind::PasswordSet => self.password_changed(
                &format!("the password for your account {name} was changed using a link from an administrator"),
                "All devices",
            ),
            JobKind::NewDevice => self.new_device(&name, about.detail),
            JobKind::Renamed => self.renamed(&name, about.detail),
        };
        Some(Mail::new(self.from.clone(), to, about.kind.subject(), &letter, at))
    }

    fn reset_password(&self, name: &str, token: &LinkToken) -> Letter {
        self.on_the_site(&format!("someone asked to reset the password for your account {name}."))
            .say("If this was you, choose a new password within an hour:")
            .link(&self.url(&format!("/password/reset?token={}", token.as_str())))
            .say("If this was not you, ignore this email. Your password stays the same.")
    }

    fn confirm_email(&self, name: &str, token: &LinkToken) -> Letter {
        self.on_the_site(&format!("someone entered this email address for the account {name}."))
            .say("If this was you, confirm the address within a day:")
            .link(&self.url(&format!("/email/confirm?token={}", token.as_str())))
            .say("If this was not you, ignore this email. The address will not be used.")
    }

    /// The email that is sent to the old address. It contains a link that undoes the change, unless an operator has
    /// ended the user's access.
    fn email_changed(&self, name: &str, undo: Option<&LinkToken>) -> Letter {
        let changed =
            format!("the email address for your account {name} was changed. The account no longer uses this address.");
        let letter = self.on_the_site(&changed).say(IGNORE);
        match undo {
            Some(token) => letter
                .say(
                    "If this was not you, someone else knows your password. Undo the change within a week. This \
                     restores your address, logs out all devices and lets you choose a new password:",
                )
                .link(&self.url(&format!("/email/undo?token={}", token.as_str()))),
            None => letter.say("If this was not you, contact the site's administrators."),
        }
    }

    fn password_changed(&self, what: &str, ended: &str) -> Letter {
        self.on_the_site(&format!("{what}. {ended} were logged out."))
            .say(IGNORE)
            .say("If this was not you, choose a new password now. This logs out all devices:")
            .link(&self.url("/password/forgot"))
    }

    fn new_device(&self, name: &str, devices: &str) -> Letter {
        let which = if devices.contains('\n') { "new devices" } else { "a new device" };
        let letter = self.on_the_site(&format!("someone logged in to your account {name} from {which}:"));
        let letter = devices.lines().fold(letter, Letter::say);
        letter
            .say(IGNORE)
            .say("If this was not you, choose a new password now. This logs out all devices:")
            .link(&self.url("/password/forgot"))
            .say("You can see your devices here:")
            .link(&self.url("/account/sessions"))
    }

    fn renamed(&self, name: &str, former: &str) -> Letter {
        let former = quoted(former);
        self.on_the_site(&format!("an administrator changed the user name for your account from {former} to {name}."))
            .say("From now on, log in with the new name. Your password stays the same.")
            .say("If you did not expect this, contact the site's administrators.")
    }

    /// Begins an email with a paragraph such as "On site.example, your password was changed." No period follows the
    /// host name, because a mail program that turns the host name into a link might include the period.
    fn on_the_site(&self, what: &str) -> Letter {
        let address = self.site.split_once("://").map_or(self.site.as_str(), |(_, address)| address);
        let host = address.split('/').next().unwrap_or_default();
        let settings = self.settings.get();
        match settings.name.as_str() {
            // Omit the site's name if it is the demo's name or only repeats the host.
            name if settings.is_demo || name.is_empty() || name == host => {
                Letter::default().say(format!("On {host}, {what}"))
            }
            name => Letter::default().say(format!("On {name} ({host}), {what}")),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.site)
    }
}

/// Returns one line of the list of devices. `device` is text such as `Firefox on Linux, address 192.0.2.1`.
pub(super) fn device_line(device: &str, at: Timestamp) -> String {
    format!("{}{}", device_line_start(device), clock(at))
}

/// Returns the part of [`device_line`] that precedes the time. This part is the same for all log-ins from one device.
pub(super) fn device_line_start(device: &str) -> String {
    format!("{device}, on ")
}

/// The last line of a list of devices that does not name every device.
pub(super) const MORE_DEVICES: &str = "and from other devices";

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_unix_seconds(1_796_040_000);

    fn compose(kind: JobKind, username: &str, detail: &str, token: Option<&LinkToken>) -> Option<Mail> {
        let address = |text| EmailAddress::parse(text).unwrap();
        let templates =
            MailTemplates::new(address("noreply@site.example"), "https://site.example/", SharedSettings::default());
        let about = Subject { kind, username, detail, token };
        templates.compose(address("ada@site.example"), &about, AT)
    }

    #[test]
    fn a_link_is_on_a_line_of_its_own_and_not_in_debug() {
        let token = LinkToken::new();
        let mail = compose(JobKind::ResetPassword, "ada", "", Some(&token)).unwrap();
        let text = mail.to_string();
        let (head, body) = text.split_once("\n\n").unwrap();
        assert!(head.starts_with("From: noreply@site.example\nTo: ada@site.example\nSubject: Choose a new password\n"));
        assert!(head.contains("\nDate: Mon, 30 Nov 2026 "), "{head}");
        assert!(head.lines().all(|line| line.contains(": ")), "{head}");
        let link = format!("\nhttps://site.example/password/reset?token={}\n", token.as_str());
        assert!(body.contains(&link), "{body}");
        assert!(!format!("{mail:?}").contains(token.as_str()));
        assert!(compose(JobKind::ConfirmEmail, "ada", "", None).is_none(), "a confirmation without a link");
    }

    /// Checks both forms of each email: they link only to the site, load nothing, and have no period after a link.
    #[test]
    fn s85_letters_contain_no_foreign_link_and_load_nothing() {
        let token = LinkToken::new();
        for kind in JobKind::ALL {
            let detail = if kind == JobKind::Renamed { "former@evil.example" } else { "Firefox on Linux" };
            let mail = compose(kind, "www.evil.example", detail, Some(&token)).unwrap();
            for form in [mail.text(), mail.html()] {
                for dangerous in ["www.evil", "evil.ex", "src=", "http://", "<img", "<style", "url("] {
                    assert!(!form.contains(dangerous), "{kind:?} {dangerous}: {form}");
                }
                for (start, _) in form.match_indices("https://") {
                    let rest = &form[start..];
                    assert!(rest.starts_with("https://site.example/"), "{kind:?}: {form}");
                    let end = rest.find(['\n', '"', '<', ' ']).unwrap();
                    assert!(rest[..end].ends_with(|c: char| c.is_ascii_alphanumeric()), "{kind:?}: {form}");
                }
                assert!(!form.contains("site.example."), "{kind:?}: {form}");
                assert!(form.lines().all(|line| line.len() < 998), "{kind:?}");
            }
            assert!(mail.text().contains("On site.example, "), "{kind:?}: {}", mail.text());
        }
    }

    #[test]
    fn s85_an_unknown_device_is_named_with_its_time() {
        let devices = device_line("Firefox on Linux, address 192.0.2.1", AT);
        let mail = compose(JobKind::NewDevice, "ada", &devices, None).unwrap();
        let line = "\nFirefox on Linux, address 192.0.2.1, on 30 Nov 2026, 12:00 UTC\n";
        assert!(mail.text().contains(line), "{}", mail.text());
        assert!(mail.html().contains(line.trim()), "{}", mail.html());
        let several = compose(JobKind::NewDevice, "ada", &format!("{devices}\n{MORE_DEVICES}"), None).unwrap();
        assert!(several.text().contains("from new devices:"), "{}", several.text());
        assert!(several.text().contains(line) && several.text().contains("\nand from other devices\n"));
    }
}
