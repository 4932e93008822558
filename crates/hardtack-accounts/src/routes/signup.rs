//! `/signup`: a new account, and its first session.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;

use super::answer;
use super::login::{Typed, show_form};
use super::visitor::Visitor;
use crate::input::Input;
use crate::pages::{FieldError, Shell, signup};
use crate::site::Site;

pub(crate) async fn show(auth: Auth, visitor: Visitor) -> Result<Response, AuthError> {
    show_form(&auth, StatusCode::OK, &Typed::from_query(&auth), &[], visitor.shell(None), signup)
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    Input(typed): Input<Typed>,
) -> Result<Response, AuthError> {
    auth.require_pre_session()?;
    let wants = auth.wants();
    match site.accounts.sign_up(&typed.username, typed.password.clone(), auth.authenticator().now()).await {
        Ok(user) => {
            let cookies = auth.log_in(typed.log_in_of(&user.id, wants)).await?;
            Ok((cookies, answer::done(wants, &typed.next_or_home(&auth), serde_json::json!(user))).into_response())
        }
        Err(refusal) => {
            let problems = match answer::problem_of(wants, refusal) {
                Ok(problems) => problems,
                Err(response) => return Ok(*response),
            };
            let username = problems.username.map(|problem| problem.to_string());
            let password = problems.password.map(|problem| problem.to_string());
            let errors: Vec<FieldError<'_>> = [("username", &username), ("password", &password)]
                .into_iter()
                .filter_map(|(field, text)| Some(FieldError { field, text: text.as_deref()? }))
                .collect();
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            if wants == Wants::Page {
                return show_form(&auth, status, &typed, &errors, Shell::default(), signup);
            }
            let detail = errors.iter().map(|error| error.text).collect::<Vec<_>>().join(" ");
            Ok(answer::problem(wants, status, "invalid_fields", &detail, &errors))
        }
    }
}
