//! Verifies passwords, for a log-in or a re-authentication.

use std::sync::Arc;

use hardtack::clock::{Clock, SystemClock};
use hardtack::refusal::Reason;
use hardtack::{Authenticator, ClientInfo, LogIn, SetCookies, VerifiedToken};

use crate::accounts::error::WrongPassword;
use crate::accounts::passwords::VerifiedPassword;
use crate::accounts::{Accounts, ActionError};
use crate::activity::RequestInfo;
use crate::passwords::TypedPassword;
use crate::settings::SiteSettings;
use crate::throttling::{Client, KnownUser};

/// A user whose password has just been verified. Pass it to `Auth::log_in`, or to `LogInForm::log_in`.
///
/// Logging in with this value does three things that logging in with only the user's id does not do:
/// - If the password is changed or the user is disabled before the session is stored, the log-in is refused.
/// - The log-in sets a cookie that shows that the user has logged in from this browser before. Strangers therefore
///   cannot use up this browser's attempts.
/// - If email is enabled and the user has never logged in from this browser before, an email tells the user about the
///   log-in.
///
/// To add claims or to set `remember`, first convert the value into a `LogIn`:
///
/// ```
/// # fn example(user: hardtack_accounts::VerifiedUser) -> hardtack::LogIn {
/// hardtack::LogIn::from(user).remember(true).claim("shop", "corner")
/// # }
/// ```
#[derive(Debug)]
#[must_use = "pass it to `Auth::log_in` or `Auth::reauthenticate`"]
pub struct VerifiedUser {
    accounts: Accounts,
    verified: VerifiedPassword,
    browser: Option<Browser>,
}

/// The browser that a user logs in with. See [`Accounts::browser`].
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    pub(crate) request: RequestInfo,
    pub(crate) client: Client,
    pub(crate) authenticator: Authenticator,
    pub(crate) settings: Arc<SiteSettings>,
}

impl Browser {
    /// Returns a cookie that marks this browser as one that the user has logged in with.
    pub(super) fn cookie(&self, user: &KnownUser<'_>) -> SetCookies {
        self.client.devices.cookie(user, &self.authenticator, &self.settings)
    }
}

impl VerifiedUser {
    pub(crate) const fn new(accounts: Accounts, verified: VerifiedPassword, browser: Option<Browser>) -> Self {
        Self { accounts, verified, browser }
    }

    /// Returns the user's id, which is the `sub` of the user's tokens.
    pub fn id(&self) -> &str {
        &self.verified.user_id
    }

    /// Returns the user's name. The user might have typed this name in a different case.
    pub fn username(&self) -> &str {
        &self.verified.username
    }

    /// Checks that the log-in is still valid after its session has been stored, and returns the cookie for the browser.
    async fn confirm(self) -> Result<SetCookies, Reason> {
        let Self { accounts, verified, browser } = self;
        if !accounts.is_still_valid(&verified).await? {
            // The password was changed or the user was disabled during the log-in.
            return Err(WrongPassword.to_string().into());
        }
        let Some(browser) = browser else { return Ok(SetCookies::default()) };
        if !browser.client.devices.know(&verified.user_id) {
            accounts.warn_of_new_device(&verified.user_id, &browser.request).await;
        }
        Ok(browser.cookie(&KnownUser {
            id: &verified.user_id,
            username: &verified.username,
            password_version: verified.version,
            keeps_device: verified.by_known_device,
        }))
    }
}

impl From<VerifiedUser> for LogIn {
    fn from(user: VerifiedUser) -> Self {
        Self::new(user.id()).confirm(async move || user.confirm().await)
    }
}

