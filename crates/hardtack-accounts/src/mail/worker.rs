//! Composes messages, with their links, and hands them to the mailer.

use hardtack::BackendError;
use hardtack::error::WithCauses;
use hardtack_db::{Pool, Transaction};

use super::job::MailJob;
use super::mailer::ErasedMailer;
use super::{JobKind, Mail, MailError, MailJobStore, MailTemplates, Mailer, ResetRequest};
use crate::activity::{ActivityKind, Recorder};
use crate::links::{LinkPurpose, LinkStore, LinkToken};
use crate::users::{EmailAddress, UserStore};

/// Carries out jobs of both kinds: stored ones, and requests for a reset.
pub(crate) struct MailWorker {
    database: Pool,
    users: UserStore,
    links: LinkStore,
    recorder: Recorder,
    pub(super) jobs: MailJobStore,
    templates: MailTemplates,
    mailer: Box<dyn ErasedMailer>,
}

/// What became of a job that has not failed.
pub(super) enum Outcome {
    /// The message was sent, or is no longer needed.
    Done,
    /// The job was withdrawn, or another process has claimed it because our claim had expired.
    NotOurs,
}

/// A message with the token of its link.
struct Prepared {
    mail: Mail,
    token: Option<LinkToken>,
}

impl MailWorker {
    pub(crate) fn new(database: &Pool, recorder: Recorder, templates: MailTemplates, mailer: impl Mailer) -> Self {
        Self {
            users: UserStore::new(database.clone()),
            links: LinkStore::new(database.clone()),
            jobs: MailJobStore::new(database.clone()),
            database: database.clone(),
            recorder,
            templates,
            mailer: Box::new(mailer),
        }
    }

    /// Sends the message of a stored job, unless it is no longer needed. Returns the text of the error if it fails.
    pub(super) async fn run(&self, job: &MailJob) -> Result<Outcome, String> {
        let prepared = self.prepare(job).await.map_err(|error| WithCauses(&error).to_string())?;
        let Prepared { mail, token } = match prepared {
            Ok(prepared) => prepared,
            Err(outcome) => return Ok(outcome),
        };
        let Err(error) = self.send(&mail).await else { return Ok(Outcome::Done) };
        if let Some(token) = token {
            // The next attempt creates another link. A link that stays is harmless: nobody knows its token.
            let _ = self.links.remove(&token).await;
        }
        Err(WithCauses(&error).to_string())
    }

    /// Composes the message and stores its link, unless there is nothing to send.
    async fn prepare(&self, job: &MailJob) -> Result<Result<Prepared, Outcome>, BackendError> {
        let MailJob { kind, username, now, .. } = job;
        let address = EmailAddress::parse(&job.address)
            .ok_or_else(|| BackendError::new("the stored address is not an email address"))?;
        let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
        // From here to the commit, nothing can withdraw the job. A change that withdraws it later also deletes the
        // link.
        if !MailJobStore::hold_in(&mut transaction, job).await? {
            return Ok(Err(Outcome::NotOurs));
        }
        let token = Self::create_link_in(&mut transaction, job, &address).await?;
        transaction.commit().await.map_err(BackendError::new)?;
        let mail = match kind {
            JobKind::EmailChanged => self.templates.email_was_changed(address, username, token.as_ref(), *now),
            JobKind::PasswordReset | JobKind::PasswordSet => {
                self.templates.password_was_reset(address, username, *kind == JobKind::PasswordSet, *now)
            }
            JobKind::ConfirmEmail => match &token {
                Some(token) => self.templates.confirm_email(address, username, token, *now),
                None => return Ok(Err(Outcome::Done)),
            },
        };
        Ok(Ok(Prepared { mail, token }))
    }

    async fn create_link_in(
        transaction: &mut Transaction,
        job: &MailJob,
        address: &EmailAddress,
    ) -> Result<Option<LinkToken>, BackendError> {
        let MailJob { user_id, email_version, now, .. } = job;
        match job.kind {
            JobKind::EmailChanged => {
                LinkStore::create_undo_in(transaction, user_id, address, *email_version, *now).await
            }
            JobKind::ConfirmEmail => {
                LinkStore::create_in(transaction, user_id, LinkPurpose::ConfirmEmail, address, *now).await
            }
            JobKind::PasswordReset | JobKind::PasswordSet => Ok(None),
        }
    }

    /// Sends reset links to the users who have confirmed an address.
    pub(super) async fn send_reset_links(&self, job: ResetRequest) -> Result<(), BackendError> {
        let ResetRequest { address, request } = job;
        for owner in self.users.confirmed_owners(&address).await? {
            let Some(own) = EmailAddress::parse(&owner.email) else { continue };
            let token = self.links.create(&owner.id, LinkPurpose::ResetPassword, &own, request.at).await?;
            let Some(token) = token else { continue };
            self.recorder.record(&owner.id, ActivityKind::ResetSent, &request);
            let mail = self.templates.reset_password(own, &owner.username, &token, request.at);
            if let Err(error) = self.send(&mail).await {
                tracing::error!(event = "mail_failed", subject = mail.subject(), error = %WithCauses(&error));
            }
        }
        Ok(())
    }

    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.mailer.send(mail).await?;
        tracing::info!(event = "mail_sent", subject = mail.subject());
        Ok(())
    }
}
