//! Links in a database.

use std::time::Duration;

use hardtack::Timestamp;
use hardtack::session::StoreError;
use hardtack_db::{Pool, Statement};

use super::LinkToken;
use crate::users::{EmailAddress, key_of_email};

/// How many a user gets of each kind within an hour: letters are a nuisance where nobody asked for them.
const AN_HOUR: Duration = Duration::from_secs(60 * 60);
const AT_MOST_AN_HOUR: i64 = 3;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    ConfirmEmail,
    ResetPassword,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "confirm_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// How long it works.
    const fn lifetime(self) -> Duration {
        match self {
            Self::ConfirmEmail => Duration::from_secs(24 * 60 * 60),
            Self::ResetPassword => AN_HOUR,
        }
    }
}

/// The table of links.
#[derive(Clone, Debug)]
pub(crate) struct LinkStore {
    database: Pool,
}

/// Why a link does nothing: it was used, it is too old, it never was one, or things have changed since.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DeadLink;

impl LinkStore {
    pub(crate) fn new(database: Pool) -> Self {
        Self { database }
    }

    /// A new link for a user who has this address now, unless they were sent enough of them.
    pub(crate) async fn make(
        &self,
        user: &str,
        purpose: Purpose,
        address: &EmailAddress,
        now: Timestamp,
    ) -> Result<Option<LinkToken>, StoreError> {
        let token = LinkToken::new();
        // Bound to the address and the password of this moment: another of either ends it.
        let sql = "INSERT INTO links (token_hash, user_id, purpose, address, password_version, created_at, expires_at) \
                   SELECT $1, id, $2, email, password_version, $3, $4 FROM users \
                   WHERE id = $5 AND email = $6 AND disabled_at IS NULL AND (SELECT COUNT(*) FROM links \
                   WHERE user_id = $5 AND purpose = $2 AND created_at > $7) < $8";
        let statement = Statement::new(sql)
            .bind(token.hash())
            .bind(purpose.name())
            .bind(now.unix_seconds())
            .bind((now + purpose.lifetime()).unix_seconds())
            .bind(user)
            .bind(address.as_str())
            .bind((now - AN_HOUR).unix_seconds())
            .bind(AT_MOST_AN_HOUR);
        let made = self.database.execute(statement).await.map_err(StoreError::new)?;
        Ok((made == 1).then_some(token))
    }

    /// Whose link it is, by user name, if it still works. Nothing is used up by looking.
    pub(crate) async fn username(
        &self,
        token: &LinkToken,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<(String, String)>, StoreError> {
        let sql = "SELECT users.id, users.username FROM links JOIN users ON users.id = links.user_id \
                   WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 AND users.email = links.address \
                   AND users.disabled_at IS NULL \
                   AND (purpose <> 'reset_password' OR users.password_version = links.password_version)";
        let statement = Statement::new(sql).bind(token.hash()).bind(purpose.name()).bind(now.unix_seconds());
        let found: Vec<(String, String)> = self.database.fetch(statement).await.map_err(StoreError::new)?;
        Ok(found.into_iter().next())
    }

    /// Confirms the address that the letter went to, if it is still the user's: never another one, whatever is
    /// changed meanwhile. Answers whose it is.
    pub(crate) async fn confirm(
        &self,
        token: &LinkToken,
        now: Timestamp,
    ) -> Result<Result<String, DeadLink>, StoreError> {
        let sql = "UPDATE users SET email_confirmed_at = $1, email_key = $2 \
                   WHERE id = $3 AND email = $4 AND disabled_at IS NULL";
        self.spend(token, Purpose::ConfirmEmail, now, |link| {
            let key = key_of_email(&link.address);
            Statement::new(sql).bind(now.unix_seconds()).bind(key).bind(link.user).bind(link.address)
        })
        .await
    }

    /// Sets a new password's hash, if neither the password nor the address has changed since the letter was
    /// written. Answers whose it is.
    pub(crate) async fn set_password(
        &self,
        token: &LinkToken,
        hash: &str,
        now: Timestamp,
    ) -> Result<Result<String, DeadLink>, StoreError> {
        let sql = "UPDATE users SET password_hash = $1, password_version = password_version + 1 \
                   WHERE id = $2 AND password_version = $3 AND email = $4 AND email_confirmed_at IS NOT NULL \
                   AND disabled_at IS NULL";
        let hash = hash.to_owned();
        self.spend(token, Purpose::ResetPassword, now, |link| {
            Statement::new(sql).bind(hash).bind(link.user).bind(link.password_version).bind(link.address)
        })
        .await
    }

    /// Takes a link away and does what it is for, both or neither. Of two who come at once, one finds it.
    async fn spend(
        &self,
        token: &LinkToken,
        purpose: Purpose,
        now: Timestamp,
        act: impl FnOnce(Link) -> Statement<'static>,
    ) -> Result<Result<String, DeadLink>, StoreError> {
        let mut transaction = self.database.begin().await.map_err(StoreError::new)?;
        let sql = "DELETE FROM links WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 \
                   RETURNING user_id, address, password_version";
        let statement = Statement::new(sql).bind(token.hash()).bind(purpose.name()).bind(now.unix_seconds());
        let found: Vec<(String, String, i64)> = transaction.fetch(statement).await.map_err(StoreError::new)?;
        let Some((user, address, password_version)) = found.into_iter().next() else { return Ok(Err(DeadLink)) };
        let link = Link { user: user.clone(), address, password_version };
        let acted = transaction.execute(act(link)).await.map_err(StoreError::new)?;
        transaction.commit().await.map_err(StoreError::new)?;
        Ok(if acted == 1 { Ok(user) } else { Err(DeadLink) })
    }

    /// Forgets up to `limit` links that no longer work; answers how many.
    pub(crate) async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let sql = "DELETE FROM links WHERE token_hash IN \
                   (SELECT token_hash FROM links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        let statement = Statement::new(sql).bind(now.unix_seconds()).bind(i64::from(limit));
        self.database.execute(statement).await.map_err(StoreError::new)
    }
}

/// What a link was bound to.
struct Link {
    user: String,
    address: String,
    password_version: i64,
}
