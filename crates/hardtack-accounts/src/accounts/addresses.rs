//! Profiles and email addresses: changing them, confirming an address, undoing a change.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack::session::EndedSessions;

use super::error::{ActionError, DeadLink, PasswordResetProblem, ProfileChangeProblem, SessionOver, WrongPassword};
use super::password_links::PasswordOwner;
use super::queued_mail::{kill_later_undos_in, kill_links_in};
use super::{Accounts, CheckedSession};
use crate::activity::{ActivityKind, RequestInfo};
use crate::links::{LinkPurpose, LinkStore, LinkToken, LiveLink};
use crate::mail::{JobKind, MailLimit, ResetRequest};
use crate::passwords::TypedPassword;
use crate::users::{EmailAddress, Profile, ProfileChange, User, UserStore, username_key};

/// The current password that was sent along with a profile change.
pub(crate) enum CurrentPassword {
    /// The password is checked even if the address stays the same.
    Always(TypedPassword),
    /// The password is checked only if the address changes.
    ForNewAddress(Option<TypedPassword>),
}

/// What happens to the confirmation link that a new address needs.
pub(crate) enum ConfirmationLink {
    /// No link is sent, because the address is not new, the user has no address, or email is off.
    NotNeeded,
    /// The email with the link was requested.
    Requested,
    /// No link is sent, because too many emails were requested.
    Refused(MailLimit),
}

impl Accounts {
    /// Changes a profile if the result is valid. Fields that the change leaves out are not overwritten, even if another
    /// request changes them at the same time. A new address requires the user's current password, because anyone who
    /// can read mail at that address can reset the password (ASVS 5.0 V7.5.1).
    ///
    /// If email is on, the site sends a confirmation link to a new address. If the old address was confirmed, the site
    /// also sends the old address a link that undoes the change. Both emails are queued in the transaction that stores
    /// the change. Returns the changed user, and what happens to the confirmation link.
    ///
    /// `session` is the result of [`Self::check_session`]. If the session has ended since that check, this method
    /// changes nothing. Without this rule, a thief who has just been logged out could still get a link that restores an
    /// address.
    pub(crate) async fn change_profile(
        &self,
        user: &User,
        change: ProfileChange,
        current_password: CurrentPassword,
        session: &CheckedSession,
        request: &RequestInfo,
    ) -> Result<(User, ConfirmationLink), ActionError<ProfileChangeProblem>> {
        let (profile, fields) = change.apply_to(user).validate();
        if !fields.is_empty() {
            return Err(ActionError::Invalid(ProfileChangeProblem { profile, is_unproven: false, fields }));
        }
        let current_password = match current_password {
            CurrentPassword::ForNewAddress(_) if profile.email == user.email => {
                let name = change.display_name.map(|_| profile.display_name);
                let mut transaction = self.begin_change(session).await?;
                let changed = UserStore::set_display_name_in(&mut transaction, &user.id, name).await?;
                transaction.commit().await.map_err(|error| ActionError::Unknown(BackendError::new(error)))?;
                return Ok((changed.ok_or(SessionOver::Ended)?, ConfirmationLink::NotNeeded));
            }
            CurrentPassword::ForNewAddress(password) => password,
            CurrentPassword::Always(password) => Some(password),
        };
        let unproven = |profile: &Profile| {
            let (profile, fields) = (profile.clone(), Vec::new());
            ActionError::Invalid(ProfileChangeProblem { profile, is_unproven: true, fields })
        };
        let password =
            current_password.filter(|password| !password.normalized().is_empty()).ok_or_else(|| unproven(&profile))?;
        let verified =
            self.verify_password_again(&user.id, session.id, password, request).await.map_err(|error| match error {
                ActionError::Invalid(WrongPassword) => unproven(&profile),
                ActionError::TooMany(refused) => ActionError::TooMany(refused),
                ActionError::SessionOver(over) => ActionError::SessionOver(over),
                ActionError::Busy => ActionError::Busy,
                ActionError::PasswordTable(error) => ActionError::PasswordTable(error),
                ActionError::Backend(error) | ActionError::Unknown(error) => ActionError::Backend(error),
            })?;
        let mut transaction = self.begin_change(session).await?;
        let Some(old) = UserStore::lock_in(&mut transaction, &user.id, verified.version).await? else {
            // Another request has changed the password or disabled the user in the meantime.
            return Err(unproven(&profile));
        };
        let stored = Profile {
            display_name: change.display_name.map_or_else(|| old.display_name.clone(), |_| profile.display_name),
            email: change.email.map_or_else(|| old.email.clone(), |_| profile.email),
        };
        let changed =
            UserStore::set_profile_in(&mut transaction, &user.id, &stored).await?.ok_or(SessionOver::Ended)?;
        let is_new = changed.email != old.email;
        let mut link = ConfirmationLink::NotNeeded;
        if is_new {
            let old_address = EmailAddress::parse(&old.email).filter(|_| old.email_confirmed);
            if let Some(old_address) = &old_address {
                let kind = JobKind::EmailChanged;
                self.queue_mail_in(&mut transaction, kind, &user.id, Some(old_address), request).await?;
            }
            link = match self.queue_mail_in(&mut transaction, JobKind::ConfirmEmail, &user.id, None, request).await? {
                Some(limit) => ConfirmationLink::Refused(limit),
                None if self.sends_mail() && !changed.email.is_empty() => ConfirmationLink::Requested,
                None => ConfirmationLink::NotNeeded,
            };
        }
        transaction.commit().await.map_err(|error| ActionError::Unknown(BackendError::new(error)))?;
        if is_new {
            self.wake_mail();
            self.recorder.record(&user.id, ActivityKind::EmailChanged, request);
        }
        Ok((changed, link))
    }

