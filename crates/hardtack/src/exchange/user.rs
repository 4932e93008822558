//! The application's own user behind a token.

use super::Exchange;
use crate::authenticator::VerifiedToken;
use crate::failure::{Failure, Reason};
use crate::user::FindUser;

impl Exchange<'_> {
    /// Looks up whose token it is, in the application's own state.
    ///
    /// # Errors
    /// A user who is there no more; a look-up that failed.
    pub async fn user<U: FindUser>(&self, token: &VerifiedToken, state: &U::State) -> Result<U, Failure> {
        match U::find_user(token.subject(), state).await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(self.refuse(Reason::UnknownUser)),
            Err(error) => Err(self.refuse(error)),
        }
    }
}
