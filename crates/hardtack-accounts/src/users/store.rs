//! The table `users`.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Pool, Statement, Transaction};

use super::name::{NameKeys, name_rules};
use super::name_looks::{NONE_OUTDATED, set_looks_in};
use super::{EmailAddress, NewName, Profile, User, UserNameProblem, UserRecord, email_key};

/// The password version of a new user.
pub(crate) const FIRST_PASSWORD: i64 = 1;

/// A user who is about to be added.
pub(crate) struct NewUserRow<'a> {
    pub(crate) name: &'a NewName,
    /// The email address. Empty if the user has none.
    pub(crate) email: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) now: Timestamp,
}

/// The data that a password is checked against. This is deliberately not a [`User`], because the password has not been
/// verified yet.
#[derive(Clone)]
pub(crate) struct StoredCredentials {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) password_hash: String,
    pub(crate) password_version: i64,
    pub(crate) disabled: bool,
}

/// A user who has confirmed an email address.
pub(crate) struct EmailOwner {
    pub(crate) id: String,
    /// The address as the user wrote it.
    pub(crate) email: String,
}

/// Reads and writes the table `users`.
#[derive(Clone, Debug)]
pub(crate) struct UserStore {
    database: Pool,
}

/// The columns of [`UserColumns`], in the same order.
macro_rules! columns {
    () => {
        "id, username, display_name, email, email_confirmed_at, created_at"
    };
}

/// The beginning of an SQL query for [`StoredCredentials`], up to and including `WHERE`. The caller appends the
/// condition.
macro_rules! credentials {
    () => {
        "SELECT id, username, password_hash, password_version, disabled_at FROM users WHERE "
    };
}

/// An SQL condition that selects the user with a given name. The name's [`NameKeys`] are the parameters `$1` and `$2`.
/// If two users match, the condition selects the user who still has the old key, because this key is closer to the
/// typed name.
macro_rules! has_name {
    () => {
        "username_key = (SELECT username_key FROM users WHERE username_key IN ($1, $2) \
         ORDER BY username_key = $2 DESC LIMIT 1)"
    };
}

type UserColumns = (String, String, String, String, Option<i64>, i64);

/// The columns of [`UserColumns`], and then `disabled_at`.
type RecordColumns = (String, String, String, String, Option<i64>, i64, Option<i64>);

impl UserStore {
    pub(crate) fn new(database: Pool) -> Self {
        Self { database }
    }

    /// Returns the problem if a name is taken or looks like a name that is taken. Returns `None` otherwise.
    pub(crate) async fn name_conflict(&self, name: &NewName) -> Result<Option<UserNameProblem>, BackendError> {
        let old_key = name.shown.to_lowercase();
        let statement = conflicts(name, &old_key, "");
        let rows: Vec<(String,)> = self.database.fetch(statement).await.map_err(BackendError::new)?;
        Ok(match rows.iter().any(|(key,)| *key == name.key || *key == old_key) {
            true => Some(UserNameProblem::Taken),
            false => rows.first().map(|_| UserNameProblem::LooksTaken),
        })
    }

    /// Adds a user in a transaction. Returns `None` if the name is taken or looks like a name that is taken. In that
    /// case, the caller must roll back the transaction.
    pub(crate) async fn add_in(
        transaction: &mut Transaction,
        new: NewUserRow<'_>,
    ) -> Result<Option<User>, BackendError> {
        let id = new_id();
        let user = match transaction.fetch(insertion(&id, &new)).await {
            Ok(rows) => first(rows),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(None),
            Err(error) => return Err(BackendError::new(error)),
        };
        let are_free = set_looks_in(transaction, &id, &new.name.looks, NONE_OUTDATED).await;
        Ok(if are_free.map_err(BackendError::new)? { user } else { None })
    }

