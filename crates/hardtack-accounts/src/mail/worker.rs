//! Composes messages, with their links, and hands them to the mailer.

use hardtack::BackendError;
use hardtack::error::WithCauses;
use hardtack_db::{Pool, Transaction};

use super::job::{Held, MailJob, NewJob};
use super::mailer::{ErasedMailer, FailureKind};
use super::sent::has_many_warnings_in;
use super::templates::Subject;
use super::{JobKind, Mail, MailJobStore, MailTemplates, Mailer, ResetRequest};
use crate::activity::{ActivityKind, Recorder, RequestInfo};
use crate::flood_log::FloodLog;
use crate::links::{LinkPurpose, LinkStore, LinkToken};
use crate::users::{EmailAddress, UserStore};

/// Sends the emails for stored jobs, and stores jobs for the reset links that visitors request.
pub(crate) struct MailWorker {
    database: Pool,
    users: UserStore,
    links: LinkStore,
    recorder: Recorder,
    pub(super) jobs: MailJobStore,
    templates: MailTemplates,
    mailer: Box<dyn ErasedMailer>,
    limited: FloodLog,
}

/// What happened to a job, unless it failed.
pub(super) enum Outcome {
    /// The message was sent.
    Sent,
    /// The message was counted but not sent, because its recipient has reached a limit.
    Withheld,
    /// The message is no longer needed.
    NotNeeded,
    /// The message is a warning that has to wait, because too many warnings of the same kind were sent to its user in
    /// the last hour.
    Later,
    /// The job was withdrawn, or this process's claim expired and another process has claimed the job.
    NotOurs,
}

/// Why a message was not sent.
pub(super) struct SendFailure {
    /// What the failure means for this message and for other messages.
    pub(super) kind: FailureKind,
    pub(super) text: String,
}

