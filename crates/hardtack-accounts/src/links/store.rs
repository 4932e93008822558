//! The table `links`. To keep links elsewhere, write another type with the methods of [`LinkStore`]. Redeeming a
//! link also changes its user, and both changes must commit together.

use std::time::Duration;

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Pool, Statement};

use super::{LinkPurpose, LinkToken};
use crate::users::{EmailAddress, email_key};

/// How many links of each purpose a user is sent within [`RATE_WINDOW`] at most, so that nobody can flood a
/// mailbox.
const MAX_IN_WINDOW: i64 = 3;
const RATE_WINDOW: Duration = Duration::from_secs(60 * 60);

/// The result of redeeming a link.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Redemption {
    /// The link worked, and is used up.
    Done { user_id: String },
    /// The user was not changed: the link was used before, has expired or never existed, the user is disabled, or
    /// the user's address or password has changed since the link was sent.
    DeadLink,
}

/// Reads and writes the table `links`.
#[derive(Clone, Debug)]
pub(crate) struct LinkStore {
    database: Pool,
}

impl LinkStore {
    pub(crate) fn new(database: Pool) -> Self {
        Self { database }
    }

    /// Creates a link for a user whose address is `address`. Returns `None` if the user has since changed the
    /// address, is disabled, or was sent too many links.
    pub(crate) async fn create(
        &self,
        user_id: &str,
        purpose: LinkPurpose,
        address: &EmailAddress,
        now: Timestamp,
    ) -> Result<Option<LinkToken>, BackendError> {
        let token = LinkToken::new();
        // Copies the current address and password version. A new address invalidates the link, and a new password
        // invalidates reset links.
        let sql = "INSERT INTO links (token_hash, user_id, purpose, address, password_version, created_at, expires_at) \
                   SELECT $1, id, $2, email, password_version, $3, $4 FROM users \
                   WHERE id = $5 AND email = $6 AND disabled_at IS NULL AND (SELECT COUNT(*) FROM links \
                   WHERE user_id = $5 AND purpose = $2 AND created_at > $7) < $8";
        let statement = Statement::new(sql)
            .bind(token.hash())
            .bind(purpose.name())
            .bind(now.unix_seconds())
            .bind((now + purpose.lifetime()).unix_seconds())
            .bind(user_id)
            .bind(address.as_str())
            .bind((now - RATE_WINDOW).unix_seconds())
            .bind(MAX_IN_WINDOW);
        let created = self.database.execute(statement).await.map_err(BackendError::new)?;
        Ok((created == 1).then_some(token))
    }

    /// Returns the user name of a link that still works, without using it up.
    pub(crate) async fn username(
        &self,
        token: &LinkToken,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<String>, BackendError> {
        let sql = "SELECT users.username FROM links JOIN users ON users.id = links.user_id \
                   WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 AND users.email = links.address \
                   AND users.disabled_at IS NULL \
                   AND (purpose <> 'reset_password' OR users.password_version = links.password_version)";
        let statement = Statement::new(sql).bind(token.hash()).bind(purpose.name()).bind(now.unix_seconds());
        let found: Vec<(String,)> = self.database.fetch(statement).await.map_err(BackendError::new)?;
        Ok(found.into_iter().next().map(|(username,)| username))
    }

    /// Redeems a link by confirming the address that it was sent to. If the user has changed the address since,
    /// even concurrently, no address is confirmed.
    pub(crate) async fn confirm_email(&self, token: &LinkToken, now: Timestamp) -> Result<Redemption, BackendError> {
        let sql = "UPDATE users SET email_confirmed_at = $1, email_key = $2 \
                   WHERE id = $3 AND email = $4 AND disabled_at IS NULL";
        self.redeem(token, LinkPurpose::ConfirmEmail, now, |link| {
            let key = email_key(&link.address);
            Statement::new(sql).bind(now.unix_seconds()).bind(key).bind(link.user_id).bind(link.address)
        })
        .await
    }

    /// Redeems a link by storing a new password hash, if neither the password nor the address has changed since
    /// the link was sent.
    pub(crate) async fn set_password(
        &self,
        token: &LinkToken,
        hash: &str,
        now: Timestamp,
    ) -> Result<Redemption, BackendError> {
        let sql = "UPDATE users SET password_hash = $1, password_version = password_version + 1 \
                   WHERE id = $2 AND password_version = $3 AND email = $4 AND email_confirmed_at IS NOT NULL \
                   AND disabled_at IS NULL";
        let hash = hash.to_owned();
        self.redeem(token, LinkPurpose::ResetPassword, now, |link| {
            Statement::new(sql).bind(hash).bind(link.user_id).bind(link.password_version).bind(link.address)
        })
        .await
    }

    /// Deletes a link and runs its update in one transaction. Of two concurrent calls, only one finds the link.
    async fn redeem(
        &self,
        token: &LinkToken,
        purpose: LinkPurpose,
        now: Timestamp,
        update: impl FnOnce(StoredLink) -> Statement<'static>,
    ) -> Result<Redemption, BackendError> {
        let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
        let sql = "DELETE FROM links WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 \
                   RETURNING user_id, address, password_version";
        let statement = Statement::new(sql).bind(token.hash()).bind(purpose.name()).bind(now.unix_seconds());
        let found: Vec<(String, String, i64)> = transaction.fetch(statement).await.map_err(BackendError::new)?;
        let Some((user_id, address, password_version)) = found.into_iter().next() else {
            return Ok(Redemption::DeadLink);
        };
        let link = StoredLink { user_id: user_id.clone(), address, password_version };
        let updated = transaction.execute(update(link)).await.map_err(BackendError::new)?;
        transaction.commit().await.map_err(BackendError::new)?;
        Ok(if updated == 1 { Redemption::Done { user_id } } else { Redemption::DeadLink })
    }

    /// Deletes up to `limit` expired links and returns how many.
    pub(crate) async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let sql = "DELETE FROM links WHERE token_hash IN \
                   (SELECT token_hash FROM links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        let statement = Statement::new(sql).bind(now.unix_seconds()).bind(i64::from(limit));
        self.database.execute(statement).await.map_err(BackendError::new)
    }
}

/// The user, address and password version that a link was created for.
struct StoredLink {
    user_id: String,
    address: String,
    password_version: i64,
}
