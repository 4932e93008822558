//! What a user types to log in.

use std::fmt;

use serde::Deserialize;

/// What a user types to log in: the `username` and `password` fields of a form or a JSON object.
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct Credentials {
    /// The user name, as it was typed.
    pub username: String,
    /// The password, as it was typed.
    pub password: String,
}

/// Omits the user name and the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}
