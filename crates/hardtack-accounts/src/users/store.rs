//! Users in a database.

use hardtack::Timestamp;
use hardtack::session::StoreError;
use hardtack_db::{Pool, Statement};

use super::{EmailAddress, Settings, User, key_of, key_of_email};
use crate::operator::KnownUser;

/// A user about to be added.
pub(crate) struct NewUser<'a> {
    pub(crate) username: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) now: Timestamp,
}

/// What a log-in is checked against. Not a user: nothing here says that anybody is logged in.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) password_hash: String,
    pub(crate) password_version: i64,
    pub(crate) disabled: bool,
}

/// The table of users.
#[derive(Clone, Debug)]
pub(crate) struct UserStore {
    database: Pool,
}

/// The columns of [`Columns`], in its order.
macro_rules! columns {
    () => {
        "id, username, display_name, email, email_confirmed_at, created_at"
    };
}

type Columns = (String, String, String, String, Option<i64>, i64);

/// [`Columns`], and when the user was disabled.
type KnownColumns = (String, String, String, String, Option<i64>, i64, Option<i64>);

impl UserStore {
    pub(crate) fn new(database: Pool) -> Self {
        Self { database }
    }

    /// Adds a user; none if the name is taken.
    pub(crate) async fn add(&self, new: NewUser<'_>) -> Result<Option<User>, StoreError> {
        let sql = concat!(
            "INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, email, \
             created_at) VALUES ($1, $2, $3, $4, 1, '', '', $5) RETURNING ",
            columns!()
        );
        let statement = Statement::new(sql)
            .bind(format!("{:032x}", rand::random::<u128>()))
            .bind(new.username)
            .bind(key_of(new.username))
            .bind(new.password_hash)
            .bind(new.now.unix_seconds());
        match self.database.fetch(statement).await {
            Ok(rows) => Ok(first(rows)),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
            Err(error) => Err(StoreError::new(error)),
        }
    }

    /// The user that a token names, unless they were disabled.
    pub(crate) async fn active(&self, id: &str) -> Result<Option<User>, StoreError> {
        if nobody_has(id) {
            return Ok(None);
        }
        let sql = concat!("SELECT ", columns!(), " FROM users WHERE id = $1 AND disabled_at IS NULL");
        self.database.fetch(Statement::new(sql).bind(id)).await.map(first).map_err(StoreError::new)
    }

    /// What the log-in of a name is checked against.
    pub(crate) async fn credentials_of_name(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        let sql = "SELECT id, password_hash, password_version, disabled_at FROM users WHERE username_key = $1";
        self.credentials(sql, &key_of(username)).await
    }

    /// The same for a user who is logged in.
    pub(crate) async fn credentials_of_id(&self, id: &str) -> Result<Option<Credentials>, StoreError> {
        self.credentials("SELECT id, password_hash, password_version, disabled_at FROM users WHERE id = $1", id).await
    }

    async fn credentials(&self, sql: &'static str, value: &str) -> Result<Option<Credentials>, StoreError> {
        if nobody_has(value) {
            return Ok(None);
        }
        type Row = (String, String, i64, Option<i64>);
        let rows: Vec<Row> = self.database.fetch(Statement::new(sql).bind(value)).await.map_err(StoreError::new)?;
        Ok(rows.into_iter().next().map(|(id, password_hash, password_version, disabled_at)| Credentials {
            id,
            password_hash,
            password_version,
            disabled: disabled_at.is_some(),
        }))
    }

    /// Stores a new hash if the password is still the one of `version`; `changed` says whether the
    /// password itself is another one or only its hash.
    pub(crate) async fn set_password(
        &self,
        id: &str,
        hash: &str,
        version: i64,
        changed: bool,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE users SET password_hash = $1, password_version = password_version + $2 \
                   WHERE id = $3 AND password_version = $4";
        let statement = Statement::new(sql).bind(hash).bind(i64::from(changed)).bind(id).bind(version);
        self.database.execute(statement).await.map(|changed| changed == 1).map_err(StoreError::new)
    }

