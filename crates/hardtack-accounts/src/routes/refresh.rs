//! `/token/refresh`, which exchanges the refresh token for new tokens, and redirects a browser back to the page that it
//! requested.

use axum::Form;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::RefreshMode;
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, RefreshToken};
use http::{Method, StatusCode, Uri, header};
use serde::Deserialize;
use serde_json::json;

use super::account::{PasswordInput, SettingsInput};
use super::confirm_email::SendAgainForm;
use super::fallback::method_not_allowed_response;
use super::logout::ask_again;
use super::reauthenticate::ReauthenticateInput;
use super::sessions::DeviceForm;
use crate::extract::{is_unverified, next_or_home, next_page, refuse_form};
use crate::pages::{Shell, continue_refresh};
use crate::respond;
use crate::site::Site;

/// The form of [`continue_refresh`].
#[derive(Default, Deserialize)]
#[serde(default)]
struct ContinueInput {
    next: Option<String>,
}

pub(crate) async fn show(
    State(site): State<Site>,
    auth: Auth,
    token: Result<RefreshToken, AuthError>,
    method: Method,
) -> Response {
    // A refresh changes state, which GET and HEAD must not do (RFC 9110 §9.2.1). In redirect mode, however, a GET has
    // to refresh, because browsers are redirected to this URL.
    let redirects = auth.authenticator().refresh_mode() == RefreshMode::Redirect;
    if method == Method::HEAD || !redirects {
        let allowed = if redirects { "GET, POST" } else { "POST" };
        return ([(header::ALLOW, allowed)], method_not_allowed_response(auth.headers())).into_response();
    }
    match auth.require_same_origin() {
        Err(_) if auth.wants() == Wants::Page => show_continue(&site, &auth),
        _ => match check_user(&site, &auth, token).await {
            Ok(()) => auth.refresh_and_return().await.into_response(),
            Err(error) => error.into_response(),
        },
    }
}

/// Refuses the token of a user who has been disabled or deleted (ASVS 5.0 V7.4.2). If the token is invalid, does
/// nothing, because the refresh itself refuses the token and gives the reason.
async fn check_user(site: &Site, auth: &Auth, token: Result<RefreshToken, AuthError>) -> Result<(), AuthError> {
    let Ok(token) = token else { return Ok(()) };
    match site.accounts.find(token.subject()).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(auth.refuse(Reason::UnknownUser)),
        Err(error) => Err(auth.refuse(error)),
    }
}

/// Handles a visitor who followed a link from another site: instead of refreshing the tokens, shows a page of this site
/// that requests the refresh.
fn show_continue(site: &Site, auth: &Auth) -> Response {
    let next = auth.query("next").and_then(|next| next_page(site, auth, &next));
    let path = site.path("/token/refresh");
    let url = next.as_ref().map_or_else(|| path.clone(), |next| next.append_to(&path));
    let is_from_public_page = next.is_some() && auth.query("public").is_some_and(|value| value == "1");
    let url = if is_from_public_page { url + "&public=1" } else { url };
    let csrf_token = auth.refresh_csrf_token().map(|token| token.to_string()).unwrap_or_default();
    let next = next.as_ref().map(hardtack::request::NextPath::as_str);
    let shell = Shell::unknown(&site.settings);
    respond::page(StatusCode::FORBIDDEN, continue_refresh(&shell, &csrf_token, next, Some(&url)))
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    token: Result<RefreshToken, AuthError>,
    request: Request,
) -> Result<Response, AuthError> {
    // If the request has a query, another route has redirected it here with 307. The body is then meant for that route.
    let is_own_form = request.uri().query().is_none()
        && request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    // In redirect mode, a log-out ends the session here. A user who has been disabled can still log out.
    let redirects = auth.authenticator().refresh_mode() == RefreshMode::Redirect;
    let logs_out = redirects && auth.query("logout").is_some();
    let known = if logs_out { Ok(()) } else { check_user(&site, &auth, token).await };
    if logs_out && !is_own_form {
        let work = Box::pin(log_out(site.clone(), auth.clone(), request.uri().clone()));
        return site.run_uninterrupted(&auth, work).await;
    }
    if !is_own_form {
        let refreshed = match known {
            Ok(()) => auth.refresh_and_return().await,
            Err(error) => Err(error),
        };
        return match refreshed {
            Ok(response) => Ok(response),
            Err(error) => Ok(refuse_redirected(error, request, &auth, &site).await),
        };
    }
    known?;
    let cookies = auth.refresh().await?;
    let Form(ContinueInput { next }) = Form::from_request(request, &()).await.unwrap_or_default();
    let location = next_or_home(&site, &auth, next.as_deref());
    if auth.wants() == Wants::Page {
        return Ok((cookies, Redirect::to(&location)).into_response());
    }
    Ok((cookies, respond::success(auth.wants(), &location, json!({ "refreshed": true }))).into_response())
}

/// Ends the session of a browser that was posting to the log-out URL, and sends the browser back there.
async fn log_out(site: Site, auth: Auth, uri: Uri) -> Result<Response, AuthError> {
    match auth.refresh_and_return().await {
        Err(error) if auth.wants() == Wants::Page && is_unverified(&error) => Ok(ask_again(&site, &auth, &uri).await),
        ended => ended,
    }
}

/// Refuses a request that another route has redirected here. If the other route handles a form on an account page,
/// responds the way that route does when it refuses the form. For example, what the user typed into the profile form is
/// kept.
async fn refuse_redirected(error: AuthError, request: Request, auth: &Auth, site: &Site) -> Response {
    // The browser was posting a password. Here, `next` is the page to show afterward.
    if auth.query("reauthenticate").is_some() {
        return refuse_form::<ReauthenticateInput>(error, request, auth, site).await;
    }
    let next = auth.query("next").unwrap_or_default();
    let path = next.split('?').next().unwrap_or_default();
    match site.settings.own_path(path).unwrap_or_default() {
        "/account/change_settings" => refuse_form::<SettingsInput>(error, request, auth, site).await,
        "/account/password" => refuse_form::<PasswordInput>(error, request, auth, site).await,
        "/account/email/send" => refuse_form::<SendAgainForm>(error, request, auth, site).await,
        path if path.starts_with("/account/sessions/") => refuse_form::<DeviceForm>(error, request, auth, site).await,
        _ => error.into_response(),
    }
}
