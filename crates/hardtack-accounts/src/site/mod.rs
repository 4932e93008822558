//! Defines [`Site`], the axum state that all handlers share.

mod builder;
mod error;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use axum::response::Response;
use hardtack::adapter::LogLimit;
use hardtack::error::WithCauses;
use hardtack::session::EndedSessions;
use hardtack::{Authenticator, LogIn, Urls};
use hardtack_axum::{Auth, AuthError, SetCookies};
use tokio::time::timeout;

use crate::accounts::Accounts;
use crate::page_cookie::CookieScope;
use crate::settings::SiteSettings;

pub use builder::SiteBuilder;
pub use error::SiteError;

/// How long a response waits for the session store after a change has been stored. After this time, the server sends
/// the response and ends the remaining sessions in the background.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ready-made pages for the users of an application: sign-up, log-in, password, profile and devices.
///
/// The [`builder`](Self::builder) sets where the pages are and how they look. [`router`](Self::router) returns the
/// pages' routes. If the site is the state of your router, your handlers can extract a
/// [`CurrentUser<User>`](hardtack_axum::CurrentUser).
#[derive(Clone, Debug)]
pub struct Site {
    pub(crate) auth: Authenticator,
    /// Behind an `Arc`, because axum clones the site several times for each request and keeps these clones while the
    /// client sends the body.
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) settings: Arc<SiteSettings>,
    /// The path at which the router serves the pages. Unlike the public path, it does not include the base URL's path.
    at: Arc<str>,
    /// How users can contact the administrator.
    pub(crate) contact: Option<Arc<str>>,
}

impl Site {
    /// Returns the URLs of the log-in flow for pages at a path such as `/auth`. Pass these URLs to
    /// [`AuthenticatorBuilder::urls`](hardtack::AuthenticatorBuilder::urls), and the same path to [`SiteBuilder::at`].
    /// If the URLs and the path do not match, [`SiteBuilder::build`] fails.
    ///
    /// After a log-in, the browser goes to the page that the log-in request asked for. If the request asked for none,
    /// the browser goes to the home page `/`. To set a different home page, write, for example,
    /// `Site::urls_at("/auth").home("/orders")`.
    ///
    /// If your application has a log-in page of its own, write, for example,
    /// `Site::urls_at("/auth").login("/welcome")`. The authenticator then redirects requests without a session to this
    /// page, and the ready-made pages link to it.
    pub fn urls_at(path: &str) -> Urls {
        let path = if path == "/" { "" } else { path };
        let url = |page: &str| format!("{path}{page}");
        Urls::default()
            .login(url("/login"))
            .logout(url("/logout"))
            .signup(url("/signup"))
            .refresh(url("/token/refresh"))
            .reauthenticate(url("/reauthenticate"))
            .bind(url("/token/bind"))
            .bound(url("/token/bound"))
    }

    /// Sets how users can contact the administrator: an email address, a URL, or a few words such as "Room 12". The
    /// page for forgotten passwords and messages to users who cannot log in show this contact. The administrator can
    /// create a reset link with [`Accounts::reset_link`].
    #[must_use]
    pub fn with_contact(self, contact: &str) -> Self {
        Self { contact: Some(contact.trim().into()).filter(|contact: &Arc<str>| !contact.is_empty()), ..self }
    }

    /// Returns "the administrator", with the contact in parentheses if there is one, for sentences that tell users whom
    /// to ask.
    pub(crate) fn administrator(&self) -> String {
        match &self.contact {
            Some(contact) => format!("the administrator ({contact})"),
            None => "the administrator".to_owned(),
        }
    }

