//! Values that several pages render.

use std::borrow::Cow;

use crate::settings::SiteSettings;

/// The user who is logged in.
#[derive(Clone)]
pub(crate) struct Viewer<'a> {
    /// The display name, or the user name if no display name is set.
    pub name: &'a str,
    /// The session's CSRF token, for the log-out form in the header of each page.
    pub csrf_token: Cow<'a, str>,
}

/// The parts that surround the content of every page: the header and a notice.
#[derive(Clone)]
pub(crate) struct Shell<'a> {
    /// The site.
    pub site: &'a SiteSettings,
    /// The user who is logged in, if any.
    pub viewer: Option<Viewer<'a>>,
    /// A message above the content.
    pub notice: Option<Notice<'a>>,
    /// `false` if the site does not know, when it renders the page, whether a user is logged in. This is the case for
    /// error pages, for example.
    pub is_known: bool,
}

impl<'a> Shell<'a> {
    /// Returns the page shell to use when the site does not know whether a user is logged in.
    pub(crate) const fn unknown(site: &'a SiteSettings) -> Self {
        Self { site, viewer: None, notice: None, is_known: false }
    }

    /// Returns the page shell for a visitor who is not logged in.
    pub(crate) const fn visitor(site: &'a SiteSettings, notice: Option<Notice<'a>>) -> Self {
        Self { site, viewer: None, notice, is_known: true }
    }

    /// Returns the public path of one of the site's pages.
    pub(super) fn path(&self, path: &str) -> String {
        self.site.path(path)
    }
}

/// A sentence that is shown above a page's content.
#[derive(Clone, Copy)]
pub(crate) struct Notice<'a> {
    pub kind: NoticeKind,
    pub text: &'a str,
}

/// How a [`Notice`] is displayed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoticeKind {
    /// Neutral information.
    Info,
    /// The requested change was made.
    Success,
    /// The form was refused.
    Problem,
}

/// An error in one field of a form.
#[derive(Clone, Copy)]
pub(crate) struct FieldError<'a> {
    /// The field's name. Empty if the error concerns the form as a whole.
    pub field: &'a str,
    /// What is wrong and what to enter instead, as a sentence.
    pub text: &'a str,
}

/// The values that the log-in or sign-up page shows. There is no password among them, because the site never sends an
/// entered password back to the browser.
pub(crate) struct CredentialsView<'a> {
    /// The CSRF token for a visitor who is not logged in.
    pub csrf_token: &'a str,
    /// The path on this site to which the user is sent after the log-in or sign-up.
    pub next: Option<&'a str>,
    /// The user name that was entered.
    pub username: &'a str,
    /// The email address that was entered. Only the sign-up page shows it.
    pub email: &'a str,
    /// Whether the site sends email.
    pub sends_mail: bool,
    /// Whether the "Stay logged in" checkbox is checked.
    pub remember: bool,
    /// The minimum length of a new password, in characters.
    pub min_password: u8,
    /// Errors in `username`, in `password`, or in the form as a whole.
    pub errors: &'a [FieldError<'a>],
}