/// A message that is ready to be sent, and the token of the message's link, if it contains one.
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
            limited: FloodLog::new(log_limited),
        }
    }

    /// Returns whether the application has closed the database. No more messages can be sent then.
    pub(super) fn is_database_closed(&self) -> bool {
        self.database.is_closed()
    }

    /// Sends a stored job's message if it is still needed.
    pub(super) async fn run(&self, job: &MailJob) -> Result<Outcome, SendFailure> {
        let prepared = self.prepare(job).await;
        let prepared = prepared.map_err(|error| SendFailure::temporary(WithCauses(&error).to_string()))?;
        let Prepared { mail, token } = match prepared {
            Ok(prepared) => prepared,
            Err(outcome) => return Ok(outcome),
        };
        let Err(error) = self.mailer.send(&mail).await else {
            tracing::info!(event = "mail_sent", subject = mail.subject());
            return Ok(Outcome::Sent);
        };
        if let (Some(token), FailureKind::Outage | FailureKind::Refused) = (token, error.kind()) {
            // The message was certainly not delivered, so its link is of no use. If the removal fails, the link does no
            // harm, because its token was not sent. After any other failure, such as a timeout, the message might have
            // been delivered, so its link must work. The next attempt creates another link.
            let _ = self.links.remove(&token).await;
        }
        Err(SendFailure { kind: error.kind(), text: WithCauses(&error).to_string() })
    }

    /// Composes the message and stores its link. If there is nothing to send now, returns an [`Outcome`] instead.
    async fn prepare(&self, job: &MailJob) -> Result<Result<Prepared, Outcome>, BackendError> {
        let MailJob { kind, username, detail, .. } = job;
        let now = job.now();
        let address = EmailAddress::parse(&job.address)
            .ok_or_else(|| BackendError::new("the recipient's stored address is not an email address"))?;
        let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
        // From here until the commit, other transactions cannot withdraw the job or its link. A later change that
        // withdraws the job also deletes the link.
        let Some(held) = MailJobStore::hold_in(&mut transaction, job).await? else {
            return Ok(Err(Outcome::NotOurs));
        };
        if kind.is_warning() && has_many_warnings_in(&mut transaction, job).await? {
            return Ok(Err(Outcome::Later));
        }
        if job.is_withheld() {
            self.note_limited(*kind, &job.user_id, "address");
            return Ok(Err(Outcome::Withheld));
        }
        let token = Self::create_link_in(&mut transaction, job, &held, &address).await?;
        transaction.commit().await.map_err(BackendError::new)?;
        let about = Subject { kind: *kind, username, detail, token: token.as_ref() };
        let mail = self.templates.compose(address, &about, now);
        Ok(mail.map(|mail| Prepared { mail, token }).ok_or(Outcome::NotNeeded))
    }

    async fn create_link_in(
        transaction: &mut Transaction,
        job: &MailJob,
        held: &Held,
        address: &EmailAddress,
    ) -> Result<Option<LinkToken>, BackendError> {
        let (user_id, now) = (&job.user_id, job.now());
        let purpose = match job.kind {
            JobKind::EmailChanged => {
                let Some(email_version) = held.undoes else { return Ok(None) };
                return LinkStore::create_undo_in(transaction, user_id, address, email_version, now).await;
            }
            JobKind::ConfirmEmail => LinkPurpose::ConfirmEmail,
            JobKind::ResetPassword => LinkPurpose::ResetPassword,
            _ => return Ok(None),
        };
        LinkStore::create_in(transaction, user_id, purpose, address, now).await
    }

    /// Queues an email with a reset link to each user who has confirmed the address. If there is no such user, does the
    /// same work without sending an email.
    pub(super) async fn queue_reset_links(&self, asked: &ResetRequest) -> Result<(), BackendError> {
        let owners = self.users.confirmed_owners(&asked.address).await?;
        for owner in &owners {
            if let Some(own) = EmailAddress::parse(&owner.email) {
                self.queue_reset_link(Some(&owner.id), &own, &asked.request).await?;
            }
        }
        match owners.is_empty() {
            true => self.queue_reset_link(None, &asked.address, &asked.request).await,
            false => Ok(()),
        }
    }

    async fn queue_reset_link(
        &self,
        owner: Option<&str>,
        address: &EmailAddress,
        request: &RequestInfo,
    ) -> Result<(), BackendError> {
        let mut transaction = self.database.begin().await.map_err(BackendError::new)?;
        let kind = JobKind::ResetPassword;
        let user_id = owner.unwrap_or_default();
        let source = request.source();
        let job = NewJob { kind, user_id, address: Some(address), detail: "", source: &source, now: request.at };
        let limit = MailJobStore::add_in(&mut transaction, job).await?.limit_name();
        let sent_to = owner.filter(|_| limit.is_none());
        if sent_to.is_none() {
            MailJobStore::add_empty_in(&mut transaction, &job).await?;
        }
        transaction.commit().await.map_err(BackendError::new)?;
        self.recorder.record_for(sent_to, ActivityKind::ResetSent, request);
        if let (Some(owner), Some(limit)) = (owner, limit) {
            self.note_limited(kind, owner, limit);
        }
        Ok(())
    }

    fn note_limited(&self, kind: JobKind, user: &str, limit: &str) {
        self.limited.add(|| {
            tracing::info!(
                event = "mail_limited",
                subject = kind.subject(),
                user,
                limit,
                "an email was not sent, because a limit was reached; the number of further unsent emails is logged \
                 once a minute"
            );
        });
    }
}

fn log_limited(emails: u64) {
    tracing::info!(
        event = "mail_limited",
        emails,
        seconds = 60,
        "some emails were not sent in the last minute, because limits were reached"
    );
}

impl SendFailure {
    /// Creates a failure after which the server tries later to send the message again. The cause can be the message or
    /// the mail server.
    pub(super) const fn temporary(text: String) -> Self {
        Self { kind: FailureKind::Temporary, text }
    }
}
