//! `/account/password`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack::session::EndedSessions;
use hardtack_axum::{Auth, AuthError, CurrentUser, FreshAccessToken};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::fresh::ask_for_password;
use super::page::AccountPage;
use crate::accounts::PasswordChangeProblem;
use crate::activity::RequestInfo;
use crate::extract::FormOrJson;
use crate::pages::FieldError;
use crate::respond;
use crate::site::Site;
use crate::users::User;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct PasswordInput {
    current_password: String,
    new_password: String,
}

pub(crate) async fn change_password(
    State(site): State<Site>,
    auth: Auth,
    user: CurrentUser<User>,
    fresh: Result<FreshAccessToken, AuthError>,
    request: RequestInfo,
    FormOrJson(input): FormOrJson<PasswordInput>,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    if let Err(error) = fresh {
        return ask_for_password(&auth, error);
    }
    match site.accounts.change_password(&user, input.current_password, input.new_password, &request).await {
        Ok(()) => {
            let cookies = auth.renew(EndedSessions::none()).await?;
            let body = json!(user.into_user());
            Ok((cookies, respond::success(wants, "/account?done=password", body)).into_response())
        }
        Err(error) => {
            let (status, field, text) = match respond::invalid_input(wants, error) {
                Ok(PasswordChangeProblem::WrongCurrent) => {
                    (StatusCode::FORBIDDEN, "current_password", "That is not your current password.".to_owned())
                }
                Ok(PasswordChangeProblem::InvalidNew(problem)) => {
                    (StatusCode::UNPROCESSABLE_ENTITY, "new_password", problem.to_string())
                }
                Err(response) => return Ok(*response),
            };
            let errors = [FieldError { field, text: &text }];
            if wants == Wants::Page {
                let page = AccountPage { password_errors: &errors, ..AccountPage::new(&user, &site) };
                return Ok(page.respond(&user, status));
            }
            Ok(respond::problem(wants, status, "invalid_fields", &text, &errors))
        }
    }
}
