//! The state of every handler.

use hardtack::{Authenticator, BackendError, FindUser};

use crate::accounts::Accounts;
use crate::users::User;

/// The site: an authenticator and the accounts of its users. [`router`](Self::router) returns its routes.
#[derive(Clone, Debug)]
pub struct Site {
    pub(crate) auth: Authenticator,
    pub(crate) accounts: Accounts,
}

impl Site {
    /// Creates a site. Configure the authenticator with [`Accounts::configure`].
    pub fn new(auth: Authenticator, accounts: Accounts) -> Self {
        Self { auth, accounts }
    }
}

impl FindUser for User {
    type State = Site;

    async fn find_user(subject: &str, site: &Site) -> Result<Option<Self>, BackendError> {
        site.accounts.find(subject).await
    }
}
