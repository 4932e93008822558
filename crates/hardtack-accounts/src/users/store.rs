//! Users in a database.

use hardtack::Timestamp;
use hardtack::session::StoreError;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Error, Row};

use super::{Settings, User, key_of};

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
    pool: SqlitePool,
}

const COLUMNS: &str = "id, username, display_name, email, created_at";

impl UserStore {
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// Adds a user; none if the name is taken.
    pub(crate) async fn add(&self, new: NewUser<'_>) -> Result<Option<User>, StoreError> {
        let id = format!("{:032x}", rand::random::<u128>());
        let sql = format!(
            "INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, email, created_at) \
             VALUES ($1, $2, $3, $4, 1, '', '', $5) RETURNING {COLUMNS}"
        );
        let added = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id)
            .bind(new.username)
            .bind(key_of(new.username))
            .bind(new.password_hash)
            .bind(new.now.unix_seconds())
            .fetch_one(&self.pool)
            .await;
        match added {
            Ok(row) => user(&row).map(Some),
            Err(Error::Database(error)) if error.is_unique_violation() => Ok(None),
            Err(error) => Err(StoreError::new(error)),
        }
    }

    /// The user that a token names, unless they were disabled.
    pub(crate) async fn active(&self, id: &str) -> Result<Option<User>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE id = $1 AND disabled_at IS NULL");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await;
        row.map_err(StoreError::new)?.as_ref().map(user).transpose()
    }

    /// What the log-in of a name is checked against.
    pub(crate) async fn credentials_of_name(&self, username: &str) -> Result<Option<Credentials>, StoreError> {
        self.credentials("username_key", &key_of(username)).await
    }

    /// The same for a user who is logged in.
    pub(crate) async fn credentials_of_id(&self, id: &str) -> Result<Option<Credentials>, StoreError> {
        self.credentials("id", id).await
    }

    async fn credentials(&self, column: &'static str, value: &str) -> Result<Option<Credentials>, StoreError> {
        let sql = format!("SELECT id, password_hash, password_version, disabled_at FROM users WHERE {column} = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(value).fetch_optional(&self.pool).await;
        let Some(row) = row.map_err(StoreError::new)? else { return Ok(None) };
        let read = || -> Result<Credentials, Error> {
            Ok(Credentials {
                id: row.try_get(0)?,
                password_hash: row.try_get(1)?,
                password_version: row.try_get(2)?,
                disabled: row.try_get::<Option<i64>, _>(3)?.is_some(),
            })
        };
        read().map(Some).map_err(StoreError::new)
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
        let done =
            sqlx::query(sql).bind(hash).bind(i64::from(changed)).bind(id).bind(version).execute(&self.pool).await;
        Ok(done.map_err(StoreError::new)?.rows_affected() == 1)
    }

    pub(crate) async fn set_settings(&self, id: &str, settings: &Settings) -> Result<Option<User>, StoreError> {
        let sql = format!("UPDATE users SET display_name = $1, email = $2 WHERE id = $3 RETURNING {COLUMNS}");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&settings.display_name)
            .bind(&settings.email)
            .bind(id)
            .fetch_optional(&self.pool)
            .await;
        row.map_err(StoreError::new)?.as_ref().map(user).transpose()
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").fetch_one(&self.pool).await.map(drop).map_err(StoreError::new)
    }
}

fn user(row: &SqliteRow) -> Result<User, StoreError> {
    let read = || -> Result<User, Error> {
        Ok(User {
            id: row.try_get(0)?,
            username: row.try_get(1)?,
            display_name: row.try_get(2)?,
            email: row.try_get(3)?,
            created_at: Timestamp::from_unix_seconds(row.try_get(4)?),
        })
    };
    read().map_err(StoreError::new)
}