    /// Another address is one that nobody has confirmed.
    pub(crate) async fn set_settings(&self, id: &str, settings: &Settings) -> Result<Option<User>, StoreError> {
        let sql = concat!(
            "UPDATE users SET display_name = $1, email = $2, email_key = $3, \
             email_confirmed_at = CASE WHEN email = $2 THEN email_confirmed_at END WHERE id = $4 RETURNING ",
            columns!()
        );
        let key = key_of_email(&settings.email);
        let statement = Statement::new(sql).bind(&settings.display_name).bind(&settings.email).bind(key).bind(id);
        self.database.fetch(statement).await.map(first).map_err(StoreError::new)
    }

    /// Ids, names and addresses of those who have confirmed this address, as most people would read it; of the
    /// first few, should many have the same.
    pub(crate) async fn with_confirmed_email(
        &self,
        address: &EmailAddress,
    ) -> Result<Vec<(String, String, String)>, StoreError> {
        let sql = "SELECT id, username, email FROM users WHERE email_key = $1 AND email_confirmed_at IS NOT NULL \
                   AND disabled_at IS NULL ORDER BY id LIMIT 5";
        let statement = Statement::new(sql).bind(key_of_email(address.as_str()));
        self.database.fetch(statement).await.map_err(StoreError::new)
    }

    /// Users behind a name, in the order of their keys.
    pub(crate) async fn list(&self, after: &str, limit: u32) -> Result<Vec<KnownUser>, StoreError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", disabled_at FROM users WHERE username_key > $1 ORDER BY username_key LIMIT $2"
        );
        self.known(Statement::new(sql).bind(key_of(after)).bind(i64::from(limit))).await
    }

    /// The user of a name.
    pub(crate) async fn by_name(&self, username: &str) -> Result<Option<KnownUser>, StoreError> {
        if nobody_has(username) {
            return Ok(None);
        }
        let sql = concat!("SELECT ", columns!(), ", disabled_at FROM users WHERE username_key = $1");
        Ok(self.known(Statement::new(sql).bind(key_of(username))).await?.pop())
    }

    /// Disables a user, unless that was done before, or lets them in again.
    pub(crate) async fn set_disabled(
        &self,
        username: &str,
        at: Option<Timestamp>,
    ) -> Result<Option<KnownUser>, StoreError> {
        if nobody_has(username) {
            return Ok(None);
        }
        let statement = match at {
            Some(at) => {
                let sql = concat!(
                    "UPDATE users SET disabled_at = COALESCE(disabled_at, $2) WHERE username_key = $1 RETURNING ",
                    columns!(),
                    ", disabled_at"
                );
                Statement::new(sql).bind(key_of(username)).bind(at.unix_seconds())
            }
            None => {
                let sql = concat!(
                    "UPDATE users SET disabled_at = NULL WHERE username_key = $1 RETURNING ",
                    columns!(),
                    ", disabled_at"
                );
                Statement::new(sql).bind(key_of(username))
            }
        };
        Ok(self.known(statement).await?.pop())
    }

    async fn known(&self, statement: Statement<'_>) -> Result<Vec<KnownUser>, StoreError> {
        let rows: Vec<KnownColumns> = self.database.fetch(statement).await.map_err(StoreError::new)?;
        let known = |(id, username, display_name, email, confirmed, created_at, disabled_at): KnownColumns| {
            let user = user((id, username, display_name, email, confirmed, created_at));
            KnownUser { user, disabled_at: disabled_at.map(Timestamp::from_unix_seconds) }
        };
        Ok(rows.into_iter().map(known).collect())
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.database.execute(Statement::new("SELECT 1")).await.map(drop).map_err(StoreError::new)
    }
}

/// A text with a NUL is in no row: neither names nor ids have one, and PostgreSQL would not even be asked.
fn nobody_has(text: &str) -> bool {
    text.contains('\0')
}

fn first(rows: Vec<Columns>) -> Option<User> {
    rows.into_iter().next().map(user)
}

fn user((id, username, display_name, email, confirmed, created_at): Columns) -> User {
    User {
        id,
        username,
        display_name,
        email,
        email_confirmed: confirmed.is_some(),
        created_at: Timestamp::from_unix_seconds(created_at),
    }
}
