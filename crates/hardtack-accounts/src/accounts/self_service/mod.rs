//! Functions for self-service: signing up, logging in, changing a password or an address, and using links from emails.
//! An application calls these functions from its own pages, with any web framework.
//!
//! 1. A function that acts on behalf of a client takes the [`ClientInfo`] from the client's request. If the function
//!    limits attempts, it shares the limits with the ready-made pages. The function that verifies a password without
//!    limiting attempts has `unthrottled` in its name.
//! 2. Some changes end sessions. The transaction that stores such a change also ends the sessions, or records that they
//!    must end. The function then returns [`EndedSessions`](hardtack::session::EndedSessions).
//! 3. Passwords are hashed on blocking threads.

mod email;
mod new_user;
mod password;
mod reset;
mod verify;

use hardtack::{ClientInfo, VerifiedToken};

use super::{Accounts, ActionError, CheckedSession};
use crate::activity::RequestInfo;
use crate::links::LinkToken;
use crate::throttling::Tried;

pub use new_user::{NewUser, SignedUp};
pub(crate) use verify::Browser;
pub use verify::VerifiedUser;

impl Accounts {
    /// Checks a token's session before a change begins. The transaction that stores the change checks the session
    /// again, so no change can be stored after a log-out.
    async fn checked_session<T: Sync, P>(
        &self,
        token: &VerifiedToken<T>,
        client: &ClientInfo,
    ) -> Result<CheckedSession, ActionError<P>> {
        self.check_session(client.authenticator(), token.subject(), token.session()).await
    }

    /// Parses a link's token and passes it to `work`. A failure counts against the limit for the client's address, so
    /// that clients cannot guess links.
    async fn use_link<T, P>(
        &self,
        token: &str,
        client: &ClientInfo,
        dead_link: P,
        work: impl AsyncFnOnce(&LinkToken, &RequestInfo) -> Result<T, ActionError<P>>,
    ) -> Result<T, ActionError<P>> {
        let (request, client) = self.client(client);
        let attempt = self.throttling().by_address(Tried::Link, &client, &request).await?;
        let token = LinkToken::parse(token.trim()).ok_or(ActionError::Invalid(dead_link))?;
        let done = work(&token, &request).await?;
        attempt.succeeded().await;
        Ok(done)
    }
}
