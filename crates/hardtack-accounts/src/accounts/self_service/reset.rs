//! Resets forgotten passwords with links that are sent by email or created by an operator.

use hardtack::session::EndedSessions;
use hardtack::{BackendError, ClientInfo};

use crate::accounts::error::{MailProblem, PasswordResetProblem};
use crate::accounts::{Accounts, ActionError};
use crate::links::LinkToken;
use crate::throttling::Tried;
use crate::users::{EmailAddress, User};

impl Accounts {
    /// Sends a link for setting a new password to every user who has confirmed this address. The link works once and
    /// expires after an hour. It leads to `/password/reset?token=…` on the site whose address was passed to
    /// [`with_mail`](Self::with_mail).
    ///
    /// A background task looks up the user later. This call therefore succeeds, and takes the same time, whether or not
    /// such a user exists (ASVS 5.0 V6.3.8). Show every visitor the same message: if the address is confirmed, a link
    /// is on its way.
    ///
    /// ```
    /// # use hardtack_accounts::{Accounts, ActionError, EmailAddress, MailProblem};
    /// # async fn forgot(accounts: &Accounts, typed: &str, client: &hardtack::ClientInfo)
    /// # -> Result<&'static str, ActionError<MailProblem>> {
    /// let Some(address) = EmailAddress::parse(typed) else { return Ok("Enter an address such as you@site.example.") };
    /// accounts.request_reset(address, client).await?;
    /// Ok("If this address is confirmed for an account, an email with a link is on its way.")
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if email is disabled, or if too many requests have come from the client's address.
    pub async fn request_reset(
        &self,
        address: EmailAddress,
        client: &ClientInfo,
    ) -> Result<(), ActionError<MailProblem>> {
        if !self.sends_mail() {
            return Err(ActionError::Invalid(MailProblem::Off));
        }
        let (request, client) = self.client(client);
        drop(self.throttling().by_address(Tried::ResetRequest, &client, &request).await?);
        self.queue_reset(address, request);
        Ok(())
    }

    /// Returns the user whose password a link can set, or `None` if the link does not work. Does not use up the link.
    /// Show the user's name on the page with the form, so that a person who follows a link for someone else's account
    /// notices the mistake.
    ///
    /// # Errors
    /// The database failed.
    pub async fn user_of_password_link(&self, token: &str, client: &ClientInfo) -> Result<Option<User>, BackendError> {
        let Some(token) = LinkToken::parse(token.trim()) else { return Ok(None) };
        match self.find_password_link(&token, client.authenticator().now()).await? {
            Some(link) => self.find(&link.user_id).await,
            None => Ok(None),
        }
    }

    /// Sets a new password for a link's user. `token` comes from a link that [`request_reset`](Self::request_reset),
    /// [`reset_link`](Self::reset_link) or [`add`](Self::add) created. The link then stops working.
    ///
    /// The transaction that stores the new password also ends all of the user's sessions, or records that they must
    /// end, because someone else may know the old password. Pass the [`EndedSessions`] to
    /// [`Authenticator::finish_ending`](hardtack::Authenticator::finish_ending).
    ///
    /// After the reset, let the user log in with the new password. Do not start a session right away, because the link
    /// only proves that whoever opened it can read the mailbox.
    ///
    /// ```
    /// # use hardtack_accounts::{Accounts, ActionError, PasswordResetProblem};
    /// # async fn reset(accounts: &Accounts, token: &str, new: &str, client: &hardtack::ClientInfo)
    /// # -> Result<&'static str, ActionError<PasswordResetProblem>> {
    /// let ended = accounts.reset_password(token, new, client).await?;
    /// client.authenticator().finish_ending(ended).await;
    /// Ok("Your password has been changed. Log in with the new password.")
    /// # }
    /// ```
    ///
    /// # Errors
    /// - The link no longer works. The failure counts as an attempt from the client's address.
    /// - The new password breaks a rule, or is the current password. The link still works.
    /// - There were too many attempts, too many passwords are being hashed, or the database failed.
    pub async fn reset_password(
        &self,
        token: &str,
        new: impl Into<String>,
        client: &ClientInfo,
    ) -> Result<EndedSessions, ActionError<PasswordResetProblem>> {
        let new = new.into();
        let work = async |token: &LinkToken, request: &_| self.use_password_link(token, new, request).await;
        let (ended, _) = self.use_link(token, client, PasswordResetProblem::DeadLink, work).await?;
        Ok(ended)
    }
}
