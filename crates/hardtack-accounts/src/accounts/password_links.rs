//! Sets passwords with links that were sent by email or created by an operator.

use hardtack::BackendError;
use hardtack::clock::Timestamp;
use hardtack::session::EndedSessions;

use super::Accounts;
use super::error::{ActionError, PasswordResetProblem};
use super::queued_mail::{kill_links_in, kill_sent_links_in};
use crate::activity::{ActivityKind, RequestInfo};
use crate::links::{LinkPurpose, LinkStore, LinkToken, LiveLink};
use crate::mail::JobKind;
use crate::passwords::{PasswordProblem, TypedPassword, Verdict};
use crate::throttling::KnownUser;
use crate::users::{UserStore, username_key};

/// The user whose password was reset.
pub(crate) struct PasswordOwner {
    pub(crate) id: String,
    pub(crate) username: String,
    /// The version of the new password.
    pub(crate) version: i64,
    /// Whether an operator added this user, and this is the user's first password.
    pub(crate) is_first: bool,
}

impl PasswordOwner {
    /// Describes the user for the device cookie, which marks a device as known to the site. The device gets a new id,
    /// so its attempt counter starts from zero.
    pub(crate) fn known(&self) -> KnownUser<'_> {
        KnownUser { id: &self.id, username: &self.username, password_version: self.version, keeps_device: false }
    }
}

impl Accounts {
    /// Sets a new password with a link that was sent by email or created by an operator. The link then stops working.
    /// The transaction that stores the password also ends the user's sessions, or records that they must end. If the
    /// password breaks a rule or is the current password, nothing is changed and the link still works.
    pub(crate) async fn use_password_link(
        &self,
        token: &LinkToken,
        new: String,
        request: &RequestInfo,
    ) -> Result<(EndedSessions, PasswordOwner), ActionError<PasswordResetProblem>> {
        let dead_link = || ActionError::Invalid(PasswordResetProblem::DeadLink);
        let link = self.find_password_link(token, request.at).await?.ok_or_else(dead_link)?;
        let hash = self.hash_new_password(token, &link, new, request.at).await?;
        let mut transaction = self.begin().await?;
        let id = &link.user_id;
        let version = link.password_version;
        let by_operator = link.purpose == LinkPurpose::SetPassword;
        let address = (!by_operator).then_some(link.address.as_str());
        if !UserStore::reset_password_in(&mut transaction, id, &hash, version, address).await?
            || !LinkStore::use_up_in(&mut transaction, token).await?
        {
            return Err(dead_link());
        }
        match by_operator {
            // Whoever uses an operator's link becomes the owner of the account. Delete the undo links as well, because
            // a thief may control the former address.
            true => kill_sent_links_in(&mut transaction, id).await?,
            false => kill_links_in(&mut transaction, id).await?,
        }
        let ended = self.session_ends.end_all_in(&mut transaction, id).await?;
        let (letter, activity) = match by_operator {
            true => (JobKind::PasswordSet, ActivityKind::PasswordSet),
            false => (JobKind::PasswordReset, ActivityKind::PasswordReset),
        };
        self.queue_mail_in(&mut transaction, letter, id, None, request).await?;
        self.commit_password(transaction, id, &hash).await?;
        self.wake_mail();
        self.recorder.record(id, activity, request);
        // Earlier guesses at this user's password must not prevent the user from logging in with the new password.
        self.throttling().clear_account(&username_key(&link.username)).await;
        let is_first = link.is_first_password;
        Ok((ended, PasswordOwner { id: link.user_id, username: link.username, version: version + 1, is_first }))
    }

    /// Finds a link that sets a password, whether sent by email or created by an operator. The link can still be used
    /// afterwards.
    pub(crate) async fn find_password_link(
        &self,
        token: &LinkToken,
        now: Timestamp,
    ) -> Result<Option<LiveLink>, BackendError> {
        match self.links.find(token, LinkPurpose::ResetPassword, now).await? {
            Some(link) => Ok(Some(link)),
            None => self.links.find(token, LinkPurpose::SetPassword, now).await,
        }
    }

    /// Checks a new password that is to be set with `link`, and returns its hash. Refuses the current password: a user
    /// who resets the password because someone else knows it would otherwise believe that it has changed.
    pub(super) async fn hash_new_password(
        &self,
        token: &LinkToken,
        link: &LiveLink,
        new: String,
        now: Timestamp,
    ) -> Result<String, ActionError<PasswordResetProblem>> {
        let new = self.check_new_password(new, self.words_of(link).await?).await;
        let new = new.map_err(|error| error.map_invalid(PasswordResetProblem::InvalidNew))?;
        if self.is_current_password(&link.user_id, &new).await? {
            // If the browser sent the form twice, the other request may have used the link to set this password.
            let is_used = self.links.find(token, link.purpose, now).await?.is_none();
            return Err(ActionError::Invalid(match is_used {
                true => PasswordResetProblem::DeadLink,
                false => PasswordResetProblem::InvalidNew(PasswordProblem::Unchanged),
            }));
        }
        Ok(self.hasher.hash(new).await?)
    }

    /// Returns whether `new` is the user's current password. This does not help an attacker to guess the password,
    /// because every wrong guess becomes the new password and uses up the link.
    async fn is_current_password(&self, user_id: &str, new: &str) -> Result<bool, ActionError<PasswordResetProblem>> {
        let found = self.users.credentials_by_id(user_id).await?;
        let (Some(found), Ok(new)) = (found, TypedPassword::new(new.to_owned())) else { return Ok(false) };
        Ok(self.hasher.verify(new, Some(found.password_hash)).await? != Verdict::Wrong)
    }

    /// Returns the words that the new password must not be based on: the user's name, the user's address, and the
    /// address that the link was sent to. The two addresses can differ.
    async fn words_of(&self, link: &LiveLink) -> Result<Vec<String>, BackendError> {
        let user = self.users.find_enabled(&link.user_id).await?;
        let email = user.map(|user| user.email).unwrap_or_default();
        Ok(vec![link.username.clone(), link.address.clone(), email])
    }
}
