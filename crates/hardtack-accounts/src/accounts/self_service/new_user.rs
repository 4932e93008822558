//! Signs up users.

use std::fmt;

use hardtack::clock::{Clock, SystemClock, Timestamp};
use hardtack::{ClientInfo, LogIn};

use super::Browser;
use crate::accounts::error::SignUpProblems;
use crate::accounts::{Accounts, ActionError};
use crate::activity::RequestInfo;
use crate::mail::MailLimit;
use crate::throttling::{KnownUser, Tried};
use crate::users::{FIRST_PASSWORD, User};

/// A new user to pass to [`Accounts::sign_up`] or [`Accounts::sign_up_by`].
///
/// ```
/// use hardtack_accounts::NewUser;
///
/// let alice = NewUser::named("alice").password("correct horse battery staple").email("alice@site.example");
/// ```
#[derive(Clone)]
#[must_use = "pass it to `Accounts::sign_up`"]
pub struct NewUser {
    username: String,
    password: String,
    email: String,
    created_at: Option<Timestamp>,
}

impl NewUser {
    /// Creates a user with this name. The user has no password and no email address yet. The name must obey the
    /// [`NameRules`](crate::NameRules).
    pub fn named(username: impl Into<String>) -> Self {
        Self { username: username.into(), password: String::new(), email: String::new(), created_at: None }
    }

    /// Sets the password, which is required. The password must obey the [`PasswordRules`](crate::PasswordRules). To let
    /// the user choose the password, call [`Accounts::add`] instead, which returns a link.
    pub fn password(self, password: impl Into<String>) -> Self {
        Self { password: password.into(), ..self }
    }

    /// Sets the email address, which is unconfirmed at first. If email is turned on, a confirmation link is sent to the
    /// address.
    pub fn email(self, email: impl Into<String>) -> Self {
        Self { email: email.into(), ..self }
    }

    /// Sets when the user signed up. The default is the current time. [`Accounts::sign_up_by`] ignores this value and
    /// uses the time of the request.
    pub fn created_at(self, at: Timestamp) -> Self {
        Self { created_at: Some(at), ..self }
    }
}

/// Omits the password.
impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A user who has just signed up. To log the user in, pass this value to `Auth::log_in`.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedUp {
    /// The user.
    pub user: User,
    limit: Option<MailLimit>,
    browser: Browser,
}

impl SignedUp {
    /// Returns a sentence to show to the user if no confirmation link is sent because the user or the client has
    /// requested too many emails. Returns `None` if the link is sent, if the user has not entered an address, or if
    /// email is turned off.
    pub fn mail_problem(&self) -> Option<String> {
        self.limit.as_ref().map(|limit| limit.explain(&self.user.email))
    }
}

/// The log-in also sets a cookie that marks the browser as one that the user has used before.
impl From<SignedUp> for LogIn {
    fn from(SignedUp { user, browser, .. }: SignedUp) -> Self {
        Self::new(user.id.clone()).confirm(async move || Ok(browser.cookie(&KnownUser::of(&user, FIRST_PASSWORD))))
    }
}

impl Accounts {
    /// Adds a user. This method is for programs and tests that create users, so it does not limit how many users are
    /// created. To sign up a user in response to a client's request, call [`sign_up_by`](Self::sign_up_by) instead.
    ///
    /// ```
    /// # async fn seed(accounts: hardtack_accounts::Accounts) -> Result<(), Box<dyn std::error::Error>> {
    /// use hardtack_accounts::NewUser;
    ///
    /// let alice = accounts.sign_up(NewUser::named("alice").password("correct horse battery staple")).await?;
    /// assert_eq!(accounts.find(&alice.id).await?, Some(alice));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// - The name, the password or the address breaks a rule, or the name is taken.
    /// - Too many passwords are being hashed, or the database failed.
    pub async fn sign_up(&self, new: NewUser) -> Result<User, ActionError<SignUpProblems>> {
        let at = new.created_at.unwrap_or_else(|| SystemClock.now());
        Ok(self.store(new, &RequestInfo::without_client(at)).await?.0)
    }

    /// Signs up a user in response to a client's request. The number of users that can be created from one client
    /// address is limited ([`LogInLimits::address`](crate::LogInLimits::address)).
    ///
    /// Before you call this method, reject cross-site requests with `Auth::require_pre_session`. Afterward, log the
    /// user in:
    ///
    /// ```
    /// use axum::{Form, extract::State, response::{IntoResponse, Redirect, Response}};
    /// use hardtack_accounts::{Accounts, ActionError, NewUser};
    /// use hardtack_axum::{Auth, AuthError, Credentials};
    ///
    /// async fn sign_up(State(accounts): State<Accounts>, auth: Auth, Form(typed): Form<Credentials>)
    /// -> Result<Response, AuthError> {
    ///     auth.require_pre_session()?;
    ///     let new = NewUser::named(typed.username).password(typed.password);
    ///     match accounts.sign_up_by(new, &auth.client_info()).await {
    ///         Ok(signed_up) => Ok((auth.log_in(signed_up).await?, Redirect::to("/")).into_response()),
    ///         Err(ActionError::Invalid(problems)) => Ok(problems.to_string().into_response()), // your form again
    ///         Err(error) => Err(auth.refuse(error)),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// - The name, the password or the address breaks a rule, or the name is taken.
    /// - Too many users have been created from the client's address.
    /// - Too many passwords are being hashed, or the database failed.
    pub async fn sign_up_by(&self, new: NewUser, client: &ClientInfo) -> Result<SignedUp, ActionError<SignUpProblems>> {
        let browser = self.browser(client);
        // Count successful sign-ups, too, because the number of users that an address can create is limited.
        drop(self.throttling().by_address(Tried::SignUp, &browser.client, &browser.request).await?);
        let (user, limit) = self.store(new, &browser.request).await?;
        Ok(SignedUp { user, limit, browser })
    }

    async fn store(
        &self,
        new: NewUser,
        request: &RequestInfo,
    ) -> Result<(User, Option<MailLimit>), ActionError<SignUpProblems>> {
        let NewUser { username, password, email, .. } = new;
        self.store_new_user(&username, &email, password, request).await
    }
}
