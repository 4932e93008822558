//! Queues the emails that a change of a user requires, and withdraws those that the change makes obsolete.
//!
//! Both happen in the transaction of the change. Whenever links are deleted, so are the queued jobs that would create
//! such links.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack_db::Transaction;

use super::Accounts;
use crate::links::{LinkStore, LiveLink};
use crate::mail::{JobKind, MailJobStore};
use crate::users::{EmailAddress, User};

impl Accounts {
    /// Returns whether email is turned on.
    pub(crate) const fn sends_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// Queues an email in the transaction of the change that it reports, if email is on. Sends it to `address`, or if
    /// that is `None`, to the user's address after the change. Call [`Self::wake_mail`] after the commit.
    pub(super) async fn queue_mail_in(
        &self,
        transaction: &mut Transaction,
        kind: JobKind,
        user_id: &str,
        address: Option<&EmailAddress>,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        if !self.sends_mail() {
            return Ok(());
        }
        MailJobStore::add_in(transaction, kind, user_id, address, now).await
    }

    /// Lets this process send queued emails at once. Otherwise it finds them within seconds.
    pub(super) fn wake_mail(&self) {
        if let Some(mail) = &self.mail {
            mail.wake();
        }
    }

    /// Queues an email with a confirmation link for a user who has an unconfirmed address.
    pub(crate) async fn send_confirmation(&self, user: &User, now: Timestamp) -> Result<(), BackendError> {
        if user.email.is_empty() || user.email_confirmed {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        self.queue_mail_in(&mut transaction, JobKind::ConfirmEmail, &user.id, None, now).await?;
        transaction.commit().await.map_err(BackendError::new)?;
        self.wake_mail();
        Ok(())
    }
}

/// Invalidates the user's reset and confirmation links, including those that are queued to be sent.
pub(super) async fn kill_links_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
    MailJobStore::withdraw_confirmations_in(transaction, user_id).await?;
    LinkStore::kill_in(transaction, user_id).await
}

/// Invalidates the links that undo this change of the address or a later one, including those that are queued to be
/// sent.
pub(super) async fn kill_later_undos_in(transaction: &mut Transaction, link: &LiveLink) -> Result<(), BackendError> {
    MailJobStore::withdraw_undos_in(transaction, &link.user_id, link.email_version).await?;
    LinkStore::kill_later_undos_in(transaction, link).await
}

/// Invalidates all links of the user, including those that are queued to be sent.
pub(super) async fn kill_all_links_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
    MailJobStore::withdraw_confirmations_in(transaction, user_id).await?;
    MailJobStore::withdraw_undos_in(transaction, user_id, 0).await?;
    LinkStore::delete_all_in(transaction, user_id).await
}
