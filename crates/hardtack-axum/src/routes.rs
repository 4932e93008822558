//! Ready-made handlers for the log-in flow, with plain pages.
//!
//! [`password_log_in`] returns a router with all handlers in this module. To replace some of the routes, build your own
//! router from the handlers in this module and your own handlers. See [`PasswordLogIn`] for an example.
//!
//! | method | path | handler |
//! | --- | --- | --- |
//! | GET | [`/login`](hardtack::Urls::login) | [`log_in_page`] |
//! | POST | `/login` | [`PasswordLogIn::log_in`] |
//! | GET | [`/logout`](hardtack::Urls::logout) | [`log_out_page`] |
//! | POST | `/logout` | [`log_out`] |
//! | GET | [`/reauthenticate`](hardtack::Urls::reauthenticate) | [`reauthentication_page`] |
//! | POST | `/reauthenticate` | [`PasswordLogIn::reauthenticate`] |
//! | GET, POST | [`/token/refresh`](hardtack::Urls::refresh) | [`refresh`] |
//!
//! To change these paths, call [`AuthenticatorBuilder::urls`](hardtack::AuthenticatorBuilder::urls). The pages have no
//! scripts and are in English.

use std::error::Error;
use std::fmt;

use axum::Router;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use hardtack::throttle::{Attempt, Throttle};
use hardtack::{Authenticator, BackendError, FailureKind, LogIn, Need, Urls};

pub use hardtack::Credentials;

use crate::{AccessToken, Auth, AuthError, LogInForm, ReauthenticationForm};

/// The text shown for an unknown user or a wrong password. Because the text is the same in both cases, it does not
/// reveal which users exist.
const NO_MATCH: &str = "That user name and password do not match.";

/// The text shown to a logged-in user who enters a wrong password. The text is the same if the user enters another
/// user's name and password. If the texts differed, anyone with an account could test guesses at other users'
/// passwords.
const NO_MATCH_AGAIN: &str =
    "That user name and password do not match, or you are logged in as another user. To switch users, log out first.";

/// Returns a router with the routes for logging in with a user name and a password. `check` checks the submitted user
/// name and password: see [`PasswordLogIn`].
///
/// Merge this router into your own router, and then add [`AuthLayer`](crate::AuthLayer) to the merged router, so that
/// it wraps the routes of both.
///
/// ```
/// use axum::{Router, routing::get};
/// use hardtack_axum::{prelude::*, routes::{self, Credentials}};
///
/// async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
///     let matches = typed.username == "alice" && typed.password == "correct horse battery staple"; // yours
///     Ok(matches.then_some(typed.username))
/// }
///
/// fn app(auth: Authenticator) -> Router {
///     Router::new()
///         .route("/", get(async |token: AccessToken| format!("Hello, {}", token.subject())))
///         .merge(routes::password_log_in(&auth, check))
///         .layer(AuthLayer::new(auth))
/// }
/// ```
pub fn password_log_in<S, C, F, L, E>(auth: &Authenticator, check: C) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    C: Fn(Credentials) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Option<L>, E>> + Send + 'static,
    L: Into<LogIn> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
{
    PasswordLogIn::new(auth, check).router()
}

