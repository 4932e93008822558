//! `/signup`: creates an account and logs its user in.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use serde_json::json;

use super::credentials::{CredentialsInput, require_own_form, show_form};
use crate::activity::RequestInfo;
use crate::extract::{FormOrJson, Visitor};
use crate::pages::{FieldError, Shell, signup};
use crate::respond;
use crate::site::Site;
use crate::throttling::{Client, Devices, KnownUser, Tried};
use crate::users::{FIRST_PASSWORD, User};

pub(crate) async fn show(State(site): State<Site>, auth: Auth, visitor: Visitor) -> Result<Response, AuthError> {
    if visitor.is_logged_in() {
        return Ok(Redirect::to(&auth.next_or_home()).into_response());
    }
    let input = CredentialsInput::from_query(&auth);
    show_form(&site, &auth, StatusCode::OK, &input, &[], visitor.shell(None), signup)
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    client: Client,
    FormOrJson(input): FormOrJson<CredentialsInput>,
) -> Result<Response, AuthError> {
    let again = |shell: Shell<'_>| show_form(&site, &auth, StatusCode::FORBIDDEN, &input, &[], shell, signup);
    if let Err(refused) = require_own_form(&auth, again) {
        return *refused;
    }
    // Successful attempts count as well, to limit how many accounts one address can create.
    if let Err(refused) = site.accounts.throttling().by_address(Tried::SignUp, &client, &request).await {
        let errors = [FieldError { field: "", text: refused.sentence() }];
        let response = match auth.wants() {
            Wants::Page => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                show_form(&site, &auth, status, &input, &errors, Shell::default(), signup)?
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
    let error = match site.accounts.sign_up(username, email, password.clone(), &request).await {
        Ok((user, limit)) => {
            let Some(cookies) = site.log_in_new_user(&auth, input.log_in(&user.id, wants)).await else {
                return Ok(without_session(wants, &user));
            };
            let mut next = input.next_or_home(&auth);
            let mut body = json!(user);
            if let Some(limit) = limit {
                if next == "/" {
                    // Without this parameter, the home page would say that an email was sent.
                    next.push_str("?done=signup-limited");
                }
                body["detail"] = json!(limit.explain(&user.email));
            }
            let response = respond::success(wants, &next, body);
            let known = KnownUser::of(&user, FIRST_PASSWORD);
            return Ok((cookies, devices.remember(response, &known, auth.authenticator())).into_response());
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
        return show_form(&site, &auth, status, &input, &errors, Shell::default(), signup);
    }
    Ok(respond::invalid_fields(wants, &errors))
}

/// Returns the response if the account is stored, but the session store could not start a session.
fn without_session(wants: Wants, user: &User) -> Response {
    let mut body = json!(user);
    body["detail"] = json!("Your account is ready. Log in with your user name and password.");
    respond::success(wants, "/login?done=signup", body)
}
