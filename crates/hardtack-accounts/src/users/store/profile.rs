//! Display names and email addresses.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Statement, Transaction};

use super::{UserStore, columns, first};
use crate::users::{EmailAddress, Profile, User, email_key};

/// A user who has confirmed an email address.
pub(crate) struct EmailOwner {
    pub(crate) id: String,
    /// The address as the user wrote it.
    pub(crate) email: String,
}

impl UserStore {
    /// Stores a display name. Returns `None` if the user is disabled. If `name` is `None`, the stored name stays as it
    /// is.
    pub(crate) async fn set_display_name_in(
        transaction: &mut Transaction,
        id: &str,
        name: Option<String>,
    ) -> Result<Option<User>, BackendError> {
        let sql = concat!(
            "UPDATE users SET display_name = COALESCE($1, display_name) WHERE id = $2 AND disabled_at IS NULL \
             RETURNING ",
            columns!()
        );
        transaction.fetch(Statement::new(sql).bind(name).bind(id)).await.map(first).map_err(BackendError::new)
    }

    /// Locks the user's row and returns the user. Until this transaction ends, other transactions that change the row
    /// wait. Returns `None` if the user is disabled, or if `version` is not the user's password version.
    pub(crate) async fn lock_in(
        transaction: &mut Transaction,
        id: &str,
        version: i64,
    ) -> Result<Option<User>, BackendError> {
        let sql = concat!(
            "UPDATE users SET email = email WHERE id = $1 AND password_version = $2 AND disabled_at IS NULL RETURNING ",
            columns!()
        );
        transaction.fetch(Statement::new(sql).bind(id).bind(version)).await.map(first).map_err(BackendError::new)
    }

    /// Stores a profile. A new address is unconfirmed.
    pub(crate) async fn set_profile_in(
        transaction: &mut Transaction,
        id: &str,
        profile: &Profile,
    ) -> Result<Option<User>, BackendError> {
        let sql = concat!(
            "UPDATE users SET display_name = $1, email = $2, email_key = $3, \
             email_version = email_version + CASE WHEN email = $2 THEN 0 ELSE 1 END, \
             email_confirmed_at = CASE WHEN email = $2 THEN email_confirmed_at END WHERE id = $4 RETURNING ",
            columns!()
        );
        let key = email_key(&profile.email);
        let statement = Statement::new(sql).bind(&profile.display_name).bind(&profile.email).bind(key).bind(id);
        transaction.fetch(statement).await.map(first).map_err(BackendError::new)
    }

    /// Confirms an address if it is still the user's address and the user is not disabled.
    pub(crate) async fn confirm_email_in(
        transaction: &mut Transaction,
        id: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<bool, BackendError> {
        let sql = "UPDATE users SET email_confirmed_at = $1, email_key = $2 \
                   WHERE id = $3 AND email = $4 AND disabled_at IS NULL";
        let statement = Statement::new(sql).bind(now.unix_seconds()).bind(email_key(address)).bind(id).bind(address);
        transaction.execute(statement).await.map(|rows| rows == 1).map_err(BackendError::new)
    }

    /// Restores an address and marks it as confirmed, because the user has just used a link that was sent to this
    /// address. Does nothing if the user is disabled.
    pub(crate) async fn restore_email_in(
        transaction: &mut Transaction,
        id: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<bool, BackendError> {
        let sql = "UPDATE users SET email = $1, email_key = $2, email_confirmed_at = $3, \
                   email_version = email_version + 1 WHERE id = $4 AND disabled_at IS NULL";
        let statement = Statement::new(sql).bind(address).bind(email_key(address)).bind(now.unix_seconds()).bind(id);
        transaction.execute(statement).await.map(|rows| rows == 1).map_err(BackendError::new)
    }

    /// Confirms a user's current address, because an operator vouches for the address.
    pub(crate) async fn vouch_for_email_in(
        transaction: &mut Transaction,
        id: &str,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        let statement =
            Statement::new("UPDATE users SET email_confirmed_at = $1 WHERE id = $2").bind(now.unix_seconds()).bind(id);
        transaction.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    /// Returns at most five enabled users who have confirmed this address, ignoring case.
    pub(crate) async fn confirmed_owners(&self, address: &EmailAddress) -> Result<Vec<EmailOwner>, BackendError> {
        let sql = "SELECT id, email FROM users WHERE email_key = $1 AND email_confirmed_at IS NOT NULL \
                   AND disabled_at IS NULL ORDER BY id LIMIT 5";
        let statement = Statement::new(sql).bind(email_key(address.as_str()));
        let rows: Vec<(String, String)> = self.database.fetch(statement).await.map_err(BackendError::new)?;
        Ok(rows.into_iter().map(|(id, email)| EmailOwner { id, email }).collect())
    }
}
