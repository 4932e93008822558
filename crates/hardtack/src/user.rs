//! The application's own users.

use std::future::Future;

use crate::error::BackendError;

/// The application's user type. Hardtack looks up a user by a token's `sub`.
///
/// In Flask-JWT-Extended: `user_lookup_loader`.
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
    /// The application's state, or the part of it that the look-up needs, such as a connection pool.
    type State: Send + Sync + 'static;

    /// Returns the user, or `None` if the user no longer exists. If the result is `None`, the token is refused and its
    /// cookies are deleted. If the result is an error, the request is refused with 503.
    fn find_user(subject: &str, state: &Self::State)
    -> impl Future<Output = Result<Option<Self>, BackendError>> + Send;
}
