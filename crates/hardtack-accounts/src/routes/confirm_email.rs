//! `/email/confirm`, where confirmation links lead, and `/account/email/send`, which sends another one.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::link_page::LinkPage;
use crate::accounts::DeadLink;
use crate::activity::RequestInfo;
use crate::extract::FormOrJson;
use crate::links::LinkPurpose;
use crate::pages::{Shell, confirm_email};
use crate::respond;
use crate::site::Site;
use crate::users::User;

const PAGE: LinkPage = LinkPage::new("/email/confirm", ("/account", "Go to your account"));

/// The body. A browser sends the token in the page's cookie instead.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfirmEmailInput {
    token: Option<String>,
}

pub(crate) async fn show(State(site): State<Site>, auth: Auth, headers: HeaderMap) -> Result<Response, AuthError> {
    if let Some(redirect) = PAGE.move_token_to_cookie(&auth) {
        return Ok(redirect);
    }
    let Some(token) = PAGE.token(None, &headers) else { return Ok(PAGE.dead_link(&auth)) };
    let username = site.accounts.username_of_link(&token, LinkPurpose::ConfirmEmail, auth.authenticator().now()).await;
    let Some(username) = username.map_err(|error| auth.refuse(error))? else { return Ok(PAGE.dead_link(&auth)) };
    let (csrf_token, cookies) = auth.pre_session()?;
    let page = confirm_email(&Shell::default(), &csrf_token, &username);
    Ok((cookies, respond::page(StatusCode::OK, page)).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    headers: HeaderMap,
    FormOrJson(input): FormOrJson<ConfirmEmailInput>,
) -> Result<Response, AuthError> {
    auth.require_pre_session()?;
    let wants = auth.wants();
    let Some(token) = PAGE.token(input.token.as_deref(), &headers) else { return Ok(PAGE.dead_link(&auth)) };
    match site.accounts.confirm_email(&token, &request).await {
        Ok(()) => {
            let body = json!({ "detail": "Your email address has been confirmed." });
            Ok(PAGE.clear_token(respond::success(wants, "/?done=email", body), &auth))
        }
        Err(error) => Ok(match respond::invalid_input(wants, error) {
            Ok(DeadLink) => PAGE.dead_link(&auth),
            Err(response) => *response,
        }),
    }
}

pub(crate) async fn send_again(State(site): State<Site>, auth: Auth, user: CurrentUser<User>) -> Response {
    let wants = auth.wants();
    if !site.accounts.sends_mail() {
        let detail = "This site does not send email, so addresses cannot be confirmed.";
        return respond::problem(wants, StatusCode::NOT_IMPLEMENTED, "no_mail", detail, &[]);
    }
    site.accounts.send_confirmation(&user, auth.authenticator().now());
    let body = json!({ "detail": "If your address is not confirmed yet, an email is on its way." });
    respond::success(wants, "/account?done=letter", body)
}
