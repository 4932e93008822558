//! Changes the profile: the display name and the email address.

use hardtack::session::EndedSessions;
use hardtack::{ClientInfo, VerifiedToken};

use crate::accounts::addresses::CurrentPassword;
use crate::accounts::error::{
    DeadLink, DisplayNameProblem, EmailChangeProblem, MailProblem, PasswordResetProblem, ProfileChangeProblem,
};
use crate::accounts::{Accounts, ActionError, SessionOver};
use crate::links::LinkToken;
use crate::passwords::TypedPassword;
use crate::throttling::Tried;
use crate::users::{ProfileChange, User};

impl Accounts {
    /// Changes the logged-in user's display name. An empty name removes the display name.
    ///
    /// # Errors
    /// Returns an error if the name is longer than 80 characters or contains a control character, if the session has
    /// ended, or if the database failed.
    pub async fn set_display_name<T: Sync>(
        &self,
        token: &VerifiedToken<T>,
        name: &str,
        client: &ClientInfo,
    ) -> Result<User, ActionError<DisplayNameProblem>> {
        let user = self.find(token.subject()).await?.ok_or(SessionOver::Ended)?;
        let (request, _) = self.client(client);
        let change = ProfileChange { display_name: Some(name.to_owned()), email: None };
        let session = self.checked_session(token, client).await?;
        let password = CurrentPassword::ForNewAddress(None);
        let changed = self.change_profile(&user, change, password, &session, &request).await;
        let (changed, _) = changed.map_err(|error| {
            error.map_invalid(|ProfileChangeProblem { fields, .. }| {
                DisplayNameProblem(fields.first().map_or("Enter a shorter name.", |field| field.text))
            })
        })?;
        Ok(changed)
    }

    /// Changes the logged-in user's email address. The user must enter the password (ASVS 5.0 V7.5.1), even if the
    /// address stays the same. An empty address removes the email address.
    ///
    /// If email is enabled, a confirmation link is sent to the new address. If the old address was confirmed, a link
    /// that undoes the change is sent to the old address. These emails are queued in the same transaction that stores
    /// the change. The user stays logged in.
    ///
    /// ```
    /// # use hardtack_accounts::{Accounts, ActionError, EmailChangeProblem, User};
    /// # async fn change(accounts: &Accounts, auth: hardtack_axum::Auth, token: hardtack_axum::AccessToken)
    /// # -> Result<User, ActionError<EmailChangeProblem>> {
    /// accounts.change_email(&token, "alice@site.example", "correct horse battery staple", &auth.client_info()).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// - The new address is not a valid email address, or the password is wrong. Nothing was changed.
    /// - There were too many attempts in this session, or the session has ended.
    /// - Too many passwords are being checked, or the database failed.
    pub async fn change_email<T: Sync>(
        &self,
        token: &VerifiedToken<T>,
        email: &str,
        password: impl Into<String>,
        client: &ClientInfo,
    ) -> Result<User, ActionError<EmailChangeProblem>> {
        let password = TypedPassword::new(password.into());
        let password = password.map_err(|_| ActionError::Invalid(EmailChangeProblem::WrongCurrent))?;
        let user = self.find(token.subject()).await?.ok_or(SessionOver::Ended)?;
        let (request, _) = self.client(client);
        let change = ProfileChange { display_name: None, email: Some(email.to_owned()) };
        let session = self.checked_session(token, client).await?;
        let password = CurrentPassword::Always(password);
        let changed = self.change_profile(&user, change, password, &session, &request).await;
        let (changed, _) = changed.map_err(|error| {
            error.map_invalid(|problem| match problem.is_unproven {
                true => EmailChangeProblem::WrongCurrent,
                false => EmailChangeProblem::InvalidEmail,
            })
        })?;
        Ok(changed)
    }

    /// Sends another confirmation link (`/email/confirm?token=…`) to the logged-in user's email address. Does nothing
    /// if the user has no email address, or if the address is already confirmed.
    ///
    /// # Errors
    /// Returns an error if email is disabled, too many emails were requested, or the database failed.
    pub async fn send_confirmation<T: Sync>(
        &self,
        token: &VerifiedToken<T>,
        client: &ClientInfo,
    ) -> Result<(), ActionError<MailProblem>> {
        if !self.sends_mail() {
            return Err(ActionError::Invalid(MailProblem::Off));
        }
        let user = self.find(token.subject()).await?.ok_or(SessionOver::Ended)?;
        let (request, _) = self.client(client);
        drop(self.throttling().by_user(Tried::ConfirmationRequest, &user.id, &request).await?);
        match self.queue_confirmation(&user, &request).await? {
            None => Ok(()),
            Some(limit) => {
                let (sentence, retry_after) = (limit.explain(&user.email), limit.retry_after);
                Err(ActionError::Invalid(MailProblem::Limit { sentence, retry_after }))
            }
        }
    }

    /// Confirms an email address with the token from a link. The link then stops working. Returns the user's id.
    ///
    /// Call this method only in a POST handler. Programs that scan emails open the links in them, so a GET handler
    /// would confirm the address without the user doing anything.
    ///
    /// # Errors
    /// - The link no longer works. The failure counts as an attempt from the client's address.
    /// - There were too many attempts, or the database failed.
    pub async fn confirm_email(&self, token: &str, client: &ClientInfo) -> Result<String, ActionError<DeadLink>> {
        let work = async |token: &LinkToken, request: &_| self.use_confirmation_link(token, request).await;
        Ok(self.use_link(token, client, DeadLink, work).await?.user_id)
    }

    /// Restores the old email address after someone has changed it. `token` comes from the link that was sent to the
    /// old address (`/email/undo?token=…`). If `new_password` is set, it becomes the user's password. It is best to set
    /// a new password, because whoever changed the address knew the old password.
    ///
    /// The same transaction ends all of the user's sessions, or records that they must end. Pass the [`EndedSessions`]
    /// to [`Authenticator::finish_ending`](hardtack::Authenticator::finish_ending).
    ///
    /// # Errors
    /// - The link no longer works. The failure counts as an attempt from the client's address.
    /// - The new password breaks a rule, or is the current password. Nothing was changed, and the link still works.
    /// - There were too many attempts, too many passwords are being hashed, or the database failed.
    pub async fn undo_email(
        &self,
        token: &str,
        new_password: Option<String>,
        client: &ClientInfo,
    ) -> Result<EndedSessions, ActionError<PasswordResetProblem>> {
        let work = async |token: &LinkToken, request: &_| self.use_undo_link(token, new_password, request).await;
        let (_, ended) = self.use_link(token, client, PasswordResetProblem::DeadLink, work).await?;
        Ok(ended)
    }
}
