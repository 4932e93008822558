//! `/logout`: GET asks for confirmation, and POST logs the user out.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::refusal::NO_STORE;
use hardtack::request::Wants;
use hardtack::{FailureKind, Need};
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::{StatusCode, Uri, header};
use serde_json::json;

use super::kept_form;
use crate::extract::{is_unverified, shell_of, user_of_refused};
use crate::pages::{Notice, NoticeKind, Shell, confirm_logout};
use crate::respond;
use crate::site::Site;
use crate::users::User;

pub(crate) async fn show(State(site): State<Site>, auth: Auth, user: Option<CurrentUser<User>>) -> Response {
    if let Some(user) = user {
        let page = confirm_logout(&shell_of(&site.settings, &user, None), &user.token().csrf_token());
        return respond::page(StatusCode::OK, page);
    }
    // With a token that is not valid yet, the user cannot open any pages, but can log out.
    if let Some(csrf_token) = auth.early_csrf_token() {
        let page = confirm_logout(&Shell::unknown(&site.settings), &csrf_token);
        return ([(header::CACHE_CONTROL, NO_STORE)], respond::page(StatusCode::OK, page)).into_response();
    }
    // In redirect mode, a browser that has lost only its access cookie gets new tokens first, and then comes back.
    // Otherwise, it would seem to be logged out although its session continues.
    match auth.verify(Need::access()).await {
        Err(error) if error.failure().reason().kind() == FailureKind::RefreshNeeded => error.into_response(),
        _ => Redirect::to(&site.settings.home).into_response(),
    }
}

/// Returns the page that the user sees after logging out. The home page of `hardtack serve` says that the user is logged
/// out. An application's home page does not know the query parameter `done`, so it gets none.
fn after_log_out(site: &Site) -> Cow<'_, str> {
    match site.settings.is_demo {
        true => format!("{}?done=logout", site.settings.home).into(),
        false => (&site.settings.home).into(),
    }
}

pub(crate) async fn submit(State(site): State<Site>, auth: Auth, uri: Uri) -> Result<Response, AuthError> {
    let work = Box::pin(log_out(site.clone(), auth.clone(), uri));
    site.run_uninterrupted(&auth, work).await
}

/// Logs the user out. If the sessions and the users are in different stores, this takes two steps: the server ends the
/// session, and then records that the session has ended. Because of this record, the server refuses changes that the
/// session had already begun.
async fn log_out(site: Site, auth: Auth, uri: Uri) -> Result<Response, AuthError> {
    let cookies = match auth.log_out().await {
        Ok(cookies) => cookies,
        Err(error) if auth.wants() == Wants::Page && is_unverified(&error) => {
            return Ok(ask_again(&site, &auth, &uri).await);
        }
        Err(error) => return Err(error),
    };
    let success = respond::success(auth.wants(), &after_log_out(&site), json!({ "logged_out": true }));
    let response = (cookies, success).into_response();
    // The next person who uses the browser must not see this user's form.
    Ok(if auth.wants() == Wants::Api { response } else { kept_form::clear(response, &site) })
}

/// Handles a log-out request that failed the CSRF check, but might still have come from a page of this site. Shows the
/// page with the log-out button again. If the access token has expired, responds with a link to a page. Unlike the
/// form, the GET request for that page can refresh the tokens.
pub(super) async fn ask_again(site: &Site, auth: &Auth, uri: &Uri) -> Response {
    let user = user_of_refused(auth.headers(), uri, site).await;
    // The form may have been rendered for a different user of this browser.
    let name = user.as_ref().map(|user| format!(" as {}", user.username)).unwrap_or_default();
    let text = format!("Nothing was changed: you are still logged in{name}. To log out, choose “Log out” again.");
    let notice = Notice { kind: NoticeKind::Problem, text: &text };
    let (shell, csrf_token) = match (&user, auth.early_csrf_token()) {
        (Some(user), _) => (shell_of(&site.settings, user, Some(notice)), user.token().csrf_token()),
        (None, Some(csrf_token)) => (Shell { notice: Some(notice), ..Shell::unknown(&site.settings) }, csrf_token),
        (None, None) => {
            // In redirect mode, a browser that opens `/logout` with an expired token does not return there.
            let text = "This form is out of date or incomplete. Go to your account, then choose “Log out”. If you are \
                        asked for your password, you can choose “Log out” without entering it. If your session has \
                        already ended, you do not have to log out.";
            let action = ("/account".into(), "Go to your account");
            let page = respond::error(StatusCode::FORBIDDEN, "This form did not log you out", text, Some(action));
            return ([(header::CACHE_CONTROL, NO_STORE)], page).into_response();
        }
    };
    let page = confirm_logout(&shell, &csrf_token);
    ([(header::CACHE_CONTROL, NO_STORE)], respond::page(StatusCode::FORBIDDEN, page)).into_response()
}
