//! `/email/confirm`, where confirmation links lead, and `/account/email/send`, which sends another one.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::StatusCode;
use serde_json::json;

use super::link_page::{LinkPage, SentLink};
use crate::accounts::DeadLink;
use crate::activity::RequestInfo;
use crate::extract::FormOrJson;
use crate::links::{LinkPurpose, LinkToken};
use crate::pages::{Shell, confirm_email};
use crate::respond;
use crate::site::Site;
use crate::users::User;

const PAGE: LinkPage = LinkPage::new(
    "/email/confirm",
    "It may have expired or already been used, or your account has changed since it was sent. Request a new link on \
     your account page.",
    ("/account", "Go to your account"),
);

pub(crate) async fn show(State(site): State<Site>, auth: Auth) -> Result<Response, AuthError> {
    if let Some(redirect) = PAGE.move_token_to_cookie(&auth) {
        return Ok(redirect);
    }
    let Some(token) = PAGE.token(&auth) else { return Ok(PAGE.dead_link(&auth)) };
    let link = site.accounts.find_link(&token, LinkPurpose::ConfirmEmail, auth.authenticator().now()).await;
    let Some(link) = link.map_err(|error| auth.refuse(error))? else { return Ok(PAGE.dead_link(&auth)) };
    let (csrf_token, cookies) = auth.pre_session()?;
    let page = confirm_email(&Shell::default(), &csrf_token, &token.form_key(), &link.username);
    Ok((cookies, respond::page(StatusCode::OK, page)).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    FormOrJson(link): FormOrJson<SentLink>,
) -> Result<Response, AuthError> {
    auth.require_pre_session()?;
    match PAGE.sent_token(&link, &auth) {
        Ok(token) => site.run_uninterrupted(&auth, confirm(site.clone(), auth.clone(), token, request)).await,
        Err(response) => Ok(*response),
    }
}

async fn confirm(site: Site, auth: Auth, token: LinkToken, request: RequestInfo) -> Result<Response, AuthError> {
    let wants = auth.wants();
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