    /// Returns the settings that determine the names and attributes of the pages' cookies.
    pub(crate) fn cookies(&self) -> CookieScope<'_> {
        CookieScope::new(&self.settings, &self.auth)
    }

    /// Returns the authenticator. Use it to wrap your application's routes in an
    /// [`AuthLayer`](hardtack_axum::AuthLayer).
    pub const fn authenticator(&self) -> &Authenticator {
        &self.auth
    }

    /// Returns the public path of a page of the site, such as `/auth/account` for `/account`. Your own pages can link
    /// to this path.
    pub fn path(&self, page: &str) -> String {
        self.settings.path(page)
    }

    /// Returns the public address of the pages, such as `https://shop.example/auth`. The address has no trailing slash.
    /// Returns `None` if the authenticator has no base URL.
    pub fn address(&self) -> Option<String> {
        self.auth.origin().map(|origin| format!("{origin}{}", self.settings.prefix))
    }

    /// Returns the path at which the router serves the pages. Returns an empty string if the pages are at the root of
    /// the router.
    pub(crate) fn path_in_router(&self) -> &str {
        &self.at
    }

    /// Runs the part of a handler that changes something. This part runs to completion even if the client closes the
    /// connection.
    ///
    /// `work` is boxed to keep the handler's own future small. The handler's future exists while the client sends the
    /// body, which can take a long time.
    pub(crate) async fn run_uninterrupted(
        &self,
        auth: &Auth,
        work: Pin<Box<dyn Future<Output = Result<Response, AuthError>> + Send>>,
    ) -> Result<Response, AuthError> {
        self.accounts.run_uninterrupted(work).await.unwrap_or_else(|error| Err(auth.refuse(error)))
    }

    /// Logs in a user whose account has just been stored. Returns `None` if the session store cannot start a session
    /// now; the account remains stored.
    pub(crate) async fn log_in_new_user(&self, auth: &Auth, log_in: LogIn) -> Option<SetCookies> {
        match timeout(PATIENCE, auth.log_in(log_in)).await {
            Ok(Ok(cookies)) => Some(cookies),
            Ok(Err(error)) => {
                WITHOUT_SESSION.add(|not_logged| {
                    tracing::warn!(event = "signed_up_without_session", not_logged, error = %WithCauses(&error));
                });
                None
            }
            Err(_) => {
                WITHOUT_SESSION.add(|not_logged| {
                    tracing::warn!(event = "signed_up_without_session", not_logged, "{}", no_response())
                });
                None
            }
        }
    }

    /// Gives this browser a new session after a password change. Returns `None` if the session store cannot start a
    /// session now. Even then, the new password is stored, and this process refuses the other sessions at once. The
    /// store ends them within seconds after it has recovered.
    pub(crate) async fn renew(&self, auth: &Auth, ended: EndedSessions) -> Option<SetCookies> {
        match timeout(PATIENCE, auth.renew(ended)).await {
            Ok(Ok(cookies)) => Some(cookies).filter(|cookies| !cookies.is_empty()),
            // The session cannot be renewed, for example because an operator has logged this browser out in the
            // meantime.
            Ok(Err(error)) => {
                NOT_RENEWED.add(|not_logged| {
                    tracing::warn!(event = "not_renewed", not_logged, error = %WithCauses(&error));
                });
                None
            }
            Err(_) => {
                NOT_RENEWED.add(|not_logged| tracing::warn!(event = "not_renewed", not_logged, "{}", no_response()));
                None
            }
        }
    }

    /// Ends the sessions that have to end after a committed change, such as a new password. Returns `false` if the
    /// session store cannot end these sessions now. In that case, this process refuses the sessions at once, and the
    /// store ends them within seconds after it has recovered.
    pub(crate) async fn finish_ending(&self, ended: EndedSessions) -> bool {
        timeout(PATIENCE, self.auth.finish_ending(ended)).await.unwrap_or_else(|_| {
            NOT_ENDED_YET.add(|not_logged| tracing::warn!(event = "not_ended_yet", not_logged, "{}", no_response()));
            false
        })
    }
}

static WITHOUT_SESSION: LogLimit = LogLimit::new("signed_up_without_session");
static NOT_RENEWED: LogLimit = LogLimit::new("not_renewed");
static NOT_ENDED_YET: LogLimit = LogLimit::new("not_ended_yet");

fn no_response() -> String {
    format!("the session store did not respond within {} s", PATIENCE.as_secs())
}

/// Lets a handler whose state is the site extract [`CurrentUser<User>`](hardtack_axum::CurrentUser).
impl FromRef<Site> for Accounts {
    fn from_ref(site: &Site) -> Self {
        Self::clone(&site.accounts)
    }
}