/// The log-in handlers, which check passwords by calling a function that the application provides.
///
/// The function gets the [`Credentials`] that the user typed. If the password is right, the function returns the user's
/// id or a [`LogIn`]. If the user name and password do not match, it returns `None`. If it cannot check the password,
/// for example because the database did not respond, it returns an error. The user then gets a 503 response, and the
/// error is logged.
///
/// Attempts are limited per account and per client address: see [`Auth::take_log_in_attempt`]. A browser in which the
/// user has logged in before has its own budget, so a stranger's attempts cannot keep the user from logging in with
/// this browser. When a logged-in user re-enters the password, the attempt counts against the session's own budget: see
/// [`Auth::take_reauthentication_attempt`].
///
/// By default, each process counts only the attempts that it handles itself. If the server is behind a proxy, set
/// [`trusted_proxies`](hardtack::AuthenticatorBuilder::trusted_proxies). Otherwise, all clients appear to have the
/// proxy's address and share one budget.
///
/// The function should take as long for an unknown user as it does for a wrong password. Otherwise, the response time
/// reveals which users exist. For example, if the user does not exist, verify the password against a fixed hash.
///
/// ```
/// use axum::{Router, routing::get};
/// use hardtack_axum::{prelude::*, routes::{self, Credentials, PasswordLogIn}};
///
/// async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
///     let matches = typed.username == "alice" && typed.password == "correct horse battery staple"; // yours
///     Ok(matches.then_some(typed.username))
/// }
///
/// # async fn own_log_in_page() {}
/// // All routes are ready-made, except for the page with the form.
/// fn routes(auth: &Authenticator) -> Router {
///     let password = PasswordLogIn::new(auth, check);
///     let again = password.clone();
///     let (log_in, reauthenticate) = (
///         async move |typed| password.log_in(typed).await,
///         async move |typed| again.reauthenticate(typed).await,
///     );
///     Router::new()
///         .route("/login", get(own_log_in_page).post(log_in))
///         .route("/reauthenticate", get(routes::reauthentication_page).post(reauthenticate))
///         .route("/logout", get(routes::log_out_page).post(routes::log_out))
///         .route("/token/refresh", get(routes::refresh).post(routes::refresh))
/// }
/// ```
#[derive(Clone)]
#[must_use = "a PasswordLogIn does nothing until you call `router` or use its handlers"]
pub struct PasswordLogIn<C> {
    check: C,
    throttle: Option<Throttle>,
    urls: Urls,
    is_inside: bool,
}

impl<C> PasswordLogIn<C> {
    /// Creates the log-in handlers for this authenticator. They count log-in attempts in this process only, unless you
    /// set a different [`throttle`](Self::throttle).
    pub fn new(auth: &Authenticator, check: C) -> Self {
        Self { check, throttle: Some(auth.throttle().build()), urls: auth.urls().clone(), is_inside: false }
    }

    /// Counts attempts with this throttle. For example, pass a throttle whose store is shared by several servers.
    pub fn throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// Serves the routes without the base URL's path: `/login` instead of `/shop/login`. Use this method if you nest the router
    /// below the base URL's path, `Router::new().nest("/shop", …)`, or if a proxy strips this path.
    pub fn without_base_path(mut self) -> Self {
        self.is_inside = true;
        self
    }

    /// Allows any number of attempts. Use this method only if something else limits attempts. Otherwise, an attacker
    /// can try thousands of passwords.
    pub fn insecure_without_throttle(mut self) -> Self {
        self.throttle = None;
        self
    }

    async fn take(&self, auth: &Auth, typed: &Credentials) -> Result<Option<Attempt>, AuthError> {
        match &self.throttle {
            Some(throttle) => Ok(Some(auth.take_log_in_attempt(throttle, &typed.username).await?)),
            None => Ok(None),
        }
    }
}

