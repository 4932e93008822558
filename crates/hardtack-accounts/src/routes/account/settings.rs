//! `/account/change_settings`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser, FreshAccessToken};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::draft;
use super::fresh::ask_for_password;
use super::page::AccountPage;
use crate::activity::RequestInfo;
use crate::extract::FormOrJson;
use crate::pages::FieldError;
use crate::respond;
use crate::site::Site;
use crate::users::{Profile, User};

/// The body. A program can leave out a field to keep its value.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SettingsInput {
    display_name: Option<String>,
    email: Option<String>,
}

impl SettingsInput {
    fn into_profile(self, user: &User) -> Profile {
        Profile {
            display_name: self.display_name.unwrap_or_else(|| user.display_name.clone()),
            email: self.email.unwrap_or_else(|| user.email.clone()),
        }
    }
}

pub(crate) async fn change_settings(
    State(site): State<Site>,
    auth: Auth,
    user: CurrentUser<User>,
    fresh: Result<FreshAccessToken, AuthError>,
    request: RequestInfo,
    FormOrJson(input): FormOrJson<SettingsInput>,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let profile = input.into_profile(&user);
    if let Err(error) = fresh {
        // The browser keeps the input in a cookie until the user has entered the password.
        return Ok(match ask_for_password(&auth, error) {
            Ok(redirect) => draft::set(redirect, &user, &profile, auth.authenticator()),
            Err(error) => error.into_response(),
        });
    }
    match site.accounts.change_profile(&user, profile, &request).await {
        Ok(changed) => Ok(respond::success(wants, "/account?done=settings", json!(changed))),
        Err(error) => {
            let (profile, problems) = match respond::invalid_input(wants, error) {
                Ok(problem) => problem,
                Err(response) => return Ok(*response),
            };
            let errors: Vec<_> = problems.iter().map(|p| FieldError { field: p.field, text: p.text }).collect();
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            if wants == Wants::Page {
                let page = AccountPage { profile, profile_errors: &errors, ..AccountPage::new(&user, &site) };
                return Ok(page.respond(&user, status));
            }
            let detail = errors.iter().map(|error| error.text).collect::<Vec<_>>().join(" ");
            Ok(respond::problem(wants, status, "invalid_fields", &detail, &errors))
        }
    }
}
