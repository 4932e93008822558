//! The application's own user behind a token.

use std::ops::Deref;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use hardtack::FindUser;
use http::request::Parts;

use super::AccessToken;
use crate::AuthError;
use crate::head::Head;
use crate::layer::Layered;

/// The logged-in user, looked up by the application ([`FindUser`]) on each request, with the router's state
/// or what [`FromRef`] takes from it. A user who is there no more is refused, and the cookies are unset.
#[derive(Clone, Debug)]
pub struct CurrentUser<U> {
    user: U,
    token: AccessToken,
}

impl<U> CurrentUser<U> {
    /// The token that named the user.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// The user alone.
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

async fn find<U: FindUser>(token: AccessToken, parts: &Parts, state: &U::State) -> Result<CurrentUser<U>, AuthError> {
    let layered = Layered::or_engine(parts)?;
    let user = Head::of(parts).exchange(&layered).user(&token, state).await?;
    Ok(CurrentUser { user, token })
}

impl<S: Send + Sync, U: FindUser<State: FromRef<S>>> FromRequestParts<S> for CurrentUser<U> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let token = <AccessToken as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        find(token, parts, &FromRef::from_ref(state)).await
    }
}

impl<S: Send + Sync, U: FindUser<State: FromRef<S>>> OptionalFromRequestParts<S> for CurrentUser<U> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, AuthError> {
        match <AccessToken as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await? {
            Some(token) => find(token, parts, &FromRef::from_ref(state)).await.map(Some),
            None => Ok(None),
        }
    }
}
