//! `/password/reset`, where reset links lead.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::link_page::LinkPage;
use crate::accounts::PasswordResetProblem;
use crate::activity::RequestInfo;
use crate::extract::FormOrJson;
use crate::links::{LinkPurpose, LinkToken};
use crate::pages::{FieldError, ResetPasswordView, Shell, reset_password};
use crate::respond;
use crate::site::Site;

const PAGE: LinkPage = LinkPage::new("/password/reset", ("/password/forgot", "Request a new link"));

/// The body. A browser sends the token in the page's cookie instead.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ResetPasswordInput {
    new_password: String,
    token: Option<String>,
}

pub(crate) async fn show(State(site): State<Site>, auth: Auth, headers: HeaderMap) -> Result<Response, AuthError> {
    if let Some(redirect) = PAGE.move_token_to_cookie(&auth) {
        return Ok(redirect);
    }
    match PAGE.token(None, &headers) {
        Some(token) => show_form(&site, &auth, &token, StatusCode::OK, &[]).await,
        None => Ok(PAGE.dead_link(&auth)),
    }
}

/// Responds with the form. It shows the user name, so that visitors notice if the link is for another account.
async fn show_form(
    site: &Site,
    auth: &Auth,
    token: &LinkToken,
    status: StatusCode,
    errors: &[FieldError<'_>],
) -> Result<Response, AuthError> {
    let username = site.accounts.username_of_link(token, LinkPurpose::ResetPassword, auth.authenticator().now()).await;
    let Some(username) = username.map_err(|error| auth.refuse(error))? else { return Ok(PAGE.dead_link(auth)) };
    let (csrf_token, cookies) = auth.pre_session()?;
    let view = ResetPasswordView { csrf_token: &csrf_token, username: &username, errors };
    Ok((cookies, respond::page(status, reset_password(&Shell::default(), &view))).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    headers: HeaderMap,
    FormOrJson(input): FormOrJson<ResetPasswordInput>,
) -> Result<Response, AuthError> {
    auth.require_pre_session()?;
    let wants = auth.wants();
    let Some(token) = PAGE.token(input.token.as_deref(), &headers) else { return Ok(PAGE.dead_link(&auth)) };
    match site.accounts.reset_password(&token, input.new_password, &request).await {
        Ok(user_id) => {
            // Ends the sessions of everyone who knew the old password. Does not log in: the link proves access to a
            // mailbox, not the password.
            auth.authenticator().revoke_all_sessions(&user_id).await.map_err(|error| auth.refuse(error))?;
            let detail = "Your password has been changed and all devices have been logged out. \
                          Log in with your new password.";
            let body = json!({ "detail": detail });
            Ok(PAGE.clear_token(respond::success(wants, "/login?done=reset", body), &auth))
        }
        Err(error) => match respond::invalid_input(wants, error) {
            Ok(PasswordResetProblem::DeadLink) => Ok(PAGE.dead_link(&auth)),
            Ok(PasswordResetProblem::InvalidNew(problem)) => {
                let text = problem.to_string();
                let errors = [FieldError { field: "new_password", text: &text }];
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                match wants {
                    Wants::Page => show_form(&site, &auth, &token, status, &errors).await,
                    _ => Ok(respond::problem(wants, status, "invalid_fields", &text, &errors)),
                }
            }
            Err(response) => Ok(*response),
        },
    }
}
