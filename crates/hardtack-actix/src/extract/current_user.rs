//! The extractor for the application's own user type.

use std::any::type_name;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use hardtack::FindUser;
use hardtack::refusal::Reason;

use super::token::{AccessToken, ExtractFuture, OptionalFromRequest};
use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// The logged-in user, whom the application's [`FindUser`] implementation looks up for each request.
///
/// `find_user` receives the `web::Data` of its `State` type. If the user no longer exists, the request is refused and
/// the cookies are deleted. `Optional<CurrentUser<U>>` is `None` if the request has no token.
///
/// ```
/// use hardtack_actix::{BackendError, CurrentUser, FindUser};
///
/// struct User {
///     name: String,
/// }
///
/// impl FindUser for User {
///     type State = (); // add .app_data(web::Data::new(())) to the App
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

async fn find<U: FindUser>(token: AccessToken, request: &HttpRequest) -> Result<CurrentUser<U>, AuthError> {
    let (state, head) = (AuthState::for_verification(request)?, Head::of(request));
    let exchange = head.exchange(&state);
    let found = match request.app_data::<web::Data<U::State>>() {
        Some(data) => exchange.user(&token, data.get_ref()).await,
        None => Err(exchange.refuse(missing_data::<U::State>())),
    };
    match found {
        Ok(user) => Ok(CurrentUser { user, token }),
        Err(failure) => Err(state.refuse(failure)),
    }
}

fn missing_data<S>() -> Reason {
    let state = type_name::<S>();
    Reason::NotSetUp(
        format!("CurrentUser needs web::Data<{state}>; add .app_data(web::Data::new(..)) to the App").into(),
    )
}

impl<U: FindUser + 'static> FromRequest for CurrentUser<U> {
    type Error = AuthError;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        ExtractFuture::boxed(async move { find(AccessToken::extract(&request).await?, &request).await })
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
