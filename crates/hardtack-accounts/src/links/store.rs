//! The table `links`.
//!
//! To store links elsewhere, write your own type with the same methods as [`LinkStore`]. Using a link also changes the
//! user, and both changes must be committed together, so your type must take part in the transaction that changes the
//! user.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::{Pool, Statement, Transaction};

use super::{LinkPurpose, LinkToken};
use crate::users::EmailAddress;

/// A link that works: it has not been used, has not expired, and has not been invalidated by a change to its user.
#[derive(Debug)]
pub(crate) struct LiveLink {
    pub(crate) user_id: String,
    pub(crate) username: String,
    pub(crate) purpose: LinkPurpose,
    /// The address that the link was sent to. Empty if an operator created the link.
    pub(crate) address: String,
    /// The user's password version when the link was created.
    pub(crate) password_version: i64,
    /// If the link undoes an address change, the number of that change.
    pub(crate) email_version: i64,
    /// Whether the user was added by an operator and still has to choose a password.
    pub(crate) is_first_password: bool,
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

    /// Creates a confirmation or reset link for a user whose address is `address`. A confirmation link needs an
    /// unconfirmed address, and a reset link needs a confirmed address. Returns `None` if the user no longer has such
    /// an address, or is disabled or deleted.
    pub(crate) async fn create_in(
        transaction: &mut Transaction,
        user_id: &str,
        purpose: LinkPurpose,
        address: &EmailAddress,
        now: Timestamp,
    ) -> Result<Option<LinkToken>, BackendError> {
        // The link gets a copy of the current address and password version. If the address changes later, the link
        // stops working. A reset link also stops working if the password changes later.
        let sql = "INSERT INTO links (token_hash, user_id, purpose, address, password_version, created_at, expires_at) \
                   SELECT $1, id, $2, email, password_version, $3, $4 FROM users \
                   WHERE id = $5 AND email = $6 AND disabled_at IS NULL \
                   AND ($2 = 'confirm_email') = (email_confirmed_at IS NULL)";
        Self::insert_in(transaction, sql, user_id, purpose, address, now, |statement| statement).await
    }

    /// Creates a link that restores `old_address`, which the user has replaced. `email_version` is the number of the
    /// change that replaced it. A user can have any number of such links, because each link goes to an address that the
    /// user had confirmed. Returns `None` if the user is disabled or deleted.
    pub(crate) async fn create_undo_in(
        transaction: &mut Transaction,
        user_id: &str,
        old_address: &EmailAddress,
        email_version: i64,
        now: Timestamp,
    ) -> Result<Option<LinkToken>, BackendError> {
        let sql = "INSERT INTO links (token_hash, user_id, purpose, address, password_version, created_at, expires_at, \
                   email_version) \
                   SELECT $1, id, $2, $6, password_version, $3, $4, $7 FROM users WHERE id = $5 AND disabled_at IS NULL";
        let more = |statement: Statement<'static>| statement.bind(email_version);
        Self::insert_in(transaction, sql, user_id, LinkPurpose::UndoEmail, old_address, now, more).await
    }

    /// Deletes a link because the message that contains it was not sent.
    pub(crate) async fn remove(&self, token: &LinkToken) -> Result<(), BackendError> {
        self.database.execute(deletion(token)).await.map(drop).map_err(BackendError::new)
    }

    /// Creates a link that lets a user set a password. The transaction must already hold the lock on the user's row.
    /// Earlier links of this kind stop working.
    pub(crate) async fn create_password_link_in(
        transaction: &mut Transaction,
        user_id: &str,
        now: Timestamp,
    ) -> Result<LinkToken, BackendError> {
        let purpose = LinkPurpose::SetPassword;
        let sql = "DELETE FROM links WHERE user_id = $1 AND purpose = $2";
        let earlier = Statement::new(sql).bind(user_id).bind(purpose.name());
        transaction.execute(earlier).await.map_err(BackendError::new)?;
        let token = LinkToken::new();
        let sql = "INSERT INTO links (token_hash, user_id, purpose, address, password_version, created_at, expires_at) \
                   SELECT $1, id, $2, '', password_version, $3, $4 FROM users WHERE id = $5";
        let statement = Statement::new(sql)
            .bind(token.hash())
            .bind(purpose.name())
            .bind(now.unix_seconds())
            .bind((now + purpose.lifetime()).unix_seconds())
            .bind(user_id);
        transaction.execute(statement).await.map_err(BackendError::new)?;
        Ok(token)
    }

