//! Changes the password of a user who is logged in.

use hardtack::session::EndedSessions;
use hardtack::{ClientInfo, VerifiedToken};

use crate::accounts::error::PasswordChangeProblem;
use crate::accounts::{Accounts, ActionError};

impl Accounts {
    /// Changes the password of the logged-in user. The user must enter the current password (ASVS 5.0 V6.2.3). The
    /// transaction that changes the password also ends the user's other sessions, or records that they must end. The
    /// user's reset and confirmation links stop working, and an email tells the user about the change.
    ///
    /// Pass the [`EndedSessions`] to `Auth::renew`, which replaces this browser's session with a new one:
    ///
    /// ```
    /// use axum::{Form, extract::State, response::{IntoResponse, Redirect}};
    /// use hardtack_accounts::Accounts;
    /// use hardtack_axum::{AccessToken, Auth, AuthError};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Passwords { current: String, new: String }
    ///
    /// async fn change(State(accounts): State<Accounts>, token: AccessToken, auth: Auth, Form(typed): Form<Passwords>)
    /// -> Result<impl IntoResponse, AuthError> {
    ///     let changed = accounts.change_password(&token, typed.current, typed.new, &auth.client_info()).await;
    ///     let ended = changed.map_err(|error| auth.refuse(error))?;
    ///     Ok((auth.renew(ended).await?, Redirect::to("/account")))
    /// }
    /// ```
    ///
    /// # Errors
    /// - The current password is wrong, or the new password breaks a rule or is the current one. Nothing was changed.
    /// - An earlier request in this session has already set the new password, for example because the browser sent the
    ///   form twice ([`AlreadyChanged`](PasswordChangeProblem::AlreadyChanged)).
    /// - There were too many attempts in this session, or the session has ended.
    /// - Too many passwords are being checked, or the database failed.
    pub async fn change_password<T: Sync>(
        &self,
        token: &VerifiedToken<T>,
        current: impl Into<String>,
        new: impl Into<String>,
        client: &ClientInfo,
    ) -> Result<EndedSessions, ActionError<PasswordChangeProblem>> {
        let (current, new) = (current.into(), new.into());
        let (request, _) = self.client(client);
        let user = self.find(token.subject()).await?;
        let user = user.ok_or(ActionError::Invalid(PasswordChangeProblem::WrongCurrent))?;
        let session = self.checked_session(token, client).await?;
        let (ended, _) = self.store_password_change(&user, current, new, &session, &request).await?;
        Ok(ended)
    }
}
