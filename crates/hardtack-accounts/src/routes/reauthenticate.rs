//! `/reauthenticate`: the password again, for fresh tokens of the same session.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::StatusCode;
use serde::Deserialize;

use super::{answer, visitor};
use crate::accounts::WrongPassword;
use crate::activity::Source;
use crate::input::Input;
use crate::pages::{FieldError, ReauthForm, reauthenticate};
use crate::site::Site;
use crate::users::User;

const WRONG: &str = "That is not your password.";

/// What the form sends. A program may name the user; it has to be the one who is logged in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    password: String,
    username: Option<String>,
    next: Option<String>,
}

pub(crate) async fn show(auth: Auth, user: CurrentUser<User>) -> Response {
    form(&auth, &user, StatusCode::OK, auth.query("next").as_deref(), &[])
}

fn form(
    auth: &Auth,
    user: &CurrentUser<User>,
    status: StatusCode,
    next: Option<&str>,
    errors: &[FieldError<'_>],
) -> Response {
    let next = next.and_then(|next| auth.authenticator().next(next));
    let view = ReauthForm {
        csrf_token: user.token().csrf_token(),
        username: &user.username,
        next: next.as_ref().map(hardtack::request::NextPath::as_str),
        errors,
    };
    answer::page(status, reauthenticate(&visitor::shell_of(user, None), &view))
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    user: CurrentUser<User>,
    source: Source,
    Input(typed): Input<Typed>,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    if typed.username.as_ref().is_some_and(|name| !user.is_called(name)) {
        return Err(auth.refuse(hardtack::refusal::Reason::OtherUser));
    }
    let next = typed.next.or_else(|| auth.query("next"));
    match site.accounts.check_again(&user.id, typed.password, &source).await {
        Ok(proven) => {
            let cookies = auth.reauthenticate(&proven.id).await?;
            let location = auth.authenticator().next_or_home(next.as_deref());
            Ok((cookies, answer::done(wants, &location, serde_json::json!(user.into_user()))).into_response())
        }
        Err(refusal) => Ok(match answer::problem_of(wants, refusal) {
            Ok(WrongPassword) if wants == Wants::Page => {
                let errors = [FieldError { field: "password", text: WRONG }];
                form(&auth, &user, StatusCode::UNAUTHORIZED, next.as_deref(), &errors)
            }
            Ok(WrongPassword) => answer::problem(wants, StatusCode::UNAUTHORIZED, "wrong_password", WRONG, &[]),
            Err(response) => *response,
        }),
    }
}
