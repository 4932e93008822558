//! `/email/confirm`, and another letter with a link there.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::answer;
use super::mail_link::LinkPage;
use crate::activity::Source;
use crate::input::Input;
use crate::links::Purpose;
use crate::pages::{Shell, confirm_email};
use crate::site::Site;
use crate::users::User;

const PAGE: LinkPage = LinkPage::new("/email/confirm", ("/account", "Go to your account"));

/// What a program sends; the form sends nothing of its own.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    token: Option<String>,
}

pub(crate) async fn show(State(site): State<Site>, auth: Auth, headers: HeaderMap) -> Result<Response, AuthError> {
    if let Some(response) = PAGE.opened(&auth) {
        return Ok(response);
    }
    let Some(token) = PAGE.token(None, &headers) else { return Ok(PAGE.dead(&auth)) };
    let owner = site.accounts.username_of_link(&token, Purpose::ConfirmEmail, auth.engine().now()).await;
    let Some(username) = owner.map_err(|error| auth.refuse(error))? else { return Ok(PAGE.dead(&auth)) };
    let (csrf_token, cookies) = auth.pre_session()?;
    let page = confirm_email(&Shell::default(), &csrf_token, &username);
    Ok((cookies, answer::page(StatusCode::OK, page)).into_response())
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
    match site.accounts.confirm_email(&token, &source).await {
        Ok(()) => {
            let done = json!({ "detail": "The address is confirmed." });
            Ok(PAGE.used(answer::done(wants, "/?done=email", done), &auth))
        }
        Err(refusal) => Ok(match answer::problem_of(wants, refusal) {
            Ok(_) => PAGE.dead(&auth),
            Err(response) => *response,
        }),
    }
}

/// Sends the letter once more, to an address that is not confirmed.
pub(crate) async fn send_again(State(site): State<Site>, auth: Auth, user: CurrentUser<User>) -> Response {
    let wants = auth.wants();
    if !site.accounts.sends_mail() {
        let detail = "This site sends no mail, so that no address can be confirmed.";
        return answer::problem(wants, StatusCode::NOT_IMPLEMENTED, "no_mail", detail, &[]);
    }
    site.accounts.send_confirmation(&user, auth.engine().now());
    let done = json!({ "detail": "If the address is not confirmed yet, a letter is on its way." });
    answer::done(wants, "/account?done=letter", done)
}
