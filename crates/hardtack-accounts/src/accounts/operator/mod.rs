//! Functions for operators: list, find, add, change, disable, enable, log out and delete users. The functions do not
//! check passwords, and the operator never learns a password.

mod changes;
mod error;

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack::session::EndedSessions;
use hardtack_db::Transaction;

use super::Accounts;
use super::queued_mail::kill_sent_links_in;
use crate::activity::{ActivityKind, RequestInfo};
use crate::users::{UserRecord, UserStore};

pub use changes::PasswordLink;
pub use error::UserChangeError;

/// Returns the details to record for a change that an operator makes. They include the time, but no IP address or
/// device.
fn by_operator(at: Timestamp) -> RequestInfo {
    RequestInfo::without_client(at)
}

async fn commit(transaction: Transaction) -> Result<(), UserChangeError> {
    transaction.commit().await.map_err(|error| UserChangeError::Unknown(BackendError::new(error)))
}

impl Accounts {
    /// Returns up to `limit` users, including disabled users, sorted by the bytes of their lower-case names. The list
    /// begins after the name `after`, or with the first user if `after` is `None`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<UserRecord>, BackendError> {
        self.users.list(after.unwrap_or_default(), limit).await
    }

    /// Returns the user with this name, even if the user is disabled. Ignores case.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find_by_name(&self, username: &str) -> Result<Option<UserRecord>, BackendError> {
        self.users.find_by_name(username).await
    }

    /// Disables the user with this name. From then on, the user cannot log in, and
    /// [`CurrentUser`](hardtack_axum::CurrentUser) rejects the user's tokens. All of the user's links stop working,
    /// including links for undoing an email address change. The links stay invalid even if the user is re-enabled
    /// later. Returns `None` if no user has the name.
    ///
    /// This method also records that the user's sessions must end. Pass the [`EndedSessions`] to
    /// [`Authenticator::finish_ending`], which ends the sessions right away if the session store is working. If the
    /// store fails, or if the process stops before it calls `finish_ending`, a server that follows the revocation log
    /// ends the sessions as soon as it can.
    ///
    /// A concurrent log-in might still create a session. The log-in then finds that the user is disabled, and ends the
    /// session.
    ///
    /// [`Authenticator::finish_ending`]: hardtack::Authenticator::finish_ending
    ///
    /// # Errors
    /// Returns an error if the database fails. If the error is [`UserChangeError::Unknown`], the user might have been
    /// disabled despite the error.
    pub async fn disable(
        &self,
        username: &str,
        now: Timestamp,
    ) -> Result<Option<(UserRecord, EndedSessions)>, UserChangeError> {
        let mut transaction = self.begin().await?;
        let Some(record) = UserStore::disable_in(&mut transaction, username, now).await? else { return Ok(None) };
        let ended = self.end_access(transaction, record).await?;
        self.recorder.record(&ended.0.user.id, ActivityKind::Disabled, &by_operator(now));
        Ok(Some(ended))
    }

    /// Enables the user with this name. The user can then log in again with the same password. Returns `None` if no
    /// user has the name.
    ///
    /// # Errors
    /// Returns an error if the database fails. If the error is [`UserChangeError::Unknown`], the user might have been
    /// enabled despite the error.
    pub async fn enable(&self, username: &str, now: Timestamp) -> Result<Option<UserRecord>, UserChangeError> {
        let mut transaction = self.begin().await?;
        let Some(record) = UserStore::enable_in(&mut transaction, username).await? else { return Ok(None) };
        commit(transaction).await?;
        self.recorder.record(&record.user.id, ActivityKind::Enabled, &by_operator(now));
        Ok(Some(record))
    }

    /// Ends all sessions of the user with this name, and invalidates all of the user's links, including links for
    /// undoing an email address change. Returns `None` if no user has the name. Pass the [`EndedSessions`] to
    /// [`Authenticator::finish_ending`](hardtack::Authenticator::finish_ending), as you do after
    /// [`disable`](Self::disable).
    ///
    /// # Errors
    /// Returns an error if the database fails. If the error is [`UserChangeError::Unknown`], the user might have been
    /// logged out despite the error.
    pub async fn log_out(
        &self,
        username: &str,
        now: Timestamp,
    ) -> Result<Option<(UserRecord, EndedSessions)>, UserChangeError> {
        let mut transaction = self.begin().await?;
        let Some(record) = UserStore::lock_by_name_in(&mut transaction, username).await? else { return Ok(None) };
        let ended = self.end_access(transaction, record).await?;
        self.recorder.record(&ended.0.user.id, ActivityKind::LoggedOutByOperator, &by_operator(now));
        Ok(Some(ended))
    }

    async fn end_access(
        &self,
        mut transaction: Transaction,
        record: UserRecord,
    ) -> Result<(UserRecord, EndedSessions), UserChangeError> {
        kill_sent_links_in(&mut transaction, &record.user.id).await?;
        let ended = self.session_ends.end_all_in(&mut transaction, &record.user.id).await?;
        commit(transaction).await?;
        Ok((record, ended))
    }
}
