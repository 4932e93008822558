//! Runs mail jobs: looks up the user, creates the link, and hands the message to the mailer.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack::error::WithCauses;

use super::mailer::ErasedMailer;
use super::{Mail, MailJob, MailTemplates, Mailer};
use crate::activity::{ActivityKind, Recorder, RequestInfo};
use crate::links::{LinkPurpose, LinkStore};
use crate::users::{EmailAddress, UserStore};

/// Runs mail jobs, one at a time.
pub(crate) struct MailWorker {
    users: UserStore,
    links: LinkStore,
    recorder: Recorder,
    templates: MailTemplates,
    mailer: Box<dyn ErasedMailer>,
}

impl MailWorker {
    pub(crate) fn new(
        users: UserStore,
        links: LinkStore,
        recorder: Recorder,
        templates: MailTemplates,
        mailer: impl Mailer,
    ) -> Self {
        Self { users, links, recorder, templates, mailer: Box::new(mailer) }
    }

    pub(super) async fn run(&self, job: MailJob) -> Result<(), BackendError> {
        match job {
            MailJob::ForgotPassword { address, request } => self.send_reset_links(&address, &request).await,
            MailJob::ConfirmEmail { user_id, at } => self.send_confirmation(&user_id, at).await,
            MailJob::PasswordWasReset { user_id, by_operator, at } => {
                let Some(user) = self.users.find_enabled(&user_id).await? else { return Ok(()) };
                if let Some(address) = EmailAddress::parse(&user.email) {
                    self.send(self.templates.password_was_reset(address, &user.username, by_operator, at)).await;
                }
                Ok(())
            }
            MailJob::EmailWasChanged { user_id, username, old_address, email_version, at } => {
                let token = self.links.create_undo(&user_id, &old_address, email_version, at).await?;
                self.send(self.templates.email_was_changed(old_address, &username, token.as_ref(), at)).await;
                Ok(())
            }
        }
    }

    async fn send_reset_links(&self, address: &EmailAddress, request: &RequestInfo) -> Result<(), BackendError> {
        for owner in self.users.confirmed_owners(address).await? {
            let Some(own) = EmailAddress::parse(&owner.email) else { continue };
            let token = self.links.create(&owner.id, LinkPurpose::ResetPassword, &own, request.at).await?;
            let Some(token) = token else { continue };
            self.recorder.record(&owner.id, ActivityKind::ResetSent, request);
            self.send(self.templates.reset_password(own, &owner.username, &token, request.at)).await;
        }
        Ok(())
    }

    async fn send_confirmation(&self, user_id: &str, at: Timestamp) -> Result<(), BackendError> {
        let user = self.users.find_enabled(user_id).await?.filter(|user| !user.email_confirmed);
        let Some(user) = user else { return Ok(()) };
        let Some(address) = EmailAddress::parse(&user.email) else { return Ok(()) };
        if let Some(token) = self.links.create(&user.id, LinkPurpose::ConfirmEmail, &address, at).await? {
            self.send(self.templates.confirm_email(address, &user.username, &token, at)).await;
        }
        Ok(())
    }

    async fn send(&self, mail: Mail) {
        match self.mailer.send(&mail).await {
            Ok(()) => tracing::info!(event = "mail_sent", subject = mail.subject()),
            Err(error) => {
                tracing::error!(event = "mail_failed", subject = mail.subject(), error = %WithCauses(&error));
            }
        }
    }
}
