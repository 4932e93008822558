//! Functions for operators: list, find, disable and enable users. None of them checks a password.

use hardtack::BackendError;
use hardtack::clock::Timestamp;

use super::Accounts;
use crate::users::UserRecord;

impl Accounts {
    /// Returns up to `limit` users, disabled or not, whose names sort after `after`. If `after` is `None`, starts with
    /// the first user. Names are sorted byte by byte in lower case.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<UserRecord>, BackendError> {
        self.users.list(after.unwrap_or_default(), limit).await
    }

    /// Returns the user with this name, ignoring case, disabled or not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find_by_name(&self, username: &str) -> Result<Option<UserRecord>, BackendError> {
        self.users.find_by_name(username).await
    }

    /// Disables the user with this name: from now on the user cannot log in, and the user's tokens are refused
    /// wherever [`CurrentUser`](hardtack_axum::CurrentUser) is extracted. Returns the user, or `None` if no user
    /// has the name.
    ///
    /// This does not end the user's sessions: call [`Authenticator::revoke_all_sessions`] afterwards. A log-in in
    /// flight checks the user again once its session exists, and ends the session if the user is disabled by then.
    ///
    /// [`Authenticator::revoke_all_sessions`]: hardtack::Authenticator::revoke_all_sessions
    ///
    /// # Errors
    /// The database failed.
    pub async fn disable(&self, username: &str, now: Timestamp) -> Result<Option<UserRecord>, BackendError> {
        self.users.set_disabled(username, Some(now)).await
    }

    /// Enables a disabled user, who can then log in again with the same password. Returns the user, or `None` if no
    /// user has the name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn enable(&self, username: &str) -> Result<Option<UserRecord>, BackendError> {
        self.users.set_disabled(username, None).await
    }
}
