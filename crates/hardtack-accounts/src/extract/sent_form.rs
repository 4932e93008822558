//! A form that a logged-in user sends. If the form is rejected, what the user typed is not lost.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use hardtack::FailureKind;
use hardtack::csrf::CsrfError;
use hardtack::refusal::{NO_STORE, Reason};
use hardtack::request::{NextPath, Wants};
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use super::visitor::user_of_refused;
use super::{FormOrJson, JsonBody};
use crate::pages::{Notice, NoticeKind};
use crate::respond;
use crate::site::Site;
use crate::users::User;

/// A form that a logged-in user has sent, and the user who sent it.
pub(crate) struct SentForm<T> {
    pub(crate) user: CurrentUser<User>,
    pub(crate) input: T,
}

/// A form on a page that only logged-in users can open.
pub(crate) trait AccountForm: Sized + Send {
    /// The page of this site where the user continues after logging in again. `/` is the application's home page.
    const PAGE: &'static str;

    /// The value of the query parameter `done` that makes this page say that nothing was changed.
    const UNCHANGED: Option<&'static str> = None;

    /// What the page with the form tells the user if the form was out of date: that nothing was changed, and what to do.
    const OUT_OF_DATE: &'static str = "Nothing was changed. Check the form and send it again.";

    /// Whether the form contains text that should be kept while the user logs in again.
    const HAS_TEXT: bool = false;

    /// Whether the form re-authenticates the user with the password. If the browser sends such a form twice, both
    /// requests get the same tokens.
    const REAUTHENTICATES: bool = false;

    /// Returns the public path of the page where the user continues after a log-in, if the form asks for a certain
    /// page. Otherwise, the user continues to the page [`PAGE`](Self::PAGE).
    fn after_log_in(&self, _site: &Site, _auth: &Auth) -> Option<String> {
        None
    }

    /// Returns whether the form proves that it was rendered for this user.
    fn is_of(&self, _user: &User, _site: &Site) -> bool {
        false
    }

    /// Returns the path, as in `router.rs`, of the page that shows the form again and says that nothing was changed.
    /// `input` is `None` if the fields could not be read.
    fn page_again(_input: Option<&Self>, _site: &Site, _auth: &Auth) -> String {
        path_of::<Self>(Self::UNCHANGED)
    }

    /// Reads the fields.
    fn read(request: Request, site: &Site) -> impl Future<Output = Result<Self, Response>> + Send;

    /// Adds a cookie to `response`, which redirects to the log-in page. The cookie keeps what the user typed into the
    /// form. Returns `None` if nothing is kept.
    fn keep(&self, _response: &mut Response, _site: &Site) -> Option<()> {
        None
    }

    /// Shows the page with the form again. The fields contain what the user typed, except for passwords.
    fn show_again(
        self,
        site: &Site,
        auth: &Auth,
        user: &CurrentUser<User>,
        notice: Notice<'_>,
    ) -> impl Future<Output = Result<Response, AuthError>> + Send;
}

/// Returns the public path of the form's page. If `done` is set, the path ends with a query parameter `done` that has
/// this value.
fn url_of<T: AccountForm>(done: Option<&str>, site: &Site) -> String {
    if T::PAGE == "/" { site.settings.home.clone() } else { site.path(&path_of::<T>(done)) }
}

fn path_of<T: AccountForm>(done: Option<&str>) -> String {
    done.map_or_else(|| T::PAGE.to_owned(), |done| format!("{}?done={done}", T::PAGE))
}

/// Reads the fields of a form, or of a JSON body.
pub(crate) async fn read_fields<T: DeserializeOwned + JsonBody>(request: Request, site: &Site) -> Result<T, Response> {
    FormOrJson::from_request(request, site).await.map(|FormOrJson(fields)| fields)
}

impl<T: AccountForm> FromRequest<Site> for SentForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let auth = Auth::from_request_parts(&mut parts, site).await.map_err(IntoResponse::into_response)?;
        let user = match T::REAUTHENTICATES {
            true => CurrentUser::of_reauthentication(&parts, site).await,
            false => <CurrentUser<User> as FromRequestParts<Site>>::from_request_parts(&mut parts, site).await,
        };
        let uri = parts.uri.clone();
        let request = Request::from_parts(parts, body);
        let error = match user {
            Ok(user) => return Ok(Self { user, input: T::read(request, site).await? }),
            Err(error) => error,
        };
        // The token is not refreshed, because another site may have sent the request.
        if auth.wants() == Wants::Page
            && is_unverified(&error)
            && let Some(user) = user_of_refused(auth.headers(), &uri, site).await
        {
            let Ok(input) = T::read(request, site).await else { return Err(error.into_response()) };
            let text = explain(&error, &input, &user, site);
            let notice = Notice { kind: NoticeKind::Problem, text: &text };
            let shown = input.show_again(site, &auth, &user, notice).await;
            return Err(never_stored(shown.unwrap_or_else(IntoResponse::into_response)));
        }
        Err(refuse_form::<T>(error, request, &auth, site).await)
    }
}

