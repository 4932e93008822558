//! A message that tells the user why a log-in is refused.

use std::borrow::Cow;
use std::fmt;

/// A message that tells the user why a log-in or a re-authentication is refused, such as "That user name and password
/// do not match."
///
/// Pass the refusal to the adapter's `auth.refuse`. A browser is redirected back to the page with the form, which then
/// shows the message and the user name that was typed. The page shows them only once. An API client gets 401 with the
/// code `log_in_refused`.
///
/// Use the same message for an unknown user and for a wrong password, so that the message does not reveal which users
/// exist.
///
/// ```
/// use hardtack::refusal::LogInRefusal;
///
/// let refusal = LogInRefusal::new("That user name and password do not match.").username("alice");
/// assert_eq!(refusal.text(), "That user name and password do not match.");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct LogInRefusal {
    text: Cow<'static, str>,
    username: Option<String>,
}

impl LogInRefusal {
    /// Creates a refusal with a message that tells the user what is wrong and what to do.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), username: None }
    }

    /// Creates the refusal for a user who tries to re-authenticate with another user's name and password.
    pub fn another_user() -> Self {
        Self::new("You are logged in as another user. Enter that user's name and password, or log out first.")
    }

    /// Sets the user name that the user typed. The page shows this name in its form again, so the user need not retype
    /// it.
    #[must_use]
    pub fn username(mut self, typed: impl Into<String>) -> Self {
        self.username = Some(typed.into());
        self
    }

    /// Returns the message for the user.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the user name that the user typed.
    pub(crate) fn typed_username(&self) -> Option<&str> {
        self.username.as_deref()
    }
}

impl From<&'static str> for LogInRefusal {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

impl From<String> for LogInRefusal {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// Omits the user name, which is personal data and might be a password that was typed into the wrong field.
impl fmt::Debug for LogInRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogInRefusal").field("text", &self.text).finish_non_exhaustive()
    }
}