    /// Returns the user with this id, unless the user is disabled.
    pub(crate) async fn find_enabled(&self, id: &str) -> Result<Option<User>, BackendError> {
        if has_nul(id) {
            return Ok(None);
        }
        let sql = concat!("SELECT ", columns!(), " FROM users WHERE id = $1 AND disabled_at IS NULL");
        self.database.fetch(Statement::new(sql).bind(id)).await.map(first).map_err(BackendError::new)
    }

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
        type Row = (String, String, String, i64, Option<i64>);
        let rows: Vec<Row> = self.database.fetch(statement).await.map_err(BackendError::new)?;
        Ok(rows.into_iter().next().map(|(id, username, password_hash, password_version, disabled_at)| {
            StoredCredentials { id, username, password_hash, password_version, disabled: disabled_at.is_some() }
        }))
    }

    /// Stores a new hash of the same password, if the password version is still `version`.
    pub(crate) async fn set_hash(&self, id: &str, hash: &str, version: i64) -> Result<(), BackendError> {
        let sql = "UPDATE users SET password_hash = $1 WHERE id = $2 AND password_version = $3";
        let statement = Statement::new(sql).bind(hash).bind(id).bind(version);
        self.database.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    /// Stores the hash of a new password, if the user's password version is still `version`. Returns whether the hash
    /// was stored.
    pub(crate) async fn set_password_in(
        transaction: &mut Transaction,
        id: &str,
        hash: &str,
        version: i64,
    ) -> Result<bool, BackendError> {
        let sql = "UPDATE users SET password_hash = $1, password_version = password_version + 1, password_chosen = 1 \
                   WHERE id = $2 AND password_version = $3 AND disabled_at IS NULL";
        let statement = Statement::new(sql).bind(hash).bind(id).bind(version);
        transaction.execute(statement).await.map(|rows| rows == 1).map_err(BackendError::new)
    }

    /// Stores the hash of a new password without checking the password version, and returns the new version. Returns
    /// `None` if the user is disabled.
    pub(crate) async fn replace_password_in(
        transaction: &mut Transaction,
        id: &str,
        hash: &str,
    ) -> Result<Option<i64>, BackendError> {
        let sql = "UPDATE users SET password_hash = $1, password_version = password_version + 1, password_chosen = 1 \
                   WHERE id = $2 AND disabled_at IS NULL RETURNING password_version";
        let rows: Vec<(i64,)> =
            transaction.fetch(Statement::new(sql).bind(hash).bind(id)).await.map_err(BackendError::new)?;
        Ok(rows.into_iter().next().map(|(version,)| version))
    }

    /// Records that the user, who has just been added, has to choose a password.
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

    /// Stores a display name if the user's sessions have been ended exactly `ended` times. Returns `None` if they have
    /// been ended more often, or if the user is disabled. If `name` is `None`, the stored name does not change.
    pub(crate) async fn set_display_name(
        &self,
        id: &str,
        name: Option<String>,
        ended: i64,
    ) -> Result<Option<User>, BackendError> {
        let sql = concat!(
            "UPDATE users SET display_name = COALESCE($1, display_name) \
             WHERE id = $2 AND sessions_ended = $3 AND disabled_at IS NULL RETURNING ",
            columns!()
        );
        let statement = Statement::new(sql).bind(name).bind(id).bind(ended);
        self.database.fetch(statement).await.map(first).map_err(BackendError::new)
    }

    /// Locks the user's row and returns the user. Until this transaction ends, other transactions that change the row
    /// wait. Returns `None` if the user is disabled or has another password version.
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

    /// Returns how often the user's sessions were ended by a change to the user or by an operator. If the user is
    /// disabled, returns `None`.
    pub(crate) async fn sessions_ended(&self, id: &str) -> Result<Option<i64>, BackendError> {
        let sql = "SELECT sessions_ended FROM users WHERE id = $1 AND disabled_at IS NULL";
        let rows: Vec<(i64,)> = self.database.fetch(Statement::new(sql).bind(id)).await.map_err(BackendError::new)?;
        Ok(rows.into_iter().next().map(|(ended,)| ended))
    }

    /// Returns whether the user's sessions were ended exactly `ended` times. Call [`Self::lock_in`] first.
    pub(crate) async fn has_ended_sessions_in(
        transaction: &mut Transaction,
        id: &str,
        ended: i64,
    ) -> Result<bool, BackendError> {
        let sql = "SELECT sessions_ended FROM users WHERE id = $1 AND sessions_ended = $2";
        let statement = Statement::new(sql).bind(id).bind(ended);
        let rows: Vec<(i64,)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
        Ok(!rows.is_empty())
    }

    /// Records that the user's sessions are ended. `transaction` either ends the sessions or stores the intention to
    /// end them.
    pub(crate) async fn count_end_of_sessions_in(transaction: &mut Transaction, id: &str) -> Result<(), BackendError> {
        let statement = Statement::new("UPDATE users SET sessions_ended = sessions_ended + 1 WHERE id = $1").bind(id);
        transaction.execute(statement).await.map(drop).map_err(BackendError::new)
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

    /// Confirms the current address of a user, because an operator vouches for it.
    pub(crate) async fn vouch_for_email_in(
        transaction: &mut Transaction,
        id: &str,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        let statement =
            Statement::new("UPDATE users SET email_confirmed_at = $1 WHERE id = $2").bind(now.unix_seconds()).bind(id);
        transaction.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    /// Stores the hash of a new password if the user's password version is still `version`. The reset link was created
    /// for this version. If the link was sent to an `address`, this must also still be the user's confirmed address.
    pub(crate) async fn reset_password_in(
        transaction: &mut Transaction,
        id: &str,
        hash: &str,
        version: i64,
        address: Option<&str>,
    ) -> Result<bool, BackendError> {
        let Some(address) = address else { return Self::set_password_in(transaction, id, hash, version).await };
        let sql = "UPDATE users SET password_hash = $1, password_version = password_version + 1, password_chosen = 1 \
                   WHERE id = $2 AND password_version = $3 AND email = $4 AND email_confirmed_at IS NOT NULL \
                   AND disabled_at IS NULL";
        let statement = Statement::new(sql).bind(hash).bind(id).bind(version).bind(address);
        transaction.execute(statement).await.map(|rows| rows == 1).map_err(BackendError::new)
    }

    /// Returns the enabled users who have confirmed this address, ignoring case. Returns at most five users.
    pub(crate) async fn confirmed_owners(&self, address: &EmailAddress) -> Result<Vec<EmailOwner>, BackendError> {
        let sql = "SELECT id, email FROM users WHERE email_key = $1 AND email_confirmed_at IS NOT NULL \
                   AND disabled_at IS NULL ORDER BY id LIMIT 5";
        let statement = Statement::new(sql).bind(email_key(address.as_str()));
        let rows: Vec<(String, String)> = self.database.fetch(statement).await.map_err(BackendError::new)?;
        Ok(rows.into_iter().map(|(id, email)| EmailOwner { id, email }).collect())
    }

    /// Returns the users that come after the user `after` in the order of their keys.
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

    /// Gives a user another name. Returns an inner `Err` if the new name is taken or looks like a name that is taken.
    /// In that case, the caller must roll back the transaction.
    pub(crate) async fn rename_in(
        transaction: &mut Transaction,
        username: &str,
        new: &NewName,
    ) -> Result<Result<Option<UserRecord>, NameTaken>, BackendError> {
        if has_nul(username) {
            return Ok(Ok(None));
        }
        let found = Self::lock_by_name_in(transaction, username).await?;
        let Some(UserRecord { user: User { id, .. }, .. }) = found else { return Ok(Ok(None)) };
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
        Ok(if are_free.map_err(BackendError::new)? { Ok(renamed) } else { Err(NameTaken) })
    }

    /// Deletes a user.
    pub(crate) async fn delete_in(
        transaction: &mut Transaction,
        username: &str,
    ) -> Result<Option<UserRecord>, BackendError> {
        let sql = concat!("DELETE FROM users WHERE ", has_name!(), " RETURNING ", columns!(), ", disabled_at");
        record_in(transaction, username, with_name(sql, username)).await
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
    pub(crate) async fn enable(&self, username: &str) -> Result<Option<UserRecord>, BackendError> {
        if has_nul(username) {
            return Ok(None);
        }
        let sql = concat!(
            "UPDATE users SET disabled_at = NULL WHERE ",
            has_name!(),
            " RETURNING ",
            columns!(),
            ", disabled_at"
        );
        Ok(self.records(with_name(sql, username)).await?.pop())
    }

    async fn records(&self, statement: Statement<'_>) -> Result<Vec<UserRecord>, BackendError> {
        self.database.fetch(statement).await.map(records).map_err(BackendError::new)
    }

    /// Checks that the database responds. If the last write failed, also checks that the database accepts writes again.
    pub(crate) async fn ping(&self) -> Result<(), BackendError> {
        self.database.check().await.map_err(BackendError::new)
    }
}

/// Creates a statement from SQL that contains [`has_name!`], and binds the keys of `name` to the parameters `$1` and
/// `$2`.
fn with_name(sql: &'static str, name: &str) -> Statement<'static> {
    let NameKeys { key, old_key } = NameKeys::of(name);
    Statement::new(sql).bind(key).bind(old_key)
}

/// Creates the query for the keys of users whose names conflict with a new name, except for the user with the id
/// `except`.
fn conflicts<'a>(name: &'a NewName, old_key: &'a str, except: &'a str) -> Statement<'a> {
    let sql = "SELECT username_key FROM users WHERE id <> $1 AND (username_key IN ($2, $3) \
               OR id IN (SELECT user_id FROM name_looks WHERE look IN ($4, $5, $6)))";
    let statement = Statement::new(sql).bind(except).bind(&name.key).bind(old_key);
    name.looks.all.iter().fold(statement, Statement::bind)
}

/// An error: another user has the name, or a name that looks like it.
#[derive(Debug)]
pub(crate) struct NameTaken;

/// Returns a random id, which is never reused for another user.
fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn insertion(id: &str, new: &NewUserRow<'_>) -> Statement<'static> {
    let sql = concat!(
        "INSERT INTO users (id, username, username_key, skeleton, name_rules, password_hash, password_version, \
         display_name, email, email_key, created_at) VALUES ($1, $2, $3, $4, $10, $5, $9, '', $6, $7, $8) RETURNING ",
        columns!()
    );
    Statement::new(sql)
        .bind(id.to_owned())
        .bind(new.name.shown.clone())
        .bind(new.name.key.clone())
        .bind(new.name.looks.skeleton.clone())
        .bind(new.password_hash.to_owned())
        .bind(new.email.to_owned())
        .bind(email_key(new.email))
        .bind(new.now.unix_seconds())
        .bind(FIRST_PASSWORD)
        .bind(name_rules())
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

/// Returns whether `text` contains a NUL character. Stored names and ids contain no NUL character, and PostgreSQL
/// rejects text with a NUL character.
fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

fn records(rows: Vec<RecordColumns>) -> Vec<UserRecord> {
    let record = |(id, username, display_name, email, confirmed, created_at, disabled_at): RecordColumns| {
        let user = user((id, username, display_name, email, confirmed, created_at));
        UserRecord { user, disabled_at: disabled_at.map(Timestamp::from_unix_seconds) }
    };
    rows.into_iter().map(record).collect()
}

fn first(rows: Vec<UserColumns>) -> Option<User> {
    rows.into_iter().next().map(user)
}

fn user((id, username, display_name, email, confirmed, created_at): UserColumns) -> User {
    User {
        id,
        username,
        display_name,
        email,
        email_confirmed: confirmed.is_some(),
        created_at: Timestamp::from_unix_seconds(created_at),
    }
}