    async fn insert_in(
        transaction: &mut Transaction,
        sql: &'static str,
        user_id: &str,
        purpose: LinkPurpose,
        address: &EmailAddress,
        now: Timestamp,
        more: impl FnOnce(Statement<'static>) -> Statement<'static>,
    ) -> Result<Option<LinkToken>, BackendError> {
        let token = LinkToken::new();
        let statement = Statement::new(sql)
            .bind(token.hash())
            .bind(purpose.name())
            .bind(now.unix_seconds())
            .bind((now + purpose.lifetime()).unix_seconds())
            .bind(user_id.to_owned())
            .bind(address.as_str().to_owned());
        let created = transaction.execute(more(statement)).await.map_err(BackendError::new)?;
        Ok((created == 1).then_some(token))
    }

    /// Returns the link with this token if the link still works. Does not use up the link.
    pub(crate) async fn find(
        &self,
        token: &LinkToken,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<LiveLink>, BackendError> {
        let found = self.database.fetch(find(token, purpose, now)).await;
        found.map(|rows| first(rows, purpose)).map_err(BackendError::new)
    }

    /// Finds a working link in the transaction that is going to use it. To avoid deadlocks, every transaction must
    /// change the user before it changes any links.
    pub(crate) async fn find_in(
        transaction: &mut Transaction,
        token: &LinkToken,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<LiveLink>, BackendError> {
        let found = transaction.fetch(find(token, purpose, now)).await;
        found.map(|rows| first(rows, purpose)).map_err(BackendError::new)
    }

    /// Deletes a link that is being used. If another request has used or deleted the link in the meantime, returns
    /// `false`. The caller must then roll back the transaction.
    pub(crate) async fn use_up_in(transaction: &mut Transaction, token: &LinkToken) -> Result<bool, BackendError> {
        transaction.execute(deletion(token)).await.map(|deleted| deleted == 1).map_err(BackendError::new)
    }

    /// Deletes all of a user's links.
    pub(crate) async fn delete_all_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
        let statement = Statement::new("DELETE FROM links WHERE user_id = $1").bind(user_id);
        transaction.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    /// Deletes the user's reset and confirmation links, so that they no longer work (ASVS 5.0 V7.4.2). Links that undo
    /// an address change keep working. The user needs them if an attacker has replaced both the address and the
    /// password.
    pub(crate) async fn kill_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
        let sql = "DELETE FROM links WHERE user_id = $1 AND purpose <> 'undo_email'";
        transaction.execute(Statement::new(sql).bind(user_id)).await.map(drop).map_err(BackendError::new)
    }

    /// Deletes the links that undo the same address change as `link`, or a later one. An attacker who has replaced the
    /// address twice might have a link that undoes the second change. If that link still worked after the user has
    /// undone the first change, the attacker could use it to replace the user's address again.
    pub(crate) async fn kill_later_undos_in(
        transaction: &mut Transaction,
        link: &LiveLink,
    ) -> Result<(), BackendError> {
        let sql = "DELETE FROM links WHERE user_id = $1 AND purpose = 'undo_email' AND email_version >= $2";
        let statement = Statement::new(sql).bind(&link.user_id).bind(link.email_version);
        transaction.execute(statement).await.map(drop).map_err(BackendError::new)
    }

    /// Deletes up to `limit` expired links and returns how many were deleted.
    pub(crate) async fn prune(&self, now: Timestamp, limit: u32) -> Result<u64, BackendError> {
        let sql = "DELETE FROM links WHERE token_hash IN \
                   (SELECT token_hash FROM links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        let statement = Statement::new(sql).bind(now.unix_seconds()).bind(i64::from(limit));
        self.database.execute(statement).await.map_err(BackendError::new)
    }
}

type LinkColumns = (String, String, String, i64, i64, i64);

fn deletion(token: &LinkToken) -> Statement<'static> {
    Statement::new("DELETE FROM links WHERE token_hash = $1").bind(token.hash())
}

fn find(token: &LinkToken, purpose: LinkPurpose, now: Timestamp) -> Statement<'static> {
    let sql = "SELECT users.id, users.username, links.address, links.password_version, links.email_version, \
               users.password_chosen \
               FROM links JOIN users ON users.id = links.user_id \
               WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 AND users.disabled_at IS NULL \
               AND (purpose IN ('undo_email', 'set_password') OR users.email = links.address) \
               AND (purpose NOT IN ('reset_password', 'set_password') \
               OR users.password_version = links.password_version)";
    Statement::new(sql).bind(token.hash()).bind(purpose.name()).bind(now.unix_seconds())
}

fn first(rows: Vec<LinkColumns>, purpose: LinkPurpose) -> Option<LiveLink> {
    let (user_id, username, address, password_version, email_version, chosen) = rows.into_iter().next()?;
    let is_first_password = chosen == 0 && purpose == LinkPurpose::SetPassword;
    Some(LiveLink { user_id, username, purpose, address, password_version, email_version, is_first_password })
}
