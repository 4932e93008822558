//! `/password/forgot`: a link for a new password, by mail.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::Wants;
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::answer;
use super::visitor::Visitor;
use crate::activity::Source;
use crate::input::Input;
use crate::pages::{FieldError, ForgotForm, Notice, NoticeKind, Shell, forgot, no_mail};
use crate::site::Site;
use crate::users::EmailAddress;

/// The same for every address, so that nobody learns whose it is.
const ON_ITS_WAY: &str = "If somebody here has confirmed that address, a letter with a link is on its way to it.";

const NO_ADDRESS: &str = "Write an address such as you@site.example.";

/// What the form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    email: String,
}

pub(crate) async fn show(State(site): State<Site>, auth: Auth, visitor: Visitor) -> Result<Response, AuthError> {
    let done = auth.query("done").map(|_| Notice { kind: NoticeKind::Success, text: ON_ITS_WAY });
    form(&site, &auth, StatusCode::OK, visitor.shell(done), "", &[])
}

fn form(
    site: &Site,
    auth: &Auth,
    status: StatusCode,
    shell: Shell<'_>,
    email: &str,
    errors: &[FieldError<'_>],
) -> Result<Response, AuthError> {
    if !site.accounts.sends_mail() {
        return Ok(answer::page(status, no_mail(&shell)));
    }
    let (csrf_token, cookies) = auth.pre_session()?;
    let view = ForgotForm { csrf_token: &csrf_token, email, errors };
    Ok((cookies, answer::page(status, forgot(&shell, &view))).into_response())
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    source: Source,
    Input(typed): Input<Typed>,
) -> Result<Response, AuthError> {
    auth.require_pre_session()?;
    let wants = auth.wants();
    if !site.accounts.sends_mail() {
        let detail = "This site sends no mail. Ask the people who run it for a new password.";
        return Ok(answer::problem(wants, StatusCode::NOT_IMPLEMENTED, "no_mail", detail, &[]));
    }
    let Some(address) = EmailAddress::parse(typed.email.trim()) else {
        let errors = [FieldError { field: "email", text: NO_ADDRESS }];
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return match wants {
            Wants::Page => form(&site, &auth, status, Shell::default(), &typed.email, &errors),
            _ => Ok(answer::problem(wants, status, "invalid_fields", NO_ADDRESS, &errors)),
        };
    };
    site.accounts.forgot_password(address, source);
    Ok(answer::done(wants, "/password/forgot?done=1", json!({ "detail": ON_ITS_WAY })))
}
