//! Extractors for posted forms that contain a password.

use std::fmt;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use hardtack::LogIn;
use hardtack::adapter::TypedName;
use hardtack::refusal::{LogInRefusal, Reason};
use serde::de::DeserializeOwned;

use super::token::AccessToken;
use crate::auth::Auth;
use crate::extract_future::ExtractFuture;
use crate::respond::AuthError;

/// A posted log-in form, or an API client's JSON. It dereferences to [`Auth`].
///
/// The extractor checks the request before it reads the body, so a handler never gets a password that another site
/// could have sent. The extractor rejects requests with a safe method (such as GET), requests from other sites, and
/// forms without the CSRF value of [`Auth::log_in_form`].
///
/// ```
/// use actix_web::{HttpResponse, Responder, web::Html};
/// use hardtack_actix::{Auth, AuthError, LogInForm};
/// # #[derive(serde::Deserialize)] struct Credentials { username: String, password: String }
/// # async fn check(typed: &Credentials) -> Option<String> { None }
/// # fn escape(text: &str) -> String { text.to_owned() }
///
/// async fn log_in_page(auth: Auth) -> Result<impl Responder, AuthError> {
///     let form = auth.log_in_form()?;
///     let page = format!(
///         "<!doctype html><title>Log in</title><p>{notice}</p><form method=post>{csrf}
///          <input name=username value='{username}'><input name=password type=password><button>Log in</button></form>",
///         notice = escape(form.notice().unwrap_or_default()),
///         csrf = form.csrf_field(),
///         username = escape(form.username()),
///     );
///     Ok(form.cookies().onto(Html::new(page)))
/// }
///
/// async fn log_in(typed: LogInForm<Credentials>) -> Result<HttpResponse, AuthError> {
///     match check(&typed.form).await {
///         Some(id) => typed.log_in(id).await, // cookies, and a redirect to `next` or to the home page
///         None => Err(typed.refuse("That user name and password do not match.")),
///     }
/// }
/// ```
pub struct LogInForm<T> {
    /// The fields that the user typed.
    pub form: T,
    auth: Auth,
    name: TypedName,
}

impl<T> LogInForm<T> {
    /// Logs the user in, and returns the response. A browser is redirected to the page in the query parameter `next`,
    /// or to the home page. An API client gets 200 with JSON.
    ///
    /// # Errors
    /// The errors of [`Auth::log_in`].
    pub async fn log_in(&self, log_in: impl Into<LogIn>) -> Result<HttpResponse, AuthError> {
        self.auth.log_in_and_return(log_in).await
    }

    /// Returns an error that rejects the log-in. Pass a message for the user. The error redirects a browser to the page
    /// with the form, where [`Auth::log_in_form`] returns the message and the typed user name once. An API client gets
    /// a 401 response with the code `log_in_refused`.
    ///
    /// Instead of a message, you can also pass any [`Reason`], such as a [`BackendError`](hardtack::BackendError).
    pub fn refuse(&self, reason: impl Into<Reason>) -> AuthError {
        self.auth.refuse(self.name.add_to(reason.into()))
    }
}

impl<T> Deref for LogInForm<T> {
    type Target = Auth;

    fn deref(&self) -> &Auth {
        &self.auth
    }
}

/// Omits the form from the output, because the form contains a password.
impl<T> fmt::Debug for LogInForm<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogInForm").field("auth", &self.auth).finish_non_exhaustive()
    }
}

/// A form, or an API client's JSON, in which the logged-in user has entered the password again. It dereferences to
/// [`Auth`].
///
/// Before it reads the body, the extractor checks the request as [`AccessToken`] does. The form must contain the CSRF
/// value of [`Auth::reauthentication_form`]. If the browser sends the form twice, for example after a double click, the
/// second request gets the same tokens as the first ([`Need::reauthenticating`](hardtack::Need::reauthenticating)).
///
/// ```
/// use actix_web::HttpResponse;
/// use hardtack_actix::{AuthError, Credentials, ReauthenticationForm};
/// # async fn check(typed: &Credentials) -> Option<String> { None }
///
/// async fn reauthenticate(typed: ReauthenticationForm<Credentials>) -> Result<HttpResponse, AuthError> {
///     match check(&typed.form).await {
///         Some(id) => typed.reauthenticate(&id).await, // refuses the form if another user is logged in
///         None => Err(typed.refuse("That user name and password do not match.")),
///     }
/// }
/// ```
pub struct ReauthenticationForm<T> {
    /// The fields that the user typed.
    pub form: T,
    token: AccessToken,
    auth: Auth,
    name: TypedName,
}

impl<T> ReauthenticationForm<T> {
    /// Returns the token of the user who is logged in.
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Makes the session of the user `subject` fresh again, and returns the response. A browser is redirected to the
    /// page in the query parameter `next`, or to the home page. An API client gets 200 with JSON.
    ///
    /// If another user is logged in, this method refuses the form with a message that says so.
    ///
    /// # Errors
    /// The errors of [`Auth::reauthenticate`].
    pub async fn reauthenticate(&self, subject: &str) -> Result<HttpResponse, AuthError> {
        if subject != self.token.subject() {
            return Err(self.refuse(LogInRefusal::another_user()));
        }
        self.auth.reauthenticate_and_return(subject).await
    }

    /// Returns an error that rejects the password. Pass a message for the user. The error redirects a browser to the
    /// page with the form, which shows the message once. An API client gets a 401 response with the code
    /// `log_in_refused`.
    ///
    /// Instead of a message, you can also pass any [`Reason`], such as a [`BackendError`](hardtack::BackendError).
    pub fn refuse(&self, reason: impl Into<Reason>) -> AuthError {
        self.auth.refuse(self.name.add_to(reason.into()))
    }
}

impl<T> Deref for ReauthenticationForm<T> {
    type Target = Auth;

    fn deref(&self) -> &Auth {
        &self.auth
    }
}

/// Omits the form from the output, because the form contains a password.
impl<T> fmt::Debug for ReauthenticationForm<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReauthenticationForm").field("auth", &self.auth).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for LogInForm<T> {
    type Error = AuthError;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        ExtractFuture::boxed(async move {
            let auth = Auth::extract(&request).await?;
            auth.require_pre_session()?;
            let (form, name) = read(&auth, &request, &mut payload).await?;
            Ok(Self { form, auth, name })
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for ReauthenticationForm<T> {
    type Error = AuthError;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        ExtractFuture::boxed(async move {
            let token = AccessToken::of_reauthentication(&request).await?;
            let auth = Auth::extract(&request).await?;
            let (form, name) = read(&auth, &request, &mut payload).await?;
            Ok(Self { form, token, auth, name })
        })
    }
}

/// Reads the form from the body. Call this function after the request has been checked.
async fn read<T: DeserializeOwned>(
    auth: &Auth,
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<(T, TypedName), AuthError> {
    let body = Bytes::from_request(request, payload).await;
    let body = body.map_err(|error| {
        auth.refuse(match error.as_response_error().status_code() {
            StatusCode::PAYLOAD_TOO_LARGE => Reason::BodyTooLarge,
            _ => Reason::InvalidForm(error.to_string()),
        })
    })?;
    auth.read_password_form(&body)
}
