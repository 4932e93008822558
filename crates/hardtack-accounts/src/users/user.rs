//! A user, as seen by handlers and operators.

use hardtack::clock::Timestamp;
use serde::Serialize;

use super::username_key;

/// A person with an account. Serializes to the JSON that the site's routes return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct User {
    /// The value of `sub` in the user's tokens. It is random, and never reused for another user.
    pub id: String,
    /// The name that the user logs in with. Capital letters are kept as entered, although log-ins ignore case.
    pub username: String,
    /// The name that pages show. Empty if the user has set none.
    pub display_name: String,
    /// The email address. Empty if the user has none.
    pub email: String,
    /// Whether the email address is confirmed. The user confirms it by following a link in an email, or an operator
    /// vouches for it.
    pub email_confirmed: bool,
    /// When the user signed up or was added. In JSON, this is a number of seconds since the Unix epoch.
    #[serde(serialize_with = "seconds")]
    pub created_at: Timestamp,
}

impl User {
    /// Returns the display name, or the user name if no display name is set.
    pub fn name(&self) -> &str {
        if self.display_name.is_empty() { &self.username } else { &self.display_name }
    }

    /// Returns whether `name` is the user name, ignoring case.
    pub(crate) fn has_username(&self, name: &str) -> bool {
        username_key(name) == username_key(&self.username)
    }
}

/// A user, together with data that only operators see. Functions for operators, such as
/// [`Accounts::list`](crate::Accounts::list) and [`Accounts::find_by_name`](crate::Accounts::find_by_name), return this
/// type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserRecord {
    /// The user.
    pub user: User,
    /// When the user was disabled. `None` if the user can log in.
    pub disabled_at: Option<Timestamp>,
}

fn seconds<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.unix_seconds())
}
