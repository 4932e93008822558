//! The application's own user behind a token.

use super::Exchange;
use super::rejection::Rejection;
use crate::authenticator::VerifiedToken;
use crate::failure::{Failure, Reason};
use crate::location::TokenLocation;
use crate::user::FindUser;

impl Exchange<'_> {
    /// Looks up whose token it is, in the application's own state.
    ///
    /// # Errors
    /// A user who is there no more; a look-up that failed.
    pub async fn user<U: FindUser>(&self, token: &VerifiedToken, state: &U::State) -> Result<U, Failure> {
        match U::find_user(token.subject(), state).await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(self.reject(self.of_user(Reason::UnknownUser, token))),
            Err(error) => Err(self.reject(self.of_user(error, token))),
        }
    }

    fn of_user(&self, reason: impl Into<Reason>, token: &VerifiedToken) -> Rejection {
        let carried = token.location().is_some_and(|location| location != TokenLocation::Cookies);
        Rejection { carried, ..Rejection::from(reason).about(token.clone()) }
    }
}
