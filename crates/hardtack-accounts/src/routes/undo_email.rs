//! `/email/undo`: the target of the link that an old address is sent when it is replaced.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use serde_json::json;

use super::link_page::{LinkPage, SentLink};
use crate::accounts::DeadLink;
use crate::activity::RequestInfo;
use crate::extract::FormOrJson;
use crate::links::{LinkPurpose, LinkToken};
use crate::pages::{Shell, UndoEmailView, undo_email};
use crate::respond;
use crate::site::Site;
use crate::throttling::{Client, Tried};

const PAGE: LinkPage = LinkPage::new(
    "/email/undo",
    "It may have expired or already been used. If you have just used it, your address has been restored.",
    ("/password/forgot", "Choose a new password"),
);

pub(crate) async fn show(State(site): State<Site>, auth: Auth) -> Result<Response, AuthError> {
    if let Some(redirect) = PAGE.move_token_to_cookie(&auth) {
        return Ok(redirect);
    }
    show_form(&site, &auth, StatusCode::OK, &Shell::default()).await
}

async fn show_form(site: &Site, auth: &Auth, status: StatusCode, shell: &Shell<'_>) -> Result<Response, AuthError> {
    let Some(token) = PAGE.token(auth) else { return Ok(PAGE.dead_link(auth)) };
    let link = site.accounts.find_link(&token, LinkPurpose::UndoEmail, auth.authenticator().now()).await;
    let Some(link) = link.map_err(|error| auth.refuse(error))? else { return Ok(PAGE.dead_link(auth)) };
    let (csrf_token, cookies) = auth.pre_session()?;
    let form_key = token.form_key();
    let view = UndoEmailView {
        csrf_token: &csrf_token,
        form_key: &form_key,
        username: &link.username,
        address: &link.address,
    };
    Ok((cookies, respond::page(status, undo_email(shell, &view))).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    client: Client,
    FormOrJson(link): FormOrJson<SentLink>,
) -> Result<Response, AuthError> {
    if let Err(error) = auth.require_pre_session() {
        return match PAGE.shell_of_unverified(&auth, &error) {
            Some(shell) => show_form(&site, &auth, StatusCode::FORBIDDEN, &shell).await,
            None => Err(error),
        };
    }
    match PAGE.sent_token(&link, &auth) {
        Ok(token) => site.run_uninterrupted(&auth, undo(site.clone(), auth.clone(), token, (request, client))).await,
        Err(response) => Ok(*response),
    }
}

async fn undo(
    site: Site,
    auth: Auth,
    token: LinkToken,
    (request, client): (RequestInfo, Client),
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let attempt = match site.accounts.throttling().by_address(Tried::Link, &client, &request).await {
        Ok(attempt) => attempt,
        Err(refused) => return Ok(respond::too_many(wants, &refused)),
    };
    match site.accounts.undo_email(&token, &request).await {
        Ok(ended) => {
            attempt.succeeded().await;
            // Even if the store is down now, the sessions end within seconds after it is back.
            site.finish_ending(ended).await;
            let detail = "The address has been restored and all devices have been logged out. Choose a new password.";
            let success = respond::success(wants, "/login?done=undo", json!({ "detail": detail }));
            Ok(PAGE.clear_token(success, &auth))
        }
        Err(error) => Ok(match respond::invalid_input(wants, error) {
            Ok(DeadLink) => PAGE.dead_link(&auth),
            Err(response) => *response,
        }),
    }
}
