//! What every handler of the site has at hand.

use hardtack::BackendError;
use hardtack::{Authenticator, FindUser};

use crate::accounts::Accounts;
use crate::users::User;

/// The site: an authenticator and the people it knows.
#[derive(Clone, Debug)]
pub struct Site {
    pub(crate) auth: Authenticator,
    pub(crate) accounts: Accounts,
}

impl FindUser for User {
    type State = Site;

    async fn find_user(subject: &str, site: &Site) -> Result<Option<Self>, BackendError> {
        site.accounts.find(subject).await
    }
}

impl Site {
    /// Joins an authenticator, best made through [`Accounts::wire`], with accounts.
    pub fn new(auth: Authenticator, accounts: Accounts) -> Self {
        Self { auth, accounts }
    }
}
