//! Users: their names, settings and rows.

mod email;
mod name;
mod settings;
mod store;

pub use email::EmailAddress;
pub(crate) use email::key_of_email;
pub use name::UserNameProblem;
pub(crate) use name::{key_of, validate};
pub use settings::Settings;
pub(crate) use settings::SettingsProblem;
pub(crate) use store::{Credentials, NewUser, UserStore};

use hardtack::clock::Timestamp;
use serde::Serialize;

/// Someone with an account, as a program sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// What tokens name in `sub`: random, and never given to anyone else.
    pub id: String,
    /// What is typed to log in, as it was first written.
    pub username: String,
    /// What pages call them; empty unless set.
    pub display_name: String,
    /// Empty unless set.
    pub email: String,
    /// Whether someone who reads that address's mail has said so.
    pub email_confirmed: bool,
    /// When they signed up, in seconds since the Unix epoch.
    #[serde(serialize_with = "seconds")]
    pub created_at: Timestamp,
}

impl User {
    /// The display name, or else the user name.
    pub fn name(&self) -> &str {
        if self.display_name.is_empty() { &self.username } else { &self.display_name }
    }

    /// Whether `name`, in whatever capitals, is the user's.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        key_of(name) == key_of(&self.username)
    }
}

fn seconds<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.unix_seconds())
}
