//! `/password/reset`, the page that reset links lead to.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::credentials::shell_of_unverified;
use super::link_page::{LinkPage, SentLink};
use super::link_used;
use super::own_session::finish_ending;
use crate::activity::RequestInfo;
use crate::extract::{FormOrJson, JsonBody, JsonType};
use crate::links::LinkToken;
use crate::pages::{FieldError, ResetPasswordView, Shell, reset_password};
use crate::respond;
use crate::site::Site;
use crate::throttling::{Client, Tried};

const PAGE: LinkPage = LinkPage::new(
    "/password/reset",
    |_| {
        "The link may have expired or already been used, or your account may have changed since the link was sent. If \
         you have just used the link, your password has been changed: log in with the new password. Otherwise, \
         request a new link."
            .to_owned()
    },
    ("/password/forgot", "Request a new link"),
);

/// The body of the request. See [`SentLink`] for `token` and `link`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ResetPasswordInput {
    new_password: String,
    token: Option<String>,
    link: Option<String>,
}

impl JsonBody for ResetPasswordInput {
    const MEMBERS: &'static [(&'static str, JsonType)] =
        &[("token", JsonType::String), ("new_password", JsonType::String)];

    const REQUIRED: &'static [&'static str] = &["token", "new_password"];
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

/// Responds with the form. The form shows the user name, so that someone who follows a link for a different account
/// notices the mistake.
async fn show_form(
    site: &Site,
    auth: &Auth,
    token: &LinkToken,
    status: StatusCode,
    shell: &Shell<'_>,
    errors: &[FieldError<'_>],
) -> Result<Response, AuthError> {
    let link = site.accounts.find_password_link(token, auth.authenticator().now()).await;
    let Some(link) = link.map_err(|error| auth.refuse(error))? else { return Ok(PAGE.dead_link(site, auth)) };
    let (csrf_token, cookies) = auth.pre_session()?;
    let form_key = token.form_key();
    let view = ResetPasswordView {
        csrf_token: &csrf_token,
        form_key: &form_key,
        username: &link.username,
        is_first: link.is_first_password,
        min_password: site.accounts.min_password(),
        errors,
    };
    Ok((cookies, respond::page(status, reset_password(shell, &view))).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    client: Client,
    FormOrJson(input): FormOrJson<ResetPasswordInput>,
) -> Result<Response, AuthError> {
    if let Err(error) = auth.require_pre_session() {
        let (Some(token), Some(shell)) = (PAGE.token(&site, &auth), shell_of_unverified(&site, &auth, &error)) else {
            return Err(error);
        };
        return show_form(&site, &auth, &token, StatusCode::FORBIDDEN, &shell, &[]).await;
    }
    let ResetPasswordInput { new_password, token, link } = input;
    let token = match PAGE.sent_token(&SentLink { token, link }, &site, &auth) {
        Ok(token) => token,
        Err(response) => return Ok(*response),
    };
    let work = Box::pin(reset(site.clone(), auth.clone(), token, new_password, (request, client)));
    site.run_uninterrupted(&auth, work).await
}

/// Sets the new password and ends all of the user's sessions, because someone else might know the old password. Does
/// not log the user in, because the link does not prove who is using it. A link in an email only proves access to the
/// mailbox. If an operator created the link, the operator knows it too.
async fn reset(
    site: Site,
    auth: Auth,
    token: LinkToken,
    new_password: String,
    (request, client): (RequestInfo, Client),
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let attempt = match site.accounts.throttling().by_address(Tried::Link, &client, &request).await {
        Ok(attempt) => attempt,
        Err(refused) if wants == Wants::Page => {
            let errors = [FieldError { field: "", text: refused.sentence() }];
            let status = StatusCode::TOO_MANY_REQUESTS;
            let response = show_form(&site, &auth, &token, status, &Shell::unknown(&site.settings), &errors).await?;
            return Ok(respond::retry_after(response, &refused));
        }
        Err(refused) => return Ok(respond::too_many(wants, &refused)),
    };
    match site.accounts.use_password_link(&token, new_password, &request).await {
        Ok((ended, owner)) => {
            attempt.succeeded().await;
            let has_ended = finish_ending(&site, &auth, ended).await;
            let (location, detail) = match has_ended {
                _ if owner.is_first => ("/login?done=chosen", "Your password is set. You can now log in with it."),
                true => (
                    "/login?done=reset",
                    "Your password has been changed and all devices have been logged out. Log in with your new password.",
                ),
                false => (
                    "/login?done=reset-soon",
                    "Your password has been changed. All devices will be logged out within seconds. \
                     Log in with your new password.",
                ),
            };
            let success = respond::success(wants, &site.path(location), json!({ "detail": detail }));
            let response = PAGE.clear_token(link_used::remember(success, &owner.id, &site, wants), &site);
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
