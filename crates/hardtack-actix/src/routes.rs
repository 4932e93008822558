//! Ready-made handlers for the log-in flow, with plain pages.
//!
//! [`password_log_in`] returns a service with all handlers of this module. To replace some of the routes with your own,
//! register each handler yourself, whether it comes from this module or from your application. See [`PasswordLogIn`]
//! for an example.
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
//! To change the paths, call [`AuthenticatorBuilder::urls`](hardtack::AuthenticatorBuilder::urls). The pages are in
//! English and contain no scripts.

use std::error::Error;
use std::fmt;

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::web::{Html, Redirect, resource};
use actix_web::{Either, HttpResponse, Responder};
use hardtack::throttle::{Attempt, Throttle};
use hardtack::{Authenticator, BackendError, FailureKind, LogIn, Need, Urls};

pub use hardtack::Credentials;

use crate::{AccessToken, Auth, AuthError, LogInForm, Optional, ReauthenticationForm};

/// The text shown for an unknown user or a wrong password. Because it is the same in both cases, it does not reveal
/// which users exist.
const NO_MATCH: &str = "That user name and password do not match.";

/// The text shown to a logged-in user who enters a wrong password. The text is the same if the user enters another
/// user's name and password. If the texts differed, anyone with an account could test guesses at other users'
/// passwords.
const NO_MATCH_AGAIN: &str =
    "That user name and password do not match, or you are logged in as another user. To switch users, log out first.";

/// Returns a service with the routes for logging in with a user name and a password. `check` is the function that
/// checks the user name and password that a user enters: see [`PasswordLogIn`].
///
/// Create the service once, outside the closure that you pass to `HttpServer::new`. actix-web calls this closure once
/// for each worker. If you created the service inside the closure, each worker would count attempts separately.
///
/// ```
/// use actix_web::{App, web};
/// use hardtack_actix::{prelude::*, routes::{self, Credentials}};
///
/// async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
///     let matches = typed.username == "alice" && typed.password == "correct horse battery staple"; // yours
///     Ok(matches.then_some(typed.username))
/// }
///
/// # fn example(auth: Authenticator) {
/// let log_in = routes::password_log_in(&auth, check);
/// let app = move || {
///     App::new()
///         .route("/", web::get().to(async |token: AccessToken| format!("Hello, {}", token.subject())))
///         .service(log_in.clone())
///         .wrap(AuthLayer::new(auth.clone()))
/// };
/// # app();
/// # }
/// ```
pub fn password_log_in<C, F, L, E>(auth: &Authenticator, check: C) -> PasswordLogIn<C>
where
    C: Fn(Credentials) -> F + Clone + 'static,
    F: Future<Output = Result<Option<L>, E>> + 'static,
    L: Into<LogIn> + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    PasswordLogIn::new(auth, check)
}

/// Handles the log-in routes, and checks passwords with a function that the application provides.
///
/// The function receives the [`Credentials`] that the user typed. If the user name and password match, the function
/// returns the user's id or a [`LogIn`]. If they do not match, it returns `None`. If it cannot check the password, for
/// example because the database did not respond, it returns an error. The client then gets a 503 response, and the
/// error is logged.
///
/// Attempts are limited per account and per client address: see [`Auth::take_log_in_attempt`]. A browser from which the
/// user has logged in before has its own budget, so a stranger's attempts cannot keep the user from logging in with
/// this browser. When a logged-in user enters the password again, the attempt counts against the session's own budget:
/// see [`Auth::take_reauthentication_attempt`].
///
/// By default, each process counts only the attempts that it receives. Behind a proxy, set
/// [`trusted_proxies`](hardtack::AuthenticatorBuilder::trusted_proxies). Otherwise, all clients share the budget of the
/// proxy's address.
///
/// The function should take just as long for an unknown user as for a wrong password. Otherwise, the response time
/// reveals which users exist. For example, if the user does not exist, verify the password against a fixed hash.
///
/// ```
/// use actix_web::web::{self, ServiceConfig, resource};
/// use hardtack_actix::{prelude::*, routes::{self, Credentials, PasswordLogIn}};
///
/// async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
///     let matches = typed.username == "alice" && typed.password == "correct horse battery staple"; // yours
///     Ok(matches.then_some(typed.username))
/// }
///
/// # async fn own_log_in_page() -> &'static str { "" }
/// type Password = PasswordLogIn<fn(Credentials) -> std::future::Ready<Result<Option<String>, std::io::Error>>>;
///
/// // All routes are ready-made, except for the page with the form.
/// fn routes(app: &mut ServiceConfig, password: Password) {
///     let again = password.clone();
///     let log_in = move |typed| {
///         let password = password.clone();
///         async move { password.log_in(typed).await }
///     };
///     let reauthenticate = move |typed| {
///         let password = again.clone();
///         async move { password.reauthenticate(typed).await }
///     };
///     app.service(resource("/login").get(own_log_in_page).post(log_in))
///         .service(resource("/reauthenticate").get(routes::reauthentication_page).post(reauthenticate))
///         .service(resource("/logout").get(routes::log_out_page).post(routes::log_out))
///         .service(resource("/token/refresh").get(routes::refresh).post(routes::refresh));
/// }
/// ```
#[derive(Clone)]
#[must_use = "a PasswordLogIn does nothing until you add it to an App with `service` or use its handlers"]
pub struct PasswordLogIn<C> {
    check: C,
    throttle: Option<Throttle>,
    urls: Urls,
    is_inside: bool,
}

