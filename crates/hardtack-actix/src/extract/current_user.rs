//! The extractor for the application's own user type.

use std::any::type_name;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use hardtack::adapter::Exchange;
use hardtack::refusal::Reason;
use hardtack::{Failure, FindUser};

use super::token::{AccessToken, OptionalFromRequest};
use crate::extract_future::ExtractFuture;
use crate::request::{AuthState, Head};
use crate::respond::AuthError;

/// The logged-in user, whom the application's [`FindUser`] implementation looks up for each request.
///
/// `find_user` receives the `App`'s `web::Data<U::State>`. If the user no longer exists, the request is refused and the
/// response deletes the cookies.
///
/// `Optional<CurrentUser<U>>` is `None` in three cases:
/// - The request has no token.
/// - The token in the cookies is invalid and cannot be refreshed.
/// - The user identified by the token in the cookies no longer exists.
///
/// In the last two cases, the response deletes the cookies, because they no longer work.
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

/// Returns the application's state for the look-up.
fn look_up_state<'r, U: FindUser>(request: &'r HttpRequest, exchange: &Exchange<'_>) -> Result<&'r U::State, Failure> {
    let data = request.app_data::<web::Data<U::State>>();
    data.map(web::Data::get_ref).ok_or_else(|| {
        let state = type_name::<U::State>();
        let advice = format!("CurrentUser needs web::Data<{state}>; add .app_data(web::Data::new(..)) to the App");
        exchange.refuse(Reason::NotSetUp(advice.into()))
    })
}

impl<U: FindUser + 'static> FromRequest for CurrentUser<U> {
    type Error = AuthError;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        ExtractFuture::boxed(async move {
            let token = AccessToken::extract(&request).await?;
            let (state, head) = (AuthState::for_verification(&request)?, Head::of(&request));
            let exchange = head.exchange(&state);
            let found = match look_up_state::<U>(&request, &exchange) {
                Ok(data) => exchange.user(&token, data).await,
                Err(failure) => Err(failure),
            };
            found.map(|user| Self { user, token }).map_err(|failure| state.refuse(failure))
        })
    }
}

impl<U: FindUser> OptionalFromRequest for CurrentUser<U> {
    async fn from_request_optional(request: &HttpRequest) -> Result<Option<Self>, AuthError> {
        let Some(token) = AccessToken::from_request_optional(request).await? else { return Ok(None) };
        let (state, head) = (AuthState::for_verification(request)?, Head::of(request));
        let exchange = head.exchange(&state);
        let found = match look_up_state::<U>(request, &exchange) {
            Ok(data) => exchange.optional_user(&token, data).await,
            Err(failure) => Err(failure),
        };
        found.map(|user| user.map(|user| Self { user, token })).map_err(|failure| state.refuse(failure))
    }
}