impl Accounts {
    /// Verifies the user name and password for a log-in. Attempts are limited per account and per client address. The
    /// ready-made log-in page shares these limits ([`LogInLimits`](crate::LogInLimits)). Attempts with the correct
    /// password do not count.
    ///
    /// A log-in takes the same time and returns the same error for an unknown name, a disabled user and a wrong
    /// password (ASVS 5.0 V6.3.8). An attempt with a wrong password shows up in the recent activity that the user sees.
    ///
    /// ```
    /// use axum::{extract::State, response::Response};
    /// use hardtack_accounts::Accounts;
    /// use hardtack_axum::{AuthError, Credentials, LogInForm}; // or hardtack_actix
    ///
    /// async fn log_in(State(accounts): State<Accounts>, typed: LogInForm<Credentials>) -> Result<Response, AuthError> {
    ///     let Credentials { username, password, .. } = &typed.form;
    ///     match accounts.verify_password(username, password, &typed.client_info()).await {
    ///         Ok(user) => typed.log_in(user).await,
    ///         Err(error) => Err(typed.refuse(error)),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// - The name and the password do not match, or the user is disabled.
    /// - There were too many attempts.
    /// - Too many passwords are being checked, or the database failed.
    pub async fn verify_password(
        &self,
        username: &str,
        password: impl Into<String>,
        client: &ClientInfo,
    ) -> Result<VerifiedUser, ActionError<WrongPassword>> {
        let password = typed(password)?;
        let browser = self.browser(client);
        let verified = self.verify_log_in(username, password, &browser.request, &browser.client).await?;
        Ok(VerifiedUser::new(self.clone(), verified, Some(browser)))
    }

    /// Verifies a user name and password as [`verify_password`](Self::verify_password) does, but without limits. Anyone
    /// who can trigger a call can try passwords as fast as the server can hash them. Use this method only where
    /// something else limits the attempts, or where only you can call it, as in a test.
    ///
    /// # Errors
    /// - The name and the password do not match, or the user is disabled.
    /// - Too many passwords are being checked, or the database failed.
    pub async fn insecure_verify_password_unthrottled(
        &self,
        username: &str,
        password: impl Into<String>,
    ) -> Result<VerifiedUser, ActionError<WrongPassword>> {
        let request = RequestInfo::without_client(SystemClock.now());
        let verified = self.verify_log_in_unthrottled(username, typed(password)?, &request).await?;
        Ok(VerifiedUser::new(self.clone(), verified, None))
    }

    /// Verifies the logged-in user's password, for a re-authentication. The number of attempts in each session is
    /// limited, so a thief with a copied cookie cannot guess many passwords. Attempts with the correct password do not
    /// count.
    ///
    /// ```
    /// use axum::{extract::State, response::Response};
    /// use hardtack_accounts::Accounts;
    /// use hardtack_axum::{AuthError, Credentials, ReauthenticationForm}; // or hardtack_actix
    ///
    /// async fn reauthenticate(
    ///     State(accounts): State<Accounts>,
    ///     typed: ReauthenticationForm<Credentials>,
    /// ) -> Result<Response, AuthError> {
    ///     let password = &typed.form.password;
    ///     match accounts.verify_password_of(typed.token(), password, &typed.client_info()).await {
    ///         Ok(user) => typed.reauthenticate(user.id()).await,
    ///         Err(error) => Err(typed.refuse(error)),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// - The password is wrong, or the user was disabled or deleted.
    /// - There were too many attempts in this session.
    /// - Too many passwords are being checked, or the database failed.
    pub async fn verify_password_of<T: Sync>(
        &self,
        token: &VerifiedToken<T>,
        password: impl Into<String>,
        client: &ClientInfo,
    ) -> Result<VerifiedUser, ActionError<WrongPassword>> {
        let password = typed(password)?;
        let browser = self.browser(client);
        let verified = self.verify_password_again(token.subject(), token.session(), password, &browser.request).await?;
        Ok(VerifiedUser::new(self.clone(), verified, Some(browser)))
    }
}

/// Refuses a password that is longer than any stored password can be, without looking up the user.
fn typed(password: impl Into<String>) -> Result<TypedPassword, ActionError<WrongPassword>> {
    TypedPassword::new(password.into()).map_err(|_| ActionError::Invalid(WrongPassword))
}
