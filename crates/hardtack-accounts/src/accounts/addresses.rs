//! Profiles and email addresses: changing them, confirming an address, undoing a change.

use hardtack::clock::Timestamp;
use hardtack::session::EndedSessions;
use hardtack::{BackendError, SessionId};

use super::Accounts;
use super::error::{ActionError, DeadLink, ProfileChangeProblem, WrongPassword};
use super::queued_mail::{kill_later_undos_in, kill_links_in};
use crate::activity::{ActivityKind, RequestInfo};
use crate::links::{LinkPurpose, LinkStore, LinkToken, LiveLink};
use crate::mail::{JobKind, ResetRequest};
use crate::passwords::TypedPassword;
use crate::users::{EmailAddress, Profile, User, UserStore};

impl Accounts {
    /// Stores a profile if it is valid. A new address needs the current password, because anyone who can read mail at
    /// the address can reset the password (ASVS 5.0 V7.5.1). If email is on, the new address is sent a confirmation
    /// link, and the old one, if it was confirmed, a link that undoes the change; both emails are queued in the same
    /// transaction.
    pub(crate) async fn change_profile(
        &self,
        user: &User,
        profile: Profile,
        current_password: Option<TypedPassword>,
        session: Option<SessionId>,
        request: &RequestInfo,
    ) -> Result<User, ActionError<ProfileChangeProblem>> {
        let (profile, fields) = profile.validate();
        if !fields.is_empty() {
            return Err(ActionError::Invalid(ProfileChangeProblem { profile, is_unproven: false, fields }));
        }
        let deleted = || ActionError::Backend(BackendError::new("the user was deleted or disabled in the meantime"));
        if profile.email == user.email {
            let changed = self.users.set_display_name(&user.id, &profile.display_name).await?;
            return changed.ok_or_else(deleted);
        }
        let unproven = |profile: &Profile| {
            let (profile, fields) = (profile.clone(), Vec::new());
            ActionError::Invalid(ProfileChangeProblem { profile, is_unproven: true, fields })
        };
        let password =
            current_password.filter(|password| !password.normalized().is_empty()).ok_or_else(|| unproven(&profile))?;
        let verified = self.verify_again(&user.id, session, password, request).await.map_err(|error| match error {
            ActionError::Invalid(WrongPassword) => unproven(&profile),
            ActionError::TooMany(refused) => ActionError::TooMany(refused),
            ActionError::Busy => ActionError::Busy,
            ActionError::Backend(error) | ActionError::Unknown(error) => ActionError::Backend(error),
        })?;
        let mut transaction = self.begin().await?;
        let Some(old) = UserStore::lock_in(&mut transaction, &user.id, verified.version).await? else {
            // The password was changed concurrently, or the user disabled.
            return Err(unproven(&profile));
        };
        let changed = UserStore::set_profile_in(&mut transaction, &user.id, &profile).await?.ok_or_else(deleted)?;
        let is_new = changed.email != old.email;
        if is_new {
            let old_address = EmailAddress::parse(&old.email).filter(|_| old.email_confirmed);
            if let Some(old_address) = &old_address {
                let kind = JobKind::EmailChanged;
                self.queue_mail_in(&mut transaction, kind, &user.id, Some(old_address), request.at).await?;
            }
            self.queue_mail_in(&mut transaction, JobKind::ConfirmEmail, &user.id, None, request.at).await?;
        }
        transaction.commit().await.map_err(|error| ActionError::Unknown(BackendError::new(error)))?;
        if is_new {
            self.wake_mail();
            self.recorder.record(&user.id, ActivityKind::EmailChanged, request);
        }
        Ok(changed)
    }

    /// Queues a job that sends reset links to the users who have confirmed this address. Takes the same time whether or
    /// not such a user exists, because only the job queries the database (ASVS 5.0 V6.3.8).
    pub(crate) fn forgot_password(&self, address: EmailAddress, request: RequestInfo) {
        if let Some(mail) = &self.mail {
            mail.push(ResetRequest { address, request });
        }
    }

    /// Returns a link that works, without using it up.
    pub(crate) async fn find_link(
        &self,
        token: &LinkToken,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<LiveLink>, BackendError> {
        self.links.find(token, purpose, now).await
    }

    /// Confirms the address that a link was sent to. If the user has changed the address since the link was sent, even
    /// concurrently with this call, no address is confirmed.
    pub(crate) async fn confirm_email(
        &self,
        token: &LinkToken,
        request: &RequestInfo,
    ) -> Result<(), ActionError<DeadLink>> {
        let mut transaction = self.begin().await?;
        let found = LinkStore::find_in(&mut transaction, token, LinkPurpose::ConfirmEmail, request.at).await?;
        let link = found.ok_or(ActionError::Invalid(DeadLink))?;
        if !UserStore::confirm_email_in(&mut transaction, &link.user_id, &link.address, request.at).await?
            || !LinkStore::use_up_in(&mut transaction, token).await?
        {
            return Err(ActionError::Invalid(DeadLink));
        }
        transaction.commit().await.map_err(|error| ActionError::Unknown(BackendError::new(error)))?;
        self.recorder.record(&link.user_id, ActivityKind::EmailConfirmed, request);
        Ok(())
    }

    /// Restores the address that a link was sent to when the address was replaced. The person who replaced it knew the
    /// password, so the same transaction ends the user's sessions or stores the intention to end them. Other links of
    /// the user stop working, except those that restore an even older address.
    pub(crate) async fn undo_email(
        &self,
        token: &LinkToken,
        request: &RequestInfo,
    ) -> Result<EndedSessions, ActionError<DeadLink>> {
        let mut transaction = self.begin().await?;
        let found = LinkStore::find_in(&mut transaction, token, LinkPurpose::UndoEmail, request.at).await?;
        let link = found.ok_or(ActionError::Invalid(DeadLink))?;
        if !UserStore::restore_email_in(&mut transaction, &link.user_id, &link.address, request.at).await?
            || !LinkStore::use_up_in(&mut transaction, token).await?
        {
            return Err(ActionError::Invalid(DeadLink));
        }
        kill_links_in(&mut transaction, &link.user_id).await?;
        kill_later_undos_in(&mut transaction, &link).await?;
        let ended = self.session_ends.end_all_in(&mut transaction, &link.user_id).await?;
        transaction.commit().await.map_err(|error| ActionError::Unknown(BackendError::new(error)))?;
        self.recorder.record(&link.user_id, ActivityKind::EmailRestored, request);
        Ok(ended)
    }
}
