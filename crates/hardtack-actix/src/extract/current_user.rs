//! The application's own user behind a token.

use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use hardtack::FindUser;
use hardtack::refusal::Reason;

use super::{AccessToken, Extracting, OptionalFromRequest};
use crate::AuthError;
use crate::head::Head;
use crate::layer::Layered;

/// The logged-in user, looked up by the application ([`FindUser`]) on each request, with the state in its
/// `web::Data`. A user who is there no more is refused, and the cookies are unset.
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

async fn find<U: FindUser>(token: AccessToken, request: &HttpRequest) -> Result<CurrentUser<U>, AuthError> {
    let (layered, head) = (Layered::or_engine(request)?, Head::of(request));
    let exchange = head.exchange(&layered.memo);
    let found = match request.app_data::<web::Data<U::State>>() {
        Some(state) => exchange.user(&token, state.get_ref()).await,
        None => Err(exchange.refuse(no_state::<U::State>())),
    };
    match found {
        Ok(user) => Ok(CurrentUser { user, token }),
        Err(failure) => Err(layered.refuse(failure)),
    }
}

fn no_state<S>() -> Reason {
    let state = std::any::type_name::<S>();
    Reason::NotSetUp(
        format!("no web::Data<{state}> for CurrentUser; add .app_data(web::Data::new(..)) to the App").into(),
    )
}

impl<U: FindUser + 'static> FromRequest for CurrentUser<U> {
    type Error = AuthError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Extracting::waiting(async move { find(AccessToken::extract(&request).await?, &request).await })
    }
}

impl<U: FindUser> OptionalFromRequest for CurrentUser<U> {
    async fn from_request_optional(request: &HttpRequest) -> Result<Option<Self>, AuthError> {
        match AccessToken::from_request_optional(request).await? {
            Some(token) => find(token, request).await.map(Some),
            None => Ok(None),
        }
    }
}
