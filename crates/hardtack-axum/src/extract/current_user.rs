//! The application's own user behind a token.

use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use hardtack::{Exchange, FindUser, Reason};
use http::request::Parts;

use super::AccessToken;
use crate::AuthError;
use crate::head::{Fields, head};
use crate::layer::Layered;

/// The logged-in user, looked up by the application ([`FindUser`]) on each request. A user who is
/// there no more is refused, and the cookies are unset.
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

async fn find<S: Send + Sync, U: FindUser<S>>(
    token: AccessToken,
    parts: &Parts,
    state: &S,
) -> Result<CurrentUser<U>, AuthError> {
    let reason = match U::find_user(token.subject(), state).await {
        Ok(Some(user)) => return Ok(CurrentUser { user, token }),
        Ok(None) => Reason::UnknownUser,
        Err(error) => Reason::Store(error),
    };
    let layered = parts.extensions.get::<Layered>().ok_or_else(AuthError::no_layer)?;
    let fields = Fields(&parts.headers);
    let head = head(&parts.method, &parts.uri, &fields, &parts.extensions);
    Err(Exchange::new(&layered.engine, head, &layered.memo).refuse(reason).into())
}

impl<S: Send + Sync, U: FindUser<S>> FromRequestParts<S> for CurrentUser<U> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let token = <AccessToken as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        find(token, parts, state).await
    }
}

impl<S: Send + Sync, U: FindUser<S>> OptionalFromRequestParts<S> for CurrentUser<U> {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, AuthError> {
        match <AccessToken as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await? {
            Some(token) => find(token, parts, state).await.map(Some),
            None => Ok(None),
        }
    }
}