impl<C> PasswordLogIn<C> {
    /// Creates the log-in handlers for this authenticator. Attempts are counted in this process.
    pub fn new(auth: &Authenticator, check: C) -> Self {
        Self { check, throttle: Some(auth.throttle().build()), urls: auth.urls().clone(), is_inside: false }
    }

    /// Counts attempts with this throttle. For example, pass a throttle with a store that several servers share.
    pub fn throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// Serves the routes without the base URL's path: `/login` instead of `/shop/login`. Use this method if you add
    /// the routes to a scope with the base URL's path, `web::scope("/shop")`, or if a proxy strips this path.
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
    C: Fn(Credentials) -> F + Clone + 'static,
    F: Future<Output = Result<Option<L>, E>> + 'static,
    L: Into<LogIn> + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    /// Handles `POST /login`: checks the password and logs the user in.
    ///
    /// # Errors
    /// Returns an error if the password is wrong, if there were too many attempts, if the application's function
    /// returned an error, or if [`Auth::log_in`] failed.
    pub async fn log_in(&self, typed: LogInForm<Credentials>) -> Result<HttpResponse, AuthError> {
        let attempt = self.take(&typed, &typed.form).await?;
        match (self.check)(typed.form.clone()).await {
            Ok(Some(user)) => {
                give_back(attempt).await;
                let response = typed.log_in(user).await?;
                let remember = |throttle| typed.remember_device(throttle, &typed.form.username);
                let device = self.throttle.as_ref().map(remember).unwrap_or_default();
                Ok(device.onto(response).into())
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
    /// Returns an error if the password is wrong, if the credentials belong to a user other than the one who is logged
    /// in, if there were too many attempts, if the application's function returned an error, or if
    /// [`Auth::reauthenticate`] failed.
    pub async fn reauthenticate(&self, typed: ReauthenticationForm<Credentials>) -> Result<HttpResponse, AuthError> {
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

/// Registers all routes of this module.
impl<C, F, L, E> HttpServiceFactory for PasswordLogIn<C>
where
    C: Fn(Credentials) -> F + Clone + 'static,
    F: Future<Output = Result<Option<L>, E>> + 'static,
    L: Into<LogIn> + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    fn register(self, app: &mut AppService) {
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
        resource(path(urls.login_path())).get(log_in_page).post(log_in).register(app);
        resource(path(urls.logout_path())).get(log_out_page).post(log_out).register(app);
        resource(path(urls.reauthenticate_path())).get(reauthentication_page).post(reauthenticate).register(app);
        resource(path(urls.refresh_path())).get(refresh).post(refresh).register(app);
    }
}

impl<C> fmt::Debug for PasswordLogIn<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordLogIn").field("throttle", &self.throttle).finish_non_exhaustive()
    }
}

/// Counts an attempt as a success, so that it does not use up any budget. Call this function if the password was right
/// or could not be checked.
async fn give_back(attempt: Option<Attempt>) {
    if let Some(attempt) = attempt {
        attempt.succeeded().await;
    }
}

/// Shows a plain page with a log-in form.
///
/// # Errors
/// The CSRF cookie is longer than browsers accept, because its configured name is very long.
pub async fn log_in_page(auth: Auth) -> Result<impl Responder, AuthError> {
    let form = auth.log_in_form()?;
    Ok(form.cookies().onto(Html::new(form.log_in_page())))
}

/// Shows a plain page that asks the logged-in user for the password.
pub async fn reauthentication_page(token: AccessToken, auth: Auth) -> impl Responder {
    let form = auth.reauthentication_form(&token);
    form.cookies().onto(Html::new(form.reauthentication_page()))
}

/// Shows a plain page with a button that logs the user out. A browser that is not logged in is redirected to the log-in
/// page. In redirect mode, a browser that might only need new tokens is redirected to the refresh URL.
///
/// # Errors
/// The browser might only need new tokens. The error redirects it to the refresh URL.
pub async fn log_out_page(Optional(token): Optional<AccessToken>, auth: Auth) -> Result<impl Responder, AuthError> {
    if let Some(token) = token {
        let page = hardtack::adapter::log_out_page(&token, auth.authenticator().csrf_field());
        return Ok(Either::Left(Html::new(page)));
    }
    match auth.verify(Need::access()).await {
        Err(error) if error.failure().reason().kind() == FailureKind::RefreshNeeded => Err(error),
        _ => Ok(Either::Right(Redirect::to(auth.authenticator().urls().login_path().to_owned()).see_other())),
    }
}

/// Logs the user out, and redirects a browser to the log-in page.
///
/// # Errors
/// The errors of [`Auth::log_out`].
pub async fn log_out(auth: Auth) -> Result<HttpResponse, AuthError> {
    auth.log_out_and_return().await
}

/// Exchanges the refresh token for new tokens, and redirects a browser back to the page that it requested.
///
/// # Errors
/// The errors of [`Auth::refresh`].
pub async fn refresh(auth: Auth) -> Result<HttpResponse, AuthError> {
    auth.refresh_and_return().await
}