impl<C, F, L, E> PasswordLogIn<C>
where
    C: Fn(Credentials) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Option<L>, E>> + Send + 'static,
    L: Into<LogIn> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
{
    /// Returns a router with all routes of this module.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let (urls, is_inside) = (self.urls.clone(), self.is_inside);
        let path = |route| if is_inside { urls.without_base_path(route) } else { route };
        let (log_in, reauthenticate) = (self.clone(), self);
        let log_in = move |typed| {
            let this = log_in.clone();
            async move { this.log_in(typed).await }
        };
        let reauthenticate = move |typed| {
            let this = reauthenticate.clone();
            async move { this.reauthenticate(typed).await }
        };
        Router::new()
            .route(path(urls.login_path()), get(log_in_page).post(log_in))
            .route(path(urls.logout_path()), get(log_out_page).post(log_out))
            .route(path(urls.reauthenticate_path()), get(reauthentication_page).post(reauthenticate))
            .route(path(urls.refresh_path()), get(refresh).post(refresh))
    }

    /// Handles `POST /login`: checks the password and logs the user in.
    ///
    /// # Errors
    /// Returns an error if the password is wrong, there were too many attempts, the application's function returned an
    /// error, or [`Auth::log_in`] failed.
    pub async fn log_in(&self, typed: LogInForm<Credentials>) -> Result<Response, AuthError> {
        let attempt = self.take(&typed, &typed.form).await?;
        match (self.check)(typed.form.clone()).await {
            Ok(Some(user)) => {
                give_back(attempt).await;
                let response = typed.log_in(user).await?;
                let remember = |throttle| typed.remember_device(throttle, &typed.form.username);
                let device = self.throttle.as_ref().map(remember).unwrap_or_default();
                Ok((device, response).into_response())
            }
            Ok(None) => Err(typed.refuse(NO_MATCH)),
            Err(error) => {
                give_back(attempt).await;
                Err(typed.refuse(BackendError::new(error)))
            }
        }
    }

    /// Handles `POST /reauthenticate`: checks the password and makes the session fresh again.
    ///
    /// # Errors
    /// Returns an error if the password is wrong, the user name and password belong to a different user, there were too
    /// many attempts, the application's function returned an error, or [`Auth::reauthenticate`] failed.
    pub async fn reauthenticate(&self, typed: ReauthenticationForm<Credentials>) -> Result<Response, AuthError> {
        let attempt = match &self.throttle {
            Some(throttle) => Some(typed.take_reauthentication_attempt(throttle, typed.token()).await?),
            None => None,
        };
        match (self.check)(typed.form.clone()).await.map(|user| user.map(Into::<LogIn>::into)) {
            Ok(Some(user)) if user.subject() == typed.token().subject() => {
                give_back(attempt).await;
                typed.reauthenticate(user.subject()).await
            }
            Ok(_) => Err(typed.refuse(NO_MATCH_AGAIN)),
            Err(error) => {
                give_back(attempt).await;
                Err(typed.refuse(BackendError::new(error)))
            }
        }
    }
}

impl<C> fmt::Debug for PasswordLogIn<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordLogIn").field("throttle", &self.throttle).finish_non_exhaustive()
    }
}

/// Returns an attempt to the budgets that it was taken from, so that it does not count. Call this function if the
/// password was right or could not be checked.
async fn give_back(attempt: Option<Attempt>) {
    if let Some(attempt) = attempt {
        attempt.succeeded().await;
    }
}

/// Shows a plain page with a log-in form.
///
/// # Errors
/// Returns an error if the CSRF cookie is longer than browsers accept, because its configured name is very long.
pub async fn log_in_page(auth: Auth) -> Result<Response, AuthError> {
    let form = auth.log_in_form()?;
    Ok((form.cookies(), Html(form.log_in_page())).into_response())
}

/// Shows a plain page that asks the logged-in user for the password.
pub async fn reauthentication_page(token: AccessToken, auth: Auth) -> Response {
    let form = auth.reauthentication_form(&token);
    (form.cookies(), Html(form.reauthentication_page())).into_response()
}

/// Shows a plain page with a button that logs the user out. A browser that is not logged in is redirected to the log-in
/// page. In redirect mode, a browser that might only need new tokens is redirected to the refresh URL.
pub async fn log_out_page(token: Option<AccessToken>, auth: Auth) -> Response {
    match token {
        Some(token) => Html(hardtack::adapter::log_out_page(&token, auth.authenticator().csrf_field())).into_response(),
        None => match auth.verify(Need::access()).await {
            Err(error) if error.failure().reason().kind() == FailureKind::RefreshNeeded => error.into_response(),
            _ => Redirect::to(auth.authenticator().urls().login_path()).into_response(),
        },
    }
}

/// Logs the user out, and redirects a browser to the log-in page.
///
/// # Errors
/// The errors of [`Auth::log_out`].
pub async fn log_out(auth: Auth) -> Result<Response, AuthError> {
    auth.log_out_and_return().await
}

/// Exchanges the refresh token for new tokens, and redirects a browser back to the page that it requested.
///
/// # Errors
/// The errors of [`Auth::refresh`].
pub async fn refresh(auth: Auth) -> Result<Response, AuthError> {
    auth.refresh_and_return().await
}
