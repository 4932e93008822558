//! The application's own users.

use std::future::Future;

use crate::session::StoreError;

/// Looks a user up by a token's `sub` (`user_lookup_loader`): implemented by the application for its
/// own type, over its own state `S`.
///
/// ```
/// use hardtack::{FindUser, session::StoreError};
///
/// struct App;
/// struct User { id: String }
///
/// impl FindUser<App> for User {
///     async fn find_user(subject: &str, _app: &App) -> Result<Option<Self>, StoreError> {
///         Ok((subject == "alice").then(|| User { id: subject.to_owned() }))
///     }
/// }
/// ```
pub trait FindUser<S>: Sized + Send {
    /// The user, or none who is there no more: then the token is refused and its cookies unset. An
    /// error answers 503.
    fn find_user(subject: &str, state: &S) -> impl Future<Output = Result<Option<Self>, StoreError>> + Send;
}
