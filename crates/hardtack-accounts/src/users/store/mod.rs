//! The table `users`.

mod credentials;
mod ended_sessions;
mod profile;
mod record;

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Pool, Statement, Transaction};

use super::name::{NameKeys, name_rules};
use super::name_looks::{LooksLock, NONE_OUTDATED, lock_looks_in, set_looks_in};
use super::{NewName, User, UserNameProblem, email_key};

pub(crate) use credentials::StoredCredentials;
pub(crate) use record::NameTaken;

/// A new user's password version.
pub(crate) const FIRST_PASSWORD: i64 = 1;

/// A user who is about to be added.
pub(crate) struct NewUserRow<'a> {
    pub(crate) name: &'a NewName,
    /// The email address. Empty if the user has none.
    pub(crate) email: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) now: Timestamp,
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
use columns;

/// An SQL condition that selects the user with a given name. The name's [`NameKeys`] are the parameters `$1` and `$2`.
/// If two users match, the condition selects the user who still has the old key, because the old key is closer to the
/// typed name.
macro_rules! has_name {
    () => {
        "username_key = (SELECT username_key FROM users WHERE username_key IN ($1, $2) \
         ORDER BY username_key = $2 DESC LIMIT 1)"
    };
}
use has_name;

type UserColumns = (String, String, String, String, Option<i64>, i64);

impl UserStore {
    pub(crate) fn new(database: Pool) -> Self {
        Self { database }
    }

    /// Returns a problem if a name is taken or looks like a name that is taken, and `None` otherwise.
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
        lock_looks_in(transaction, LooksLock::Shared).await.map_err(BackendError::new)?;
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

    /// Checks that the database responds. If the last write failed, also checks whether the database accepts writes
    /// again.
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

/// Creates a query for the keys of the users whose names conflict with a new name. The query leaves out the user with
/// the id `except`.
fn conflicts<'a>(name: &'a NewName, old_key: &'a str, except: &'a str) -> Statement<'a> {
    let sql = "SELECT username_key FROM users WHERE id <> $1 AND (username_key IN ($2, $3) \
               OR id IN (SELECT user_id FROM name_looks WHERE look IN ($4, $5, $6)))";
    let statement = Statement::new(sql).bind(except).bind(&name.key).bind(old_key);
    name.looks.all.iter().fold(statement, Statement::bind)
}

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

/// Returns whether `text` contains a NUL character. Stored names and ids never contain one, and PostgreSQL rejects text
/// that does.
fn has_nul(text: &str) -> bool {
    text.contains('\0')
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
