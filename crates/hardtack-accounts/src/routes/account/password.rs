//! `/account/password`.

use std::convert::Infallible;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser, FreshAccessToken};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::page::AccountPage;
use crate::accounts::{ActionError, PasswordChangeProblem};
use crate::activity::RequestInfo;
use crate::extract::{
    AccountForm, JsonBody, JsonType, SentForm, missing_member, read_fields, refuse_read_form, shell_of,
};
use crate::pages::{DoneView, FieldError, Notice, done_page};
use crate::passwords::PasswordProblem;
use crate::respond;
use crate::routes::fresh::{AfterProof, ask_for_password, is_not_fresh};
use crate::site::Site;
use crate::throttling::{Client, KnownUser};
use crate::users::User;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PasswordInput {
    /// The current password, or `None` if an API client leaves it out.
    current_password: Option<String>,
    new_password: String,
}

impl JsonBody for PasswordInput {
    const MEMBERS: &'static [(&'static str, JsonType)] =
        &[("current_password", JsonType::String), ("new_password", JsonType::String)];

    const REQUIRED: &'static [&'static str] = &["new_password"];

    const MAYBE_REQUIRED: &'static [&'static str] = &["current_password"];
}

impl AccountForm for PasswordInput {
    const PAGE: &'static str = "/account";
    const UNCHANGED: Option<&'static str> = Some("unchanged");
    const OUT_OF_DATE: &'static str = "Nothing was changed. Enter your current password and your new password again.";

    async fn read(request: Request, site: &Site) -> Result<Self, Response> {
        read_fields(request, site).await
    }

    async fn show_again(
        self,
        site: &Site,
        auth: &Auth,
        user: &CurrentUser<User>,
        notice: Notice<'_>,
    ) -> Result<Response, AuthError> {
        if !user.token().is_fresh(auth.authenticator().now()) {
            return Ok(AfterProof::PasswordUnchanged.redirect(site));
        }
        let page = AccountPage { notice: Some(notice), ..AccountPage::new(user, site) };
        Ok(page.respond(user, StatusCode::FORBIDDEN))
    }
}

/// Changes the password. The token need not be fresh, because the user must enter the current password, which is a
/// stronger proof of identity than a fresh token (ASVS 5.0 V6.2.3).
pub(crate) async fn change_password(
    State(site): State<Site>,
    auth: Auth,
    fresh: Result<FreshAccessToken, AuthError>,
    request: RequestInfo,
    client: Client,
    SentForm { user, input }: SentForm<PasswordInput>,
) -> Result<Response, AuthError> {
    let is_fresh = match fresh {
        Ok(_) => true,
        Err(error)
            if is_not_fresh(&error) && input.current_password.as_ref().is_some_and(|typed| !typed.is_empty()) =>
        {
            false
        }
        Err(error) => return ask_for_password(&site, &auth, error, AfterProof::PasswordUnchanged),
    };
    // If the token is not fresh, the client should first learn that it can send the current password instead.
    if input.current_password.is_none() && auth.wants() != Wants::Page {
        return Ok(missing_member(auth.wants(), "current_password"));
    }
    let work = Box::pin(change(site.clone(), auth.clone(), user, is_fresh, (request, client), input));
    site.run_uninterrupted(&auth, work).await
}

async fn change(
    site: Site,
    auth: Auth,
    user: CurrentUser<User>,
    is_fresh: bool,
    (request, client): (RequestInfo, Client),
    input: PasswordInput,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let checked = site.accounts.check_session::<Infallible>(&site.auth, &user.id, user.token().session()).await;
    let kept = match checked {
        Ok(kept) => kept,
        Err(error) => return Ok(refuse_read_form(auth.refuse(error), &input, &auth, &site)),
    };
    let (current, new) = (input.current_password.clone().unwrap_or_default(), input.new_password.clone());
    let error = match site.accounts.store_password_change(&user, current, new, &kept, &request).await {
        Ok((ended, password_version)) => {
            let Some(cookies) = site.renew(&auth, ended).await else { return Ok(others_end_soon(&site, wants, user)) };
            let response = respond::success(wants, &site.path("/account?done=password"), json!(*user));
            let known = KnownUser::of(&user, password_version);
            return Ok((cookies, client.devices.remember(response, &known, &site.auth, &site.settings)).into_response());
        }
        // The session ended during the change.
        Err(ActionError::SessionOver(over)) => return Ok(refuse_read_form(auth.refuse(over), &input, &auth, &site)),
        Err(error) => error,
    };
    let error = match error {
        ActionError::TooMany(refused) if wants == Wants::Page && is_fresh => {
            let errors = [FieldError { field: "current_password", text: refused.sentence() }];
            let page = AccountPage { password_errors: &errors, ..AccountPage::new(&user, &site) };
            return Ok(respond::retry_after(page.respond(&user, StatusCode::TOO_MANY_REQUESTS), &refused));
        }
        error => error,
    };
    let (status, field, text) = match respond::invalid_input(wants, error) {
        Ok(PasswordChangeProblem::WrongCurrent) => {
            (StatusCode::FORBIDDEN, "current_password", "That is not your current password.".to_owned())
        }
        Ok(PasswordChangeProblem::CurrentTooLong) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "current_password", PasswordProblem::TooLong.to_string())
        }
        Ok(PasswordChangeProblem::InvalidNew(problem)) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "new_password", problem.to_string())
        }
        // The browser sent the form twice, so both requests get the same response. Only the first response sets
        // cookies. The second sets none, even if this request has refreshed the session that the change ended.
        Ok(PasswordChangeProblem::AlreadyChanged) => {
            auth.keep_cookies();
            return Ok(respond::success(wants, &site.path("/account?done=password"), json!(*user)));
        }
        Err(response) => return Ok(*response),
    };
    if wants != Wants::Page {
        let errors = [FieldError { field, text: &text }];
        return Ok(respond::problem(wants, status, "invalid_fields", &text, &errors));
    }
    if !is_fresh {
        // The account page, which shows this form, needs a fresh token.
        return Ok(AfterProof::PasswordUnchanged.redirect(&site));
    }
    let errors = [FieldError { field, text: &text }];
    let page = AccountPage { password_errors: &errors, ..AccountPage::new(&user, &site) };
    Ok(page.respond(&user, status))
}

/// Returns the response to send when the new password is stored, but the session store has not ended the other sessions
/// yet. A browser gets a page instead of a redirect, because the store might still be down when the next request
/// arrives. The browser's own session continues, unless the store has replaced it but did not reply in time.
fn others_end_soon(site: &Site, wants: Wants, user: CurrentUser<User>) -> Response {
    let text = "Other devices will be logged out within seconds. You might have to log in again.";
    if wants != Wants::Page {
        let mut body = json!(user.into_user());
        body["detail"] = json!(format!("Password changed. {text}"));
        return respond::success(wants, &site.path("/account"), body);
    }
    let view = DoneView { title: "Password changed", text, action: Some(("/account", "Go to your account")) };
    respond::page(StatusCode::OK, done_page(&shell_of(&site.settings, &user, None), &view))
}
