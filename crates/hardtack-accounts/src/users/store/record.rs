//! Operations that operators perform on users: listing, renaming, disabling, enabling and deleting them.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Statement, Transaction};

use super::{UserStore, columns, conflicts, has_name, has_nul, user, with_name};
use crate::users::name::name_rules;
use crate::users::name_looks::{LooksLock, NONE_OUTDATED, lock_looks_in, set_looks_in};
use crate::users::name_upgrade::pass_on_looks_in;
use crate::users::{NewName, User, UserRecord};

/// Another user has the name, or a name that looks like it.
#[derive(Debug)]
pub(crate) struct NameTaken;

/// The columns of [`UserColumns`](super::UserColumns), followed by `disabled_at`.
type RecordColumns = (String, String, String, String, Option<i64>, i64, Option<i64>);

impl UserStore {
    /// Returns the users that follow the user named `after`, in key order.
    pub(crate) async fn list(&self, after: &str, limit: u32) -> Result<Vec<UserRecord>, BackendError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", disabled_at FROM users WHERE username_key > COALESCE((SELECT username_key FROM users WHERE ",
            has_name!(),
            "), $1) ORDER BY username_key LIMIT $3"
        );
        self.records(with_name(sql, after).bind(i64::from(limit))).await
    }

    /// Returns the user with this name, even if the user is disabled.
    pub(crate) async fn find_by_name(&self, username: &str) -> Result<Option<UserRecord>, BackendError> {
        if has_nul(username) {
            return Ok(None);
        }
        let sql = concat!("SELECT ", columns!(), ", disabled_at FROM users WHERE ", has_name!());
        Ok(self.records(with_name(sql, username)).await?.pop())
    }

    /// Locks the row of the user with this name and returns the user, even if the user is disabled. Until this
    /// transaction ends, other transactions that change the row wait.
    pub(crate) async fn lock_by_name_in(
        transaction: &mut Transaction,
        username: &str,
    ) -> Result<Option<UserRecord>, BackendError> {
        let sql =
            concat!("UPDATE users SET email = email WHERE ", has_name!(), " RETURNING ", columns!(), ", disabled_at");
        record_in(transaction, username, with_name(sql, username)).await
    }

    /// Renames a user, and also returns the former name. Returns an inner `Err` if the new name is taken or looks like a
    /// name that is taken. In that case, the caller must roll back the transaction.
    pub(crate) async fn rename_in(
        transaction: &mut Transaction,
        username: &str,
        new: &NewName,
    ) -> Result<Result<Option<(UserRecord, String)>, NameTaken>, BackendError> {
        lock_looks_in(transaction, LooksLock::Exclusive).await.map_err(BackendError::new)?;
        let found = Self::lock_by_name_in(transaction, username).await?;
        let Some(UserRecord { user: User { id, username: former, .. }, .. }) = found else { return Ok(Ok(None)) };
        let old_key = new.shown.to_lowercase();
        let others: Vec<(String,)> =
            transaction.fetch(conflicts(new, &old_key, &id)).await.map_err(BackendError::new)?;
        if !others.is_empty() {
            return Ok(Err(NameTaken));
        }
        let sql = concat!(
            "UPDATE users SET username = $2, username_key = $3, skeleton = $4, name_rules = $5 WHERE id = $1 \
             RETURNING ",
            columns!(),
            ", disabled_at"
        );
        let statement = Statement::new(sql).bind(&id).bind(&new.shown).bind(&new.key).bind(&new.looks.skeleton);
        let renamed = match transaction.fetch(statement.bind(name_rules())).await {
            Ok(rows) => records(rows).pop(),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(Err(NameTaken)),
            Err(error) => return Err(BackendError::new(error)),
        };
        let are_free = set_looks_in(transaction, &id, &new.looks, NONE_OUTDATED).await;
        if !are_free.map_err(BackendError::new)? {
            return Ok(Err(NameTaken));
        }
        pass_on_looks_in(transaction, &former).await.map_err(BackendError::new)?;
        Ok(Ok(renamed.map(|renamed| (renamed, former))))
    }

    /// Deletes a user. If the deleted name looks like another user's name, nobody except that user can take a name that
    /// looks like the deleted one.
    pub(crate) async fn delete_in(
        transaction: &mut Transaction,
        username: &str,
    ) -> Result<Option<UserRecord>, BackendError> {
        lock_looks_in(transaction, LooksLock::Exclusive).await.map_err(BackendError::new)?;
        let sql = concat!("DELETE FROM users WHERE ", has_name!(), " RETURNING ", columns!(), ", disabled_at");
        let deleted = record_in(transaction, username, with_name(sql, username)).await?;
        if let Some(record) = &deleted {
            pass_on_looks_in(transaction, &record.user.username).await.map_err(BackendError::new)?;
        }
        Ok(deleted)
    }

    /// Disables a user and records the time `at`. If the user is already disabled, keeps the time that is already
    /// recorded.
    pub(crate) async fn disable_in(
        transaction: &mut Transaction,
        username: &str,
        at: Timestamp,
    ) -> Result<Option<UserRecord>, BackendError> {
        let sql = concat!(
            "UPDATE users SET disabled_at = COALESCE(disabled_at, $3) WHERE ",
            has_name!(),
            " RETURNING ",
            columns!(),
            ", disabled_at"
        );
        record_in(transaction, username, with_name(sql, username).bind(at.unix_seconds())).await
    }

    /// Enables a user.
    pub(crate) async fn enable_in(
        transaction: &mut Transaction,
        username: &str,
    ) -> Result<Option<UserRecord>, BackendError> {
        let sql = concat!(
            "UPDATE users SET disabled_at = NULL WHERE ",
            has_name!(),
            " RETURNING ",
            columns!(),
            ", disabled_at"
        );
        record_in(transaction, username, with_name(sql, username)).await
    }

    async fn records(&self, statement: Statement<'_>) -> Result<Vec<UserRecord>, BackendError> {
        self.database.fetch(statement).await.map(records).map_err(BackendError::new)
    }
}

/// Runs a statement that returns the user with this name.
async fn record_in(
    transaction: &mut Transaction,
    username: &str,
    statement: Statement<'static>,
) -> Result<Option<UserRecord>, BackendError> {
    if has_nul(username) {
        return Ok(None);
    }
    Ok(transaction.fetch(statement).await.map(records).map_err(BackendError::new)?.pop())
}

fn records(rows: Vec<RecordColumns>) -> Vec<UserRecord> {
    let record = |(id, username, display_name, email, confirmed, created_at, disabled_at): RecordColumns| {
        let user = user((id, username, display_name, email, confirmed, created_at));
        UserRecord { user, disabled_at: disabled_at.map(Timestamp::from_unix_seconds) }
    };
    rows.into_iter().map(record).collect()
}
