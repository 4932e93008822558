//! Queues the emails that a change to a user requires, and withdraws queued emails that the change makes obsolete.
//!
//! The transaction that stores the change also queues and withdraws the emails. If the change deletes a link that a
//! queued email was to contain, the email is deleted, or is sent without the link.

use hardtack::BackendError;
use hardtack::error::WithCauses;
use hardtack_db::Transaction;

use super::Accounts;
use crate::activity::RequestInfo;
use crate::links::{LinkStore, LiveLink};
use crate::mail::{JobKind, MailJobStore, MailLimit, NewJob, was_sent};
use crate::pages::device_name;
use crate::users::{EmailAddress, User};

impl Accounts {
    /// Returns whether email is turned on.
    pub(crate) const fn sends_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// Queues an email about a change, in the transaction that stores the change. The email goes to `address` or, if
    /// `address` is `None`, to the user's address after the change. Call [`Self::wake_mail`] after the commit.
    ///
    /// If email is off in this process, warnings are still queued, because another server that uses the same database
    /// might send them. Other emails are not queued.
    ///
    /// If a confirmation email would exceed a limit for the user or the client, this method does not queue the email
    /// and returns the limit.
    pub(super) async fn queue_mail_in(
        &self,
        transaction: &mut Transaction,
        kind: JobKind,
        user_id: &str,
        address: Option<&EmailAddress>,
        request: &RequestInfo,
    ) -> Result<Option<MailLimit>, BackendError> {
        self.queue_letter_in(transaction, kind, user_id, address, "", request).await
    }

    /// Like [`Self::queue_mail_in`], for an email that contains an additional detail. `detail` is the new device or the
    /// former user name.
    pub(super) async fn queue_letter_in(
        &self,
        transaction: &mut Transaction,
        kind: JobKind,
        user_id: &str,
        address: Option<&EmailAddress>,
        detail: &str,
        request: &RequestInfo,
    ) -> Result<Option<MailLimit>, BackendError> {
        if !self.queues_mail && !kind.is_warning() {
            return Ok(None);
        }
        let job = NewJob { kind, user_id, address, detail, source: &request.source(), now: request.at };
        Ok(MailJobStore::add_in(transaction, job).await?.refusal())
    }

    /// Returns whether the user has a confirmed address, to which warnings can be sent. If no server sends email, users
    /// usually have no confirmed address, so this check saves a transaction for most log-ins.
    async fn has_confirmed_address(&self, user_id: &str) -> Result<bool, BackendError> {
        Ok(self.find(user_id).await?.is_some_and(|user| user.email_confirmed && !user.email.is_empty()))
    }

    /// Makes this process send queued emails immediately. Without this call, the process would take a few seconds to
    /// find them.
    pub(super) fn wake_mail(&self) {
        if let Some(mail) = &self.mail {
            mail.wake();
        }
    }

    /// Queues an email with a confirmation link if the user has an unconfirmed address. If the email would exceed a
    /// limit, this method does not queue it and returns the limit.
    pub(crate) async fn queue_confirmation(
        &self,
        user: &User,
        request: &RequestInfo,
    ) -> Result<Option<MailLimit>, BackendError> {
        if user.email.is_empty() || user.email_confirmed {
            return Ok(None);
        }
        let mut transaction = self.begin().await?;
        let limit = self.queue_mail_in(&mut transaction, JobKind::ConfirmEmail, &user.id, None, request).await?;
        transaction.commit().await.map_err(BackendError::new)?;
        self.wake_mail();
        Ok(limit)
    }

    /// Returns whether a confirmation link was sent to the user in the last day, or is still queued.
    pub(crate) async fn has_sent_confirmation(&self, user: &User) -> Result<bool, BackendError> {
        was_sent(&self.database, JobKind::ConfirmEmail, &user.id, &user.email).await
    }

    /// Sends a user an email about a log-in from a device that the user has not used before. If the email cannot be
    /// queued, the error is logged, and the log-in still succeeds.
    pub(super) async fn warn_of_new_device(&self, user_id: &str, request: &RequestInfo) {
        if let Err(error) = self.queue_new_device(user_id, request).await {
            tracing::error!(
                event = "mail_lost",
                user = user_id,
                error = %WithCauses(&error),
                "the user was not warned about a log-in from a new device"
            );
        }
    }

    async fn queue_new_device(&self, user_id: &str, request: &RequestInfo) -> Result<(), BackendError> {
        if !self.queues_mail && !self.has_confirmed_address(user_id).await? {
            return Ok(());
        }
        let device = device_name(request.user_agent.as_deref().unwrap_or_default());
        let detail = match &request.address {
            Some(address) => format!("{device}, address {address}"),
            None => device,
        };
        let mut transaction = self.begin().await?;
        let kind = JobKind::NewDevice;
        self.queue_letter_in(&mut transaction, kind, user_id, None, &detail, request).await?;
        transaction.commit().await.map_err(BackendError::new)?;
        self.wake_mail();
        Ok(())
    }
}

/// Invalidates the user's reset and confirmation links. Also withdraws the queued jobs that would send such links.
pub(super) async fn kill_links_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
    MailJobStore::withdraw_links_in(transaction, user_id).await?;
    LinkStore::kill_in(transaction, user_id).await
}

/// Invalidates all of the user's existing links, including links that were sent to former addresses. Also withdraws the
/// queued jobs that would send reset and confirmation links. A queued warning about an address change is still sent,
/// but without the link that undoes the change.
pub(super) async fn kill_sent_links_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
    MailJobStore::withdraw_links_in(transaction, user_id).await?;
    MailJobStore::omit_undos_in(transaction, user_id).await?;
    LinkStore::delete_all_in(transaction, user_id).await
}

/// Invalidates the links that undo either the address change that `link` undoes or a later one. Withdraws the queued
/// jobs that would send such links.
pub(super) async fn kill_later_undos_in(transaction: &mut Transaction, link: &LiveLink) -> Result<(), BackendError> {
    MailJobStore::withdraw_undos_in(transaction, &link.user_id, link.email_version).await?;
    LinkStore::kill_later_undos_in(transaction, link).await
}

/// Invalidates all of the user's links, including links in queued emails.
pub(super) async fn kill_all_links_in(transaction: &mut Transaction, user_id: &str) -> Result<(), BackendError> {
    MailJobStore::withdraw_links_in(transaction, user_id).await?;
    MailJobStore::withdraw_undos_in(transaction, user_id, 0).await?;
    LinkStore::delete_all_in(transaction, user_id).await
}