    /// Queues a request to send a reset link to each user who has confirmed this address. A background task looks up
    /// the users later, so the duration of this call does not depend on whether such a user exists (ASVS 5.0 V6.3.8).
    pub(crate) fn queue_reset(&self, address: EmailAddress, request: RequestInfo) {
        if let Some(mail) = &self.mail {
            mail.push(ResetRequest { address, request });
        }
    }

    /// Returns the link with this token if the link still works. Does not use up the link.
    pub(crate) async fn find_link(
        &self,
        token: &LinkToken,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<LiveLink>, BackendError> {
        self.links.find(token, purpose, now).await
    }

    /// Uses a confirmation link: confirms the address that the link was sent to, and returns the link. Fails if the
    /// user has changed the address since the link was sent, even if the change happens during this call.
    pub(crate) async fn use_confirmation_link(
        &self,
        token: &LinkToken,
        request: &RequestInfo,
    ) -> Result<LiveLink, ActionError<DeadLink>> {
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
        Ok(link)
    }

    /// Uses a link that undoes a change to the email address. Restores the old address, and sets `new_password` if it
    /// is not `None`. If the new password breaks a rule or is the current password, nothing is changed and the link still
    /// works.
    ///
    /// The person who changed the address knew the password and may still be logged in. The transaction that restores
    /// the address therefore also ends the user's sessions, or records that the sessions must end. The user's other
    /// links stop working, except links that restore an even older address.
    pub(crate) async fn use_undo_link(
        &self,
        token: &LinkToken,
        new_password: Option<String>,
        request: &RequestInfo,
    ) -> Result<(PasswordOwner, EndedSessions), ActionError<PasswordResetProblem>> {
        let dead_link = || ActionError::Invalid(PasswordResetProblem::DeadLink);
        let found = self.links.find(token, LinkPurpose::UndoEmail, request.at).await?;
        let link = found.ok_or_else(dead_link)?;
        let hash = match new_password {
            Some(new) => Some(self.hash_new_password(token, &link, new, request.at).await?),
            None => None,
        };
        let mut transaction = self.begin().await?;
        // Another request may have used the link in the meantime.
        if !UserStore::restore_email_in(&mut transaction, &link.user_id, &link.address, request.at).await?
            || !LinkStore::use_up_in(&mut transaction, token).await?
        {
            return Err(dead_link());
        }
        let mut version = link.password_version;
        if let Some(hash) = &hash {
            let replaced = UserStore::replace_password_in(&mut transaction, &link.user_id, hash).await?;
            version = replaced.ok_or_else(dead_link)?;
        }
        kill_links_in(&mut transaction, &link.user_id).await?;
        kill_later_undos_in(&mut transaction, &link).await?;
        let ended = self.session_ends.end_all_in(&mut transaction, &link.user_id).await?;
        if hash.is_some() {
            self.queue_mail_in(&mut transaction, JobKind::PasswordReset, &link.user_id, None, request).await?;
        }
        transaction.commit().await.map_err(|error| ActionError::Unknown(BackendError::new(error)))?;
        self.wake_mail();
        self.recorder.record(&link.user_id, ActivityKind::EmailRestored, request);
        if hash.is_some() {
            self.recorder.record(&link.user_id, ActivityKind::PasswordReset, request);
            self.throttling().clear_account(&username_key(&link.username)).await;
        }
        Ok((PasswordOwner { id: link.user_id, username: link.username, version, is_first: false }, ended))
    }
}
