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
/// `find_user` receives the router's state, or the part of the state that [`FromRef`] extracts. If the user no longer
/// exists, the request is refused and the response deletes the cookies.
///
/// `Option<CurrentUser<U>>` is `None` in three cases:
/// - The request has no token.
/// - The token in the cookies is invalid and cannot be refreshed.
/// - The user identified by the token in the cookies no longer exists.
///
/// If the token is invalid or its user no longer exists, the response deletes the cookies, because they no longer work.
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

    /// Extracts the user from a request that re-authenticates the user. Unlike the `CurrentUser` extractor, this
    /// function also accepts a token that has just been replaced because the same form was submitted twice
    /// ([`Need::reauthenticating`](hardtack::Need::reauthenticating)).
    ///
    /// # Errors
    /// Returns the same errors as the `CurrentUser` extractor.
    pub async fn of_reauthentication<S: Sync>(parts: &Parts, state: &S) -> Result<Self, AuthError>
    where
        U: FindUser<State: FromRef<S>>,
    {
        let token = AccessToken::of_reauthentication(parts).await?;
        Self::of_token(token, parts, state).await
    }

    async fn of_token<S: Sync>(token: AccessToken, parts: &Parts, state: &S) -> Result<Self, AuthError>
    where
        U: FindUser<State: FromRef<S>>,
    {
        let auth_state = AuthState::for_verification(parts)?;
        let user = Head::of(parts).exchange(&auth_state).user(&token, &FromRef::from_ref(state)).await?;
        Ok(Self { user, token })
    }

    /// Returns the user and discards the token.
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
        Self::of_token(token, parts, state).await
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
