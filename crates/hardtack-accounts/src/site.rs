//! The state of every handler.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use hardtack::error::WithCauses;
use hardtack::session::EndedSessions;
use hardtack::{Authenticator, BackendError, FindUser, LogIn};
use hardtack_axum::{Auth, AuthError, SetCookies};
use tokio::time::timeout;

use crate::accounts::Accounts;
use crate::activity::RequestInfo;
use crate::pages::device_name;
use crate::users::User;

/// How long a response waits for the session store after a change has been stored. After this time, the response is
/// sent, and the sessions that must end are ended in the background.
const PATIENCE: Duration = Duration::from_secs(2);

/// The site: an authenticator and the accounts of its users. [`router`](Self::router) returns its routes.
#[derive(Clone, Debug)]
pub struct Site {
    pub(crate) auth: Authenticator,
    pub(crate) accounts: Accounts,
    /// How users can contact the administrator.
    pub(crate) contact: Option<Arc<str>>,
}

impl Site {
    /// Creates a site. Configure the authenticator with [`Accounts::configure`]. The base URL must not have a
    /// path, because the links of the pages begin at the root of the host.
    pub fn new(auth: Authenticator, accounts: Accounts) -> Self {
        if auth.base_url().as_deref() != auth.origin() {
            tracing::error!(
                event = "pages_at_root",
                "the base URL has a path, but the links of the ready-made pages begin at the root of the host; use a \
                 base URL without a path, and give the site a host name of its own"
            );
        }
        let accounts = accounts.for_site(&auth);
        Self { auth, accounts, contact: None }
    }

    /// Sets how users can contact the administrator: an email address, a URL, or a few words such as "Room 12". The
    /// page for forgotten passwords shows this contact, because the administrator can create a reset link
    /// ([`Accounts::reset_link`]).
    #[must_use]
    pub fn with_contact(self, contact: &str) -> Self {
        Self { contact: Some(contact.trim().into()).filter(|contact: &Arc<str>| !contact.is_empty()), ..self }
    }

    /// Runs the part of a handler that changes something. This part runs to its end even if the client closes the
    /// connection.
    ///
    /// The future of this part is boxed, so that the handler's own future is small. The handler's future exists while
    /// the client sends the body, which may take a long time.
    pub(crate) async fn run_uninterrupted(
        &self,
        auth: &Auth,
        work: Pin<Box<dyn Future<Output = Result<Response, AuthError>> + Send>>,
    ) -> Result<Response, AuthError> {
        self.accounts.run_uninterrupted(work).await.unwrap_or_else(|error| Err(auth.refuse(error)))
    }

    /// Logs in a user whose account has just been stored. Returns `None` if the session store cannot start a session
    /// now. The account remains stored.
    pub(crate) async fn log_in_new_user(&self, auth: &Auth, log_in: LogIn) -> Option<SetCookies> {
        match timeout(PATIENCE, auth.log_in(log_in)).await {
            Ok(Ok(cookies)) => Some(cookies),
            Ok(Err(error)) => {
                tracing::warn!(event = "signed_up_without_session", error = %WithCauses(&error));
                None
            }
            Err(_) => {
                tracing::warn!(event = "signed_up_without_session", "{}", no_response());
                None
            }
        }
    }

    /// Sends a user an email about a log-in from a device with which the user has not logged in before. If the email
    /// cannot be queued, the error is logged, and the log-in succeeds.
    pub(crate) async fn warn_of_new_device(&self, user_id: &str, request: &RequestInfo) {
        let device = device_name(request.user_agent.as_deref().unwrap_or_default());
        if let Err(error) = self.accounts.new_device(user_id, &device, request).await {
            tracing::error!(
                event = "mail_lost",
                user = user_id,
                error = %WithCauses(&error),
                "the user was not warned about a log-in from a new device"
            );
        }
    }

    /// Gives this browser a new session after a password change. Returns `None` if the session store cannot start a
    /// session now. Even then, the new password is stored, and this process refuses the other sessions at once. The
    /// other sessions end within seconds after the store has recovered.
    pub(crate) async fn renew(&self, auth: &Auth, ended: EndedSessions) -> Option<SetCookies> {
        match timeout(PATIENCE, auth.renew(ended)).await {
            Ok(Ok(cookies)) => Some(cookies).filter(|cookies| !cookies.is_empty()),
            // The session cannot be renewed, for example because an operator has logged this browser out in the
            // meantime.
            Ok(Err(error)) => {
                tracing::warn!(event = "not_renewed", error = %WithCauses(&error));
                None
            }
            Err(_) => {
                tracing::warn!(event = "not_renewed", "{}", no_response());
                None
            }
        }
    }

    /// Ends the sessions that have to end after a committed change, such as a new password. Returns `false` if the
    /// session store cannot end these sessions now. In that case, this process refuses the sessions at once, and the
    /// store ends them within seconds after it has recovered.
    pub(crate) async fn finish_ending(&self, ended: EndedSessions) -> bool {
        timeout(PATIENCE, self.auth.finish_ending(ended)).await.unwrap_or_else(|_| {
            tracing::warn!(event = "not_ended_yet", "{}", no_response());
            false
        })
    }
}

fn no_response() -> String {
    format!("the session store did not respond for {} s", PATIENCE.as_secs())
}

impl FindUser for User {
    type State = Site;

    async fn find_user(subject: &str, site: &Site) -> Result<Option<Self>, BackendError> {
        site.accounts.find(subject).await
    }
}
