//! The application's own user behind a token.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use hardtack::{Exchange, FindUser, Reason};

use super::{AccessToken, Extracting, OptionalFromRequest};
use crate::AuthError;
use crate::head::{Fields, head};
use crate::layer::Layered;

/// The logged-in user, looked up by the application ([`FindUser`]) on each request, in its
/// `web::Data<S>`. A user who is there no more is refused, and the cookies are unset.
///
/// An actix-web handler has no state type that `S` could be read from, so it is named; an alias says it
/// once: `type CurrentPerson = CurrentUser<Person, People>`.
pub struct CurrentUser<U, S> {
    user: U,
    token: AccessToken,
    state: PhantomData<fn(&S)>,
}

impl<U, S> CurrentUser<U, S> {
    /// The token that named the user.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// The user alone.
    pub fn into_user(self) -> U {
        self.user
    }
}

impl<U, S> Deref for CurrentUser<U, S> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.user
    }
}

impl<U: Clone, S> Clone for CurrentUser<U, S> {
    fn clone(&self) -> Self {
        Self { user: self.user.clone(), token: self.token.clone(), state: PhantomData }
    }
}

impl<U: fmt::Debug, S> fmt::Debug for CurrentUser<U, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentUser").field("user", &self.user).field("token", &self.token).finish()
    }
}

async fn find<U: FindUser<S>, S: 'static>(
    token: AccessToken,
    request: &HttpRequest,
) -> Result<CurrentUser<U, S>, AuthError> {
    let state = request.app_data::<web::Data<S>>().ok_or_else(AuthError::no_state::<S>)?;
    let reason = match U::find_user(token.subject(), state).await {
        Ok(Some(user)) => return Ok(CurrentUser { user, token, state: PhantomData }),
        Ok(None) => Reason::UnknownUser,
        Err(error) => Reason::Store(error),
    };
    let layered = Layered::of(request).ok_or_else(AuthError::no_layer)?;
    let fields = Fields(request.headers());
    let exchange = Exchange::new(&layered.engine, head(request.head(), &fields), &layered.memo);
    Err(layered.refuse(exchange.refuse(reason)))
}

impl<U: FindUser<S> + 'static, S: 'static> FromRequest for CurrentUser<U, S> {
    type Error = AuthError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { find(AccessToken::extract(&request).await?, &request).await })
    }
}

impl<U: FindUser<S>, S: 'static> OptionalFromRequest for CurrentUser<U, S> {
    async fn from_request_optional(request: &HttpRequest) -> Result<Option<Self>, AuthError> {
        match AccessToken::from_request_optional(request).await? {
            Some(token) => find(token, request).await.map(Some),
            None => Ok(None),
        }
    }
}
