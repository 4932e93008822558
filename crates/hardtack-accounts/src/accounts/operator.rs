//! What an operator does with users, who ask for nothing here: no password is checked.

use hardtack::Timestamp;
use hardtack::session::StoreError;

use crate::accounts::Accounts;
use crate::users::User;

/// A user as an operator sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownUser {
    /// Who.
    pub user: User,
    /// Since when they may not log in, if they may not.
    pub disabled_at: Option<Timestamp>,
}

impl Accounts {
    /// The first `limit` users whose names come behind `after`, disabled or not; from the first one on where
    /// there is none. In the order of names in small letters, byte by byte.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<KnownUser>, StoreError> {
        self.users().list(after.unwrap_or_default(), limit).await
    }

    /// The user of a name, in whatever capitals, disabled or not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find_by_name(&self, username: &str) -> Result<Option<KnownUser>, StoreError> {
        self.users().by_name(username).await
    }

    /// Disables a user, by name: from now on they cannot log in, and no token of theirs names anybody. Answers
    /// them; none where nobody has the name.
    ///
    /// End their sessions after this, with [`Authenticator::revoke_all_sessions`]: a log-in that is on its way
    /// asks after its session has begun whether it still may.
    ///
    /// [`Authenticator::revoke_all_sessions`]: hardtack::Authenticator::revoke_all_sessions
    ///
    /// # Errors
    /// The database failed.
    pub async fn disable(&self, username: &str, now: Timestamp) -> Result<Option<KnownUser>, StoreError> {
        self.users().set_disabled(username, Some(now)).await
    }

    /// Lets a user log in again, with the password that they had. Answers them; none where nobody has the name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn enable(&self, username: &str) -> Result<Option<KnownUser>, StoreError> {
        self.users().set_disabled(username, None).await
    }
}
