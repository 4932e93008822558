//! `/signup`: creates an account and logs the new user in.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use serde_json::json;

use super::credentials::{CredentialsInput, SignUpInput, require_own_form, show_form};
use super::new_address::new_address;
use crate::activity::RequestInfo;
use crate::extract::{FormOrJson, Visitor, done, next_or_home};
use crate::pages::{DoneView, FieldError, Shell, done_page, signup};
use crate::respond;
use crate::settings::Registration;
use crate::site::Site;
use crate::throttling::{Client, Devices, KnownUser, Tried};
use crate::users::{FIRST_PASSWORD, User};

pub(crate) async fn show(State(site): State<Site>, auth: Auth, visitor: Visitor) -> Result<Response, AuthError> {
    if site.settings.registration == Registration::Closed {
        return Ok(closed(auth.wants()));
    }
    if visitor.is_logged_in() {
        if let (Some(user), Some(done)) = (visitor.user(), done(&auth))
            && let Some(text) = new_address(&site, user, &done).await
        {
            let view = DoneView { title: "Your account is ready", text: &text, action: None };
            return Ok(respond::page(StatusCode::OK, done_page(&visitor.shell(None), &view)));
        }
        let next = next_or_home(&site, &auth, auth.query("next").as_deref());
        return Ok(Redirect::to(&next).into_response());
    }
    let input = CredentialsInput::from_query(&auth);
    show_form(&site, &auth, StatusCode::OK, &input, &[], visitor.shell(None), signup)
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    client: Client,
    FormOrJson(SignUpInput(input)): FormOrJson<SignUpInput>,
) -> Result<Response, AuthError> {
    if site.settings.registration == Registration::Closed {
        return Ok(closed(auth.wants()));
    }
    let again = |shell: Shell<'_>| show_form(&site, &auth, StatusCode::FORBIDDEN, &input, &[], shell, signup);
    if let Err(refused) = require_own_form(&site, &auth, again) {
        return *refused;
    }
    // Count successful attempts as well, to limit how many accounts can be created from one client address.
    if let Err(refused) = site.accounts.throttling().by_address(Tried::SignUp, &client, &request).await {
        let errors = [FieldError { field: "", text: refused.sentence() }];
        let response = match auth.wants() {
            Wants::Page => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                show_form(&site, &auth, status, &input, &errors, Shell::unknown(&site.settings), signup)?
            }
            wants => respond::too_many(wants, &refused),
        };
        return Ok(respond::retry_after(response, &refused));
    }
    let work = Box::pin(sign_up(site.clone(), auth.clone(), input, (request, client.devices)));
    site.run_uninterrupted(&auth, work).await
}

async fn sign_up(
    site: Site,
    auth: Auth,
    input: CredentialsInput,
    (request, devices): (RequestInfo, Devices),
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let CredentialsInput { username, email, password, .. } = &input;
    let error = match site.accounts.store_new_user(username, email, password.clone(), &request).await {
        Ok((user, limit)) => {
            let Some(cookies) = site.log_in_new_user(&auth, input.log_in(&user.id, wants)).await else {
                return Ok(without_session(&site, wants, &user));
            };
            let mut next = input.next_or_home(&site, &auth);
            let mut body = json!(user);
            if next == site.settings.home {
                next = after_sign_up(&site, &user, limit.is_some());
            }
            if let Some(limit) = limit {
                body["detail"] = json!(limit.explain(&user.email));
            }
            let response = respond::success(wants, &next, body);
            let known = KnownUser::of(&user, FIRST_PASSWORD);
            return Ok((cookies, devices.remember(response, &known, &site.auth, &site.settings)).into_response());
        }
        Err(error) => error,
    };
    let problems = match respond::invalid_input(wants, error) {
        Ok(problems) => problems,
        Err(response) => return Ok(*response),
    };
    let username = problems.username.map(|problem| problem.to_string());
    let password = problems.password.map(|problem| problem.to_string());
    let email = problems.email;
    let errors: Vec<FieldError<'_>> =
        [("username", username.as_deref()), ("email", email), ("password", password.as_deref())]
            .into_iter()
            .filter_map(|(field, text)| Some(FieldError { field, text: text? }))
            .collect();
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    if wants == Wants::Page {
        return show_form(&site, &auth, status, &input, &errors, Shell::unknown(&site.settings), signup);
    }
    Ok(respond::invalid_fields(wants, &errors))
}

/// Returns the page that the user sees right after signing up. If an email address has to be confirmed, the page says
/// so.
fn after_sign_up(site: &Site, user: &User, is_limited: bool) -> String {
    let done = if is_limited { "signup-limited" } else { "signup" };
    if !site.accounts.sends_mail() || user.email.is_empty() {
        return site.settings.home.clone();
    }
    match site.settings.is_demo {
        true => format!("{}?done={done}", site.settings.home),
        false => site.path(&format!("/signup?done={done}")),
    }
}

/// Refuses a sign-up because visitors are not allowed to sign up.
fn closed(wants: Wants) -> Response {
    let detail = "This site does not accept new accounts. If you need an account, ask the people who run the site.";
    respond::problem(wants, StatusCode::FORBIDDEN, "registration_closed", detail, &[])
}

/// Returns the response to a sign-up whose account was stored even though the session store could not start a session.
fn without_session(site: &Site, wants: Wants, user: &User) -> Response {
    let mut body = json!(user);
    body["detail"] = json!("Your account is ready. Log in with your user name and password.");
    respond::success(wants, &site.path("/login?done=signup"), body)
}
