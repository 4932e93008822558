//! What every handler of the site has at hand.

use hardtack::session::StoreError;
use hardtack::{Authenticator, FindUser};

use crate::accounts::Accounts;
use crate::users::User;

/// The site: an engine and the people it knows.
#[derive(Clone, Debug)]
pub struct Site {
    pub(crate) auth: Authenticator,
    pub(crate) accounts: Accounts,
}

impl FindUser for User {
    type State = Site;

    async fn find_user(subject: &str, site: &Site) -> Result<Option<Self>, StoreError> {
        site.accounts.find(subject).await
    }
}

impl Site {
    /// Joins an engine, best made through [`crate::with_pages`], with accounts.
    pub fn new(auth: Authenticator, accounts: Accounts) -> Self {
        Self { auth, accounts }
    }
}
