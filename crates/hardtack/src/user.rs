//! The application's own users.

use std::future::Future;

use crate::error::BackendError;

/// Looks a user up by a token's `sub` (`user_lookup_loader`): implemented by the application for its
/// own type.
///
/// ```
/// use hardtack::{FindUser, BackendError};
///
/// struct App;
/// struct User { id: String }
///
/// impl FindUser for User {
///     type State = App;
///
///     async fn find_user(subject: &str, _app: &App) -> Result<Option<Self>, BackendError> {
///         Ok((subject == "alice").then(|| User { id: subject.to_owned() }))
///     }
/// }
/// ```
pub trait FindUser: Sized + Send {
    /// What the look-up needs, a pool of connections for one: the application's state, or a part of it.
    type State: Send + Sync + 'static;

    /// The user, or none who is there no more: then the token is refused and its cookies unset. An
    /// error answers 503.
    fn find_user(subject: &str, state: &Self::State)
    -> impl Future<Output = Result<Option<Self>, BackendError>> + Send;
}
