//! The `Auth` extractor. Handlers use it to log users in and out, refresh their tokens, and re-authenticate them.

use std::fmt;
use std::rc::Rc;

use actix_web::dev::{self, Payload};
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use hardtack::adapter::{Exchange, TypedName};
use serde::de::DeserializeOwned;

use crate::extract_future::ExtractFuture;
use crate::request::{AuthState, Head};
use crate::respond::{AuthError, SetCookies, reply_response};

/// An extractor for logging users in and out, refreshing their tokens, and re-authenticating them.
///
/// Methods that change something check the request first. For example, [`log_in`](Self::log_in) and
/// [`log_out`](Self::log_out) refuse requests with a safe method (such as GET) and requests from another site. They
/// also refuse a request if a required CSRF token is missing or wrong.
///
/// ```
/// use actix_web::{Either, Responder, web::{Form, Redirect}};
/// use hardtack_actix::{Auth, AuthError};
/// # #[derive(serde::Deserialize)] struct Credentials { username: String, password: String }
/// # async fn check(credentials: &Credentials) -> Option<String> { None }
///
/// async fn log_in(auth: Auth, Form(credentials): Form<Credentials>) -> Result<impl Responder, AuthError> {
///     auth.require_pre_session()?; // refuses forged forms before their password is checked
///     Ok(match check(&credentials).await {
///         Some(user) => {
///             let next = Redirect::to(auth.next_or_home()).see_other();
///             Either::Left(auth.log_in(user).await?.onto(next))
///         }
///         None => Either::Right("The user name and password do not match."),
///     })
/// }
/// ```
#[derive(Clone)]
pub struct Auth {
    state: Rc<AuthState>,
    // A copy of the request's head, because actix-web cannot route a request while a middleware holds an `HttpRequest`.
    head: Head<dev::RequestHead>,
}

impl Auth {
    hardtack::__forward_auth! {
        crate: "hardtack_actix",
        error: AuthError,
        cookies: SetCookies,
        response: HttpResponse = reply_response,
        sleep: tokio::time::sleep,
    }

    /// Returns the request's header fields.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// Reads a form that contains a password. Call this method only after the request has been checked.
    pub(crate) fn read_password_form<T: DeserializeOwned>(&self, body: &[u8]) -> Result<(T, TypedName), AuthError> {
        Ok(self.exchange().read_password_form(body)?)
    }

    fn exchange(&self) -> Exchange<'_> {
        self.head.exchange(&self.state)
    }
}

/// Omits the header fields, which contain credentials.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("authenticator", self.authenticator()).finish_non_exhaustive()
    }
}

impl FromRequest for Auth {
    type Error = AuthError;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = match AuthState::of_layer(request) {
            Ok(state) => state,
            Err(failure) => return ExtractFuture::complete(Err(failure.into())),
        };
        let head = Head::of(request).to_owned();
        if !state.has_unread_body() {
            return ExtractFuture::complete(Ok(Self { state, head }));
        }
        let request = request.clone();
        ExtractFuture::boxed(async move {
            state.read_ahead(&request, None).await?;
            Ok(Self { state, head })
        })
    }
}
