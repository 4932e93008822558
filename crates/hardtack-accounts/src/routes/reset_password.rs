//! `/password/reset`: a new password, for whoever has the link.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::Wants;
use hardtack_axum::{Auth, AuthError};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::answer;
use super::mail_link::LinkPage;
use crate::accounts::PasswordReset;
use crate::activity::Source;
use crate::input::Input;
use crate::links::{LinkToken, Purpose};
use crate::pages::{FieldError, ResetForm, Shell, reset};
use crate::site::Site;

const PAGE: LinkPage = LinkPage::new("/password/reset", ("/password/forgot", "Ask for another link"));

/// What the form sends. A program sends the link's `token` along.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    new_password: String,
    token: Option<String>,
}

pub(crate) async fn show(State(site): State<Site>, auth: Auth, headers: HeaderMap) -> Result<Response, AuthError> {
    if let Some(response) = PAGE.opened(&auth) {
        return Ok(response);
    }
    match PAGE.token(None, &headers) {
        Some(token) => form(&site, &auth, &token, StatusCode::OK, &[]).await,
        None => Ok(PAGE.dead(&auth)),
    }
}

/// The form, with the name of whose password it is: whoever was given somebody else's link sees it there.
async fn form(
    site: &Site,
    auth: &Auth,
    token: &LinkToken,
    status: StatusCode,
    errors: &[FieldError<'_>],
) -> Result<Response, AuthError> {
    let owner = site.accounts.username_of_link(token, Purpose::ResetPassword, auth.engine().now()).await;
    let Some(username) = owner.map_err(|error| auth.refuse(error))? else { return Ok(PAGE.dead(auth)) };
    let (csrf_token, cookies) = auth.pre_session()?;
    let view = ResetForm { csrf_token: &csrf_token, username: &username, errors };
    Ok((cookies, answer::page(status, reset(&Shell::default(), &view))).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    source: Source,
    headers: HeaderMap,
    Input(typed): Input<Typed>,
) -> Result<Response, AuthError> {
    auth.require_pre_session()?;
    let wants = auth.wants();
    let Some(token) = PAGE.token(typed.token.as_deref(), &headers) else { return Ok(PAGE.dead(&auth)) };
    match site.accounts.reset_password(&token, typed.new_password, &source).await {
        Ok(user) => {
            // Whoever knew the old password is out. Nobody is logged in: the link stands for a mailbox alone.
            auth.engine().revoke_all_sessions(&user).await.map_err(|error| auth.refuse(error))?;
            let done = json!({ "detail": "The password is changed, and all devices are logged out. Log in." });
            Ok(PAGE.used(answer::done(wants, "/login?done=reset", done), &auth))
        }
        Err(refusal) => match answer::problem_of(wants, refusal) {
            Ok(PasswordReset::DeadLink) => Ok(PAGE.dead(&auth)),
            Ok(PasswordReset::BadNew(problem)) => {
                let text = problem.to_string();
                let errors = [FieldError { field: "new_password", text: &text }];
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                match wants {
                    Wants::Page => form(&site, &auth, &token, status, &errors).await,
                    _ => Ok(answer::problem(wants, status, "invalid_fields", &text, &errors)),
                }
            }
            Err(response) => Ok(*response),
        },
    }
}
