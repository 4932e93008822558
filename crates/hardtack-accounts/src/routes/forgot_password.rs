//! `/password/forgot`: sends a reset link by email.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::credentials::require_own_form;
use crate::activity::RequestInfo;
use crate::extract::{FormOrJson, JsonBody, JsonType, Visitor, done};
use crate::pages::{FieldError, ForgotPasswordView, Notice, NoticeKind, Shell, forgot_password, mail_is_off};
use crate::respond;
use crate::site::Site;
use crate::throttling::{Client, Tried};
use crate::users::EmailAddress;

/// The text is the same for every address, so it does not reveal which addresses have an account.
const ON_ITS_WAY: &str = "If this address is confirmed for an account, an email with a link is on its way. The link \
                          works for an hour. If no email arrives, check your spam folder, and check that you entered the \
                          address that you confirmed. After three of these emails, you have to wait an hour for the next \
                          one.";

const NO_ADDRESS: &str = "Enter an address such as you@site.example.";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ForgotPasswordInput {
    email: String,
}

impl JsonBody for ForgotPasswordInput {
    const MEMBERS: &'static [(&'static str, JsonType)] = &[("email", JsonType::String)];

    const REQUIRED: &'static [&'static str] = &["email"];
}

pub(crate) async fn show(State(site): State<Site>, auth: Auth, visitor: Visitor) -> Result<Response, AuthError> {
    let done = done(&auth).map(|_| Notice { kind: NoticeKind::Success, text: ON_ITS_WAY });
    show_form(&site, &auth, StatusCode::OK, visitor.shell(done), "", &[])
}

fn show_form(
    site: &Site,
    auth: &Auth,
    status: StatusCode,
    shell: Shell<'_>,
    email: &str,
    errors: &[FieldError<'_>],
) -> Result<Response, AuthError> {
    if !site.accounts.sends_mail() {
        return Ok(respond::page(status, mail_is_off(&shell, site.contact.as_deref())));
    }
    let (csrf_token, cookies) = auth.pre_session()?;
    let contact = site.contact.as_deref();
    let view = ForgotPasswordView { csrf_token: &csrf_token, email, contact, errors };
    Ok((cookies, respond::page(status, forgot_password(&shell, &view))).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    client: Client,
    FormOrJson(input): FormOrJson<ForgotPasswordInput>,
) -> Result<Response, AuthError> {
    let again = |shell: Shell<'_>| show_form(&site, &auth, StatusCode::FORBIDDEN, shell, &input.email, &[]);
    if let Err(refused) = require_own_form(&site, &auth, again) {
        return *refused;
    }
    let wants = auth.wants();
    if !site.accounts.sends_mail() {
        let detail = format!("This site does not send email. Ask {} for a reset link.", site.administrator());
        return Ok(respond::problem(wants, StatusCode::NOT_IMPLEMENTED, "no_mail", &detail, &[]));
    }
    let Some(address) = EmailAddress::parse(input.email.trim()) else {
        let errors = [FieldError { field: "email", text: NO_ADDRESS }];
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return match wants {
            Wants::Page => show_form(&site, &auth, status, Shell::unknown(&site.settings), &input.email, &errors),
            _ => Ok(respond::problem(wants, status, "invalid_fields", NO_ADDRESS, &errors)),
        };
    };
    if let Err(refused) = site.accounts.throttling().by_address(Tried::ResetRequest, &client, &request).await {
        let errors = [FieldError { field: "", text: refused.sentence() }];
        let status = StatusCode::TOO_MANY_REQUESTS;
        let response = match wants {
            Wants::Page => show_form(&site, &auth, status, Shell::unknown(&site.settings), &input.email, &errors)?,
            _ => respond::too_many(wants, &refused),
        };
        return Ok(respond::retry_after(response, &refused));
    }
    site.accounts.queue_reset(address, request);
    Ok(respond::success(wants, &site.path("/password/forgot?done=1"), json!({ "detail": ON_ITS_WAY })))
}
