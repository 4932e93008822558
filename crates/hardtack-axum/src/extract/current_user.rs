//! The extractor for the application's own user type.

use std::ops::Deref;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use hardtack::FindUser;
use http::request::Parts;

use super::token::AccessToken;
use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// The logged-in user, whom the application's [`FindUser`] implementation looks up for each request.
///
/// `find_user` receives the router's state, or the part of it that [`FromRef`] extracts. If the user no longer exists,
/// the request is refused and the cookies are deleted. `Option<CurrentUser<U>>` is `None` if the request has no token,
/// if the token in the cookies is invalid and cannot be refreshed, or if its user no longer exists. In the last two
/// cases, the response deletes cookies that have become useless.
///
/// ```
/// use hardtack_axum::{BackendError, CurrentUser, FindUser};
///
/// struct User {
///     name: String,
/// }
///
/// impl FindUser for User {
///     type State = ();
///
///     async fn find_user(subject: &str, _: &()) -> Result<Option<Self>, BackendError> {
///         Ok(Some(Self { name: subject.to_owned() }))
///     }
/// }
///
/// async fn profile(user: CurrentUser<User>) -> String {
///     user.name.clone()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CurrentUser<U> {
    user: U,
    token: AccessToken,
}

impl<U> CurrentUser<U> {
    /// Returns the access token that identifies the user.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Returns the user without the token.
    pub fn into_user(self) -> U {
        self.user
    }
}

impl<U> Deref for CurrentUser<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.user
    }
}

impl<S: Send + Sync, U: FindUser<State: FromRef<S>>> FromRequestParts<S> for CurrentUser<U> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let token = <AccessToken as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let auth_state = AuthState::for_verification(parts)?;
        let user = Head::of(parts).exchange(&auth_state).user(&token, &FromRef::from_ref(state)).await?;
        Ok(Self { user, token })
    }
}

impl<S: Send + Sync, U: FindUser<State: FromRef<S>>> OptionalFromRequestParts<S> for CurrentUser<U> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, AuthError> {
        let token = <AccessToken as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        let Some(token) = token else { return Ok(None) };
        let auth_state = AuthState::for_verification(parts)?;
        let user = Head::of(parts).exchange(&auth_state).optional_user(&token, &FromRef::from_ref(state)).await?;
        Ok(user.map(|user| Self { user, token }))
    }
}
