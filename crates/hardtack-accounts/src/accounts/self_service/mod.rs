//! Functions for what users do with their own accounts: they sign up, log in, change their passwords and addresses, and
//! use links from emails. The application's own pages call them, with any web framework.
//!
//! 1. Each function takes the [`ClientInfo`] of the request, and counts the attempt against the same limits as the
//!    ready-made pages do. Functions that do not count attempts have `unthrottled` in their names.
//! 2. A change that ends sessions ends them in the transaction that stores the change, and returns
//!    [`EndedSessions`](hardtack::session::EndedSessions).
//! 3. Passwords are hashed on threads for blocking work.

mod email;
mod new_user;
mod password;
mod reset;
mod verify;

use hardtack::ClientInfo;

use super::{Accounts, ActionError};
use crate::activity::RequestInfo;
use crate::links::LinkToken;
use crate::throttling::Tried;

pub use new_user::{NewUser, SignedUp};
pub(crate) use verify::Browser;
pub use verify::VerifiedUser;

impl Accounts {
    /// Parses the token of a link, and runs the work that uses the link. A failure counts against the limit of the
    /// client's address, so that links cannot be guessed.
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
