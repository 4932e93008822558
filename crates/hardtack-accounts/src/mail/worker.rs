//! Composes messages, with their links, and hands them to the mailer.

use hardtack::BackendError;
use hardtack::error::WithCauses;
use hardtack_db::{Pool, Transaction};

use super::job::{MailJob, NewJob};
use super::limits::address_key;
use super::mailer::ErasedMailer;
use super::sent::has_many_warnings_in;
use super::templates::Subject;
use super::{JobKind, Mail, MailJobStore, MailTemplates, Mailer, ResetRequest};
use crate::activity::{ActivityKind, Recorder};
use crate::links::{LinkPurpose, LinkStore, LinkToken};
use crate::users::{EmailAddress, UserStore};

/// Sends the emails of stored jobs, and stores jobs for the reset links that visitors request.
pub(crate) struct MailWorker {
    database: Pool,
    users: UserStore,
    links: LinkStore,
    recorder: Recorder,
    pub(super) jobs: MailJobStore,
    templates: MailTemplates,
    mailer: Box<dyn ErasedMailer>,
}

/// The result of a job that has not failed.
pub(super) enum Outcome {
    /// The message was sent.
    Sent,
    /// The message is no longer needed.
    NotNeeded,
    /// The message is a warning that has to wait, because its recipient has been sent several warnings in the last
    /// hour.
    Later,
    /// The job was withdrawn, or another process has claimed it because our claim had expired.
    NotOurs,
}

/// Why a message was not sent.
pub(super) struct SendFailure {
    /// Whether the mail server is down. If `false`, the message itself may be the problem.
    pub(super) is_outage: bool,
    pub(super) text: String,
}

/// A message that can be sent, and the token of the link in the message, if there is one.
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

    /// Sends the message of a stored job, unless it is no longer needed.
    pub(super) async fn run(&self, job: &MailJob) -> Result<Outcome, SendFailure> {
        let prepared = self.prepare(job).await;
        let prepared =
            prepared.map_err(|error| SendFailure { is_outage: false, text: WithCauses(&error).to_string() })?;
        let Prepared { mail, token } = match prepared {
            Ok(prepared) => prepared,
            Err(outcome) => return Ok(outcome),
        };
        let Err(error) = self.mailer.send(&mail).await else {
            tracing::info!(event = "mail_sent", subject = mail.subject());
            return Ok(Outcome::Sent);
        };
        if let Some(token) = token {
            // The next attempt creates another link. A link that stays is harmless: nobody knows its token.
            let _ = self.links.remove(&token).await;
        }
        Err(SendFailure { is_outage: error.is_outage(), text: WithCauses(&error).to_string() })
    }

    /// Composes the message and stores its link, unless there is nothing to send now.
    async fn prepare(&self, job: &MailJob) -> Result<Result<Prepared, Outcome>, BackendError> {
        let MailJob { kind, username, detail, .. } = job;
        let now = job.now();
        let address = EmailAddress::parse(&job.address)
            .ok_or_else(|| BackendError::new("the stored address is not an email address"))?;
        let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
        // From here to the commit, nothing can withdraw the job. A change that withdraws it later also deletes the
        // link.
        if !MailJobStore::hold_in(&mut transaction, job).await? {
            return Ok(Err(Outcome::NotOurs));
        }
        // The link that undoes a new address never waits. Its recipient cannot be sent many: each change needs an
        // address that was confirmed since the last one.
        if kind.is_warning()
            && *kind != JobKind::EmailChanged
            && has_many_warnings_in(&mut transaction, &address_key(&job.address), now).await?
        {
            return Ok(Err(Outcome::Later));
        }
        let token = Self::create_link_in(&mut transaction, job, &address).await?;
        transaction.commit().await.map_err(BackendError::new)?;
        let about = Subject { kind: *kind, username, detail, token: token.as_ref(), happened_at: job.requested_at };
        let mail = self.templates.compose(address, &about, now);
        Ok(mail.map(|mail| Prepared { mail, token }).ok_or(Outcome::NotNeeded))
    }

    async fn create_link_in(
        transaction: &mut Transaction,
        job: &MailJob,
        address: &EmailAddress,
    ) -> Result<Option<LinkToken>, BackendError> {
        let MailJob { user_id, email_version, .. } = job;
        let now = job.now();
        let purpose = match job.kind {
            JobKind::EmailChanged => {
                return LinkStore::create_undo_in(transaction, user_id, address, *email_version, now).await;
            }
            JobKind::ConfirmEmail => LinkPurpose::ConfirmEmail,
            JobKind::ResetPassword => LinkPurpose::ResetPassword,
            _ => return Ok(None),
        };
        LinkStore::create_in(transaction, user_id, purpose, address, now).await
    }

    /// Queues an email with a reset link to each user who has confirmed the address.
    pub(super) async fn queue_reset_links(&self, asked: &ResetRequest) -> Result<(), BackendError> {
        let ResetRequest { address, request } = asked;
        for owner in self.users.confirmed_owners(address).await? {
            let Some(own) = EmailAddress::parse(&owner.email) else { continue };
            let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
            let job = NewJob {
                kind: JobKind::ResetPassword,
                user_id: &owner.id,
                address: Some(&own),
                detail: "",
                source: &request.source(),
                now: request.at,
            };
            let limit = MailJobStore::add_in(&mut transaction, job).await?;
            transaction.commit().await.map_err(BackendError::new)?;
            match limit {
                None => self.recorder.record(&owner.id, ActivityKind::ResetSent, request),
                Some(limit) => {
                    let (subject, user) = (JobKind::ResetPassword.subject(), &owner.id);
                    let minutes = limit.retry_after.as_secs().div_ceil(60);
                    tracing::info!(
                        event = "mail_limited",
                        subject,
                        user,
                        limit = limit.name(),
                        minutes,
                        "no email was sent, because a limit was reached; the links in earlier emails still work"
                    );
                }
            }
        }
        Ok(())
    }
}
