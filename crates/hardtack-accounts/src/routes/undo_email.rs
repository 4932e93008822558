//! `/email/undo`: restores a user's previous email address. When a user replaces a confirmed address, the previous
//! address receives a link to this page.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::link_page::{LinkPage, SentLink};
use super::link_used;
use super::own_session::finish_ending;
use crate::activity::RequestInfo;
use crate::extract::{FormOrJson, JsonBody, JsonType};
use crate::links::{LinkPurpose, LinkToken};
use crate::pages::{FieldError, Shell, UndoEmailView, undo_email};
use crate::respond;
use crate::site::Site;
use crate::throttling::{Client, Tried};

const PAGE: LinkPage = LinkPage::new(
    "/email/undo",
    |site| {
        format!(
            "The link may have expired or already been used, or your account may have changed since the link was \
             sent. If you have just used the link, your address has been restored. Otherwise, go to your account. If \
             the email address there is not yours, change it, then change your password. If you cannot log in, ask {} \
             for help.",
            site.administrator()
        )
    },
    ("/account", "Go to your account"),
);

/// The request body. See [`SentLink`] for `token` and `link`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct UndoEmailInput {
    /// The new password. Empty or missing if the password stays the same.
    new_password: String,
    token: Option<String>,
    link: Option<String>,
}

impl JsonBody for UndoEmailInput {
    const MEMBERS: &'static [(&'static str, JsonType)] =
        &[("token", JsonType::String), ("new_password", JsonType::String)];

    const REQUIRED: &'static [&'static str] = &["token"];
}

pub(crate) async fn show(State(site): State<Site>, auth: Auth) -> Result<Response, AuthError> {
    if let Some(redirect) = PAGE.move_token_to_cookie(&site, &auth) {
        return Ok(redirect);
    }
    match PAGE.token(&site, &auth) {
        Some(token) => show_form(&site, &auth, &token, StatusCode::OK, &Shell::unknown(&site.settings), &[]).await,
        None => Ok(PAGE.dead_link(&site, &auth)),
    }
}

async fn show_form(
    site: &Site,
    auth: &Auth,
    token: &LinkToken,
    status: StatusCode,
    shell: &Shell<'_>,
    errors: &[FieldError<'_>],
) -> Result<Response, AuthError> {
    let link = site.accounts.find_link(token, LinkPurpose::UndoEmail, auth.authenticator().now()).await;
    let Some(link) = link.map_err(|error| auth.refuse(error))? else { return Ok(PAGE.dead_link(site, auth)) };
    let (csrf_token, cookies) = auth.pre_session()?;
    let form_key = token.form_key();
    let view = UndoEmailView {
        csrf_token: &csrf_token,
        form_key: &form_key,
        username: &link.username,
        address: &link.address,
        min_password: site.accounts.min_password(),
        errors,
    };
    Ok((cookies, respond::page(status, undo_email(shell, &view))).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    client: Client,
    FormOrJson(input): FormOrJson<UndoEmailInput>,
) -> Result<Response, AuthError> {
    if let Err(error) = auth.require_pre_session() {
        let (Some(token), Some(shell)) = (PAGE.token(&site, &auth), PAGE.shell_of_unverified(&site, &auth, &error))
        else {
            return Err(error);
        };
        return show_form(&site, &auth, &token, StatusCode::FORBIDDEN, &shell, &[]).await;
    }
    let UndoEmailInput { new_password, token, link } = input;
    let token = match PAGE.sent_token(&SentLink { token, link }, &site, &auth) {
        Ok(token) => token,
        Err(response) => return Ok(*response),
    };
    let new_password = Some(new_password).filter(|password| !password.is_empty());
    let work = Box::pin(undo(site.clone(), auth.clone(), token, new_password, (request, client)));
    site.run_uninterrupted(&auth, work).await
}

async fn undo(
    site: Site,
    auth: Auth,
    token: LinkToken,
    new_password: Option<String>,
    (request, client): (RequestInfo, Client),
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let attempt = match site.accounts.throttling().by_address(Tried::Link, &client, &request).await {
        Ok(attempt) => attempt,
        Err(refused) => return Ok(respond::too_many(wants, &refused)),
    };
    let has_new_password = new_password.is_some();
    match site.accounts.use_undo_link(&token, new_password, &request).await {
        Ok((owner, ended)) => {
            attempt.succeeded().await;
            let has_ended = finish_ending(&site, &auth, ended).await;
            let (location, detail) = match (has_new_password, has_ended) {
                (true, true) => (
                    "/login?done=undo-password",
                    "The address has been restored, the password has been changed, and all devices have been logged out.",
                ),
                (true, false) => (
                    "/login?done=undo-password-soon",
                    "The address has been restored and the password has been changed. All devices will be logged out \
                     within seconds.",
                ),
                (false, true) => (
                    "/login?done=undo",
                    "The address has been restored and all devices have been logged out. Choose a new password.",
                ),
                (false, false) => (
                    "/login?done=undo-soon",
                    "The address has been restored. All devices will be logged out within seconds. Choose a new password.",
                ),
            };
            let success = respond::success(wants, &site.path(location), json!({ "detail": detail }));
            let response = PAGE.clear_token(link_used::remember(success, &owner.id, &site, wants), &site);
            if !has_new_password {
                return Ok(response);
            }
            Ok(client.devices.remember(response, &owner.known(), &site.auth, &site.settings))
        }
        Err(error) => match PAGE.problem_of_password(error, &site, &auth) {
            Ok(text) => {
                let errors = [FieldError { field: "new_password", text: &text }];
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                show_form(&site, &auth, &token, status, &Shell::unknown(&site.settings), &errors).await
            }
            Err(response) => Ok(*response),
        },
    }
}