/// Returns the message above a form that is shown again. Unless the form proves whose it is, it may have been rendered
/// for a different user of this browser, so the message says who is logged in now.
fn explain<T: AccountForm>(error: &AuthError, input: &T, user: &User, site: &Site) -> String {
    match error.failure().reason() {
        Reason::Csrf(CsrfError::Mismatch) if !input.is_of(user, site) => format!(
            "This page was open for too long, you have logged in again since, or another user has logged in. You are \
             now logged in as {}. {}",
            user.username,
            T::OUT_OF_DATE
        ),
        reason => reason.explanation().to_owned(),
    }
}

/// Returns the response that refuses a form. If the user's session has ended, the response redirects to the log-in
/// page, which says whether the form has been kept. If the browser has newer tokens for the session, the log-in page
/// says that the session continues. If the form does not have the session's CSRF token, the response leads to the page
/// with the form.
pub(crate) async fn refuse_form<T: AccountForm>(
    error: AuthError,
    request: Request,
    auth: &Auth,
    site: &Site,
) -> Response {
    let is_unverified = is_unverified(&error);
    let is_handled = is_unverified || has_lost_session(&error);
    if auth.wants() != Wants::Page || !is_handled || auth.require_same_origin().is_err() {
        return error.into_response();
    }
    let input = T::read(request, site).await.ok();
    match is_unverified {
        true => open_again(input.as_ref(), auth, site),
        false => after_log_in(error, input.as_ref(), auth, site),
    }
}

/// Responds with a page that says that nothing was changed, and that leads to the page with the form. Call this
/// function if the form has no valid CSRF token and its sender is not known, because the access token has expired or
/// the session has ended. A GET request for that page may refresh the tokens, but the form may not. A cookie keeps what
/// was typed, and belongs to the user for whom the form was rendered.
fn open_again<T: AccountForm>(input: Option<&T>, auth: &Auth, site: &Site) -> Response {
    let kept = |response: &mut Response| input.and_then(|input| input.keep(response, site));
    let response = |advice| {
        let text = format!("This form is out of date or incomplete, so nothing was changed. {advice}");
        let action = (T::page_again(input, site, auth).into(), "Open the form again");
        never_stored(respond::error(StatusCode::FORBIDDEN, "Nothing was changed", &text, Some(action)))
    };
    let mut shown =
        response("We have kept what you typed, except passwords. Open the form again to check and save your changes.");
    match kept(&mut shown) {
        Some(()) => shown,
        None => response("Open the form again, and send it from there."),
    }
}

fn never_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    response
}

/// Returns whether the refused form might have come from a page of this site. If so, the form can be shown again.
pub(crate) fn is_unverified(error: &AuthError) -> bool {
    match error.failure().reason() {
        Reason::Csrf(error) => !matches!(error, CsrfError::CrossSite | CsrfError::BadHost | CsrfError::Unread),
        _ => false,
    }
}

/// Returns whether the user has to log in again. This is also the case if the token is not valid yet, because this
/// server does not accept the token at the moment.
fn has_lost_session(error: &AuthError) -> bool {
    matches!(
        error.failure().reason().kind(),
        FailureKind::Missing
            | FailureKind::Invalid
            | FailureKind::Expired
            | FailureKind::Revoked
            | FailureKind::UnknownUser
    )
}

/// Like [`refuse_form`], but for a form that has already been read and has passed the CSRF check.
pub(crate) fn refuse_read_form<T: AccountForm>(error: AuthError, input: &T, auth: &Auth, site: &Site) -> Response {
    if auth.wants() != Wants::Page || !has_lost_session(&error) {
        return error.into_response();
    }
    after_log_in(error, Some(input), auth, site)
}

/// Redirects to the log-in page, which says whether the form has been kept. After logging in, the user continues to the
/// page with the form.
fn after_log_in<T: AccountForm>(error: AuthError, input: Option<&T>, auth: &Auth, site: &Site) -> Response {
    let never_had_one = error.failure().reason().kind() == FailureKind::Missing;
    let is_replaced = matches!(error.failure().reason(), Reason::Replaced);
    let is_early = error.failure().reason().is_early();
    let mut response = error.into_response();
    let kept = input.and_then(|input| input.keep(&mut response, site)).is_some();
    if never_had_one && T::HAS_TEXT && !kept {
        // Nothing in the form proves which user sent it, so the form might come from another site.
        return response;
    }
    // If the browser sent the form twice, the first request may have changed something.
    let unchanged = T::UNCHANGED.filter(|_| kept || !is_replaced);
    let page = input.and_then(|input| input.after_log_in(site, auth)).unwrap_or_else(|| url_of::<T>(unchanged, site));
    let url = &site.settings.log_in;
    let log_in = NextPath::parse(&page);
    let log_in = log_in.map_or_else(|| format!("{url}?"), |next| next.append_to(url) + "&");
    let location = log_in
        + match (is_replaced, kept) {
            // The session continues, so the log-in page must not say that it has ended.
            _ if is_early => {
                if kept {
                    "form=early-kept"
                } else {
                    "form=early"
                }
            }
            (true, true) => "form=kept",
            (true, false) => "form=sent",
            (false, true) => "ended=1&form=kept",
            (false, false) => "ended=1&form=lost",
        };
    if let Ok(location) = HeaderValue::try_from(location) {
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
