//! Password hashes and their versions.

use hardtack::{BackendError, SessionId};
use hardtack_db::{Statement, Transaction};

use super::{UserStore, has_name, has_nul, with_name};

/// The data that a password is checked against. This is deliberately not a [`User`](crate::users::User), because the
/// password has not been verified yet.
#[derive(Clone)]
pub(crate) struct StoredCredentials {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) password_hash: String,
    pub(crate) password_version: i64,
    pub(crate) disabled: bool,
    /// The session in which the user last changed the password.
    changed_by: Option<String>,
}

impl StoredCredentials {
    /// Returns whether the user last changed the password in this session.
    pub(crate) fn were_changed_by(&self, session: SessionId) -> bool {
        self.changed_by.as_ref().is_some_and(|changed_by| *changed_by == session.to_string())
    }
}

/// The beginning of an SQL query for [`StoredCredentials`], up to and including `WHERE`. The caller appends the
/// condition.
macro_rules! credentials {
    () => {
        "SELECT id, username, password_hash, password_version, disabled_at, password_changed_by FROM users WHERE "
    };
}

impl UserStore {
    /// Returns the credentials stored for a user name.
    pub(crate) async fn credentials_by_name(&self, username: &str) -> Result<Option<StoredCredentials>, BackendError> {
        if has_nul(username) {
            return Ok(None);
        }
        let sql = concat!(credentials!(), has_name!());
        self.credentials(with_name(sql, username)).await
    }

    /// Returns the credentials stored for a user id.
    pub(crate) async fn credentials_by_id(&self, id: &str) -> Result<Option<StoredCredentials>, BackendError> {
        if has_nul(id) {
            return Ok(None);
        }
        self.credentials(Statement::new(concat!(credentials!(), "id = $1")).bind(id)).await
    }

    async fn credentials(&self, statement: Statement<'_>) -> Result<Option<StoredCredentials>, BackendError> {
        type Row = (String, String, String, i64, Option<i64>, Option<String>);
        let rows: Vec<Row> = self.database.fetch(statement).await.map_err(BackendError::new)?;
        Ok(rows.into_iter().next().map(|row| {
            let (id, username, password_hash, password_version, disabled_at, changed_by) = row;
            let disabled = disabled_at.is_some();
            StoredCredentials { id, username, password_hash, password_version, disabled, changed_by }
        }))
    }

    /// Stores a new hash of the same password, if the password version is still `version`.
    pub(crate) async fn set_hash(&self, id: &str, hash: &str, version: i64) -> Result<(), BackendError> {
        let sql = "UPDATE users SET password_hash = $1 WHERE id = $2 AND password_version = $3";
        let statement = Statement::new(sql).bind(hash).bind(id).bind(version);
        self.database.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    /// Stores the hash of a new password, if the user's password version is still `version`. `by` is the session that
    /// changes the password. Returns whether the hash was stored.
    pub(crate) async fn set_password_in(
        transaction: &mut Transaction,
        id: &str,
        hash: &str,
        version: i64,
        by: Option<SessionId>,
    ) -> Result<bool, BackendError> {
        let sql = "UPDATE users SET password_hash = $1, password_version = password_version + 1, password_chosen = 1, \
                   password_changed_by = $4 WHERE id = $2 AND password_version = $3 AND disabled_at IS NULL";
        let by = by.map(|session| session.to_string());
        let statement = Statement::new(sql).bind(hash).bind(id).bind(version).bind(by);
        transaction.execute(statement).await.map(|rows| rows == 1).map_err(BackendError::new)
    }

    /// Stores the hash of a new password without checking the password version, and returns the new version. Returns
    /// `None` if the user is disabled.
    pub(crate) async fn replace_password_in(
        transaction: &mut Transaction,
        id: &str,
        hash: &str,
    ) -> Result<Option<i64>, BackendError> {
        let sql = "UPDATE users SET password_hash = $1, password_version = password_version + 1, password_chosen = 1, \
                   password_changed_by = NULL WHERE id = $2 AND disabled_at IS NULL RETURNING password_version";
        let rows: Vec<(i64,)> =
            transaction.fetch(Statement::new(sql).bind(hash).bind(id)).await.map_err(BackendError::new)?;
        Ok(rows.into_iter().next().map(|(version,)| version))
    }

    /// Records that a user who has just been added has to choose a password.
    pub(crate) async fn has_no_password_in(transaction: &mut Transaction, id: &str) -> Result<(), BackendError> {
        let statement = Statement::new("UPDATE users SET password_chosen = 0 WHERE id = $1").bind(id);
        transaction.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    /// Returns whether the user's stored hash equals `hash`. If an open transaction has changed the user, waits until
    /// that transaction ends.
    pub(crate) async fn has_hash(&self, id: &str, hash: &str) -> Result<bool, BackendError> {
        let sql = "UPDATE users SET password_hash = password_hash WHERE id = $1 AND password_hash = $2";
        self.database
            .execute(Statement::new(sql).bind(id).bind(hash))
            .await
            .map(|rows| rows == 1)
            .map_err(BackendError::new)
    }

    /// Stores the hash of a new password if the user's password version is still `version`, the version for which the
    /// reset link was created. If the link was sent to an email address (`address`), that address must still be the
    /// user's confirmed address.
    pub(crate) async fn reset_password_in(
        transaction: &mut Transaction,
        id: &str,
        hash: &str,
        version: i64,
        address: Option<&str>,
    ) -> Result<bool, BackendError> {
        let Some(address) = address else { return Self::set_password_in(transaction, id, hash, version, None).await };
        let sql = "UPDATE users SET password_hash = $1, password_version = password_version + 1, password_chosen = 1, \
                   password_changed_by = NULL WHERE id = $2 AND password_version = $3 AND email = $4 AND email_confirmed_at IS NOT NULL \
                   AND disabled_at IS NULL";
        let statement = Statement::new(sql).bind(hash).bind(id).bind(version).bind(address);
        transaction.execute(statement).await.map(|rows| rows == 1).map_err(BackendError::new)
    }
}
