//! `/account/change_settings`.

use std::convert::Infallible;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser, FreshAccessToken};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::page::{AccountPage, of_another};
use crate::accounts::{ActionError, ConfirmationLink, CurrentPassword, ProfileChangeProblem};
use crate::activity::RequestInfo;
use crate::extract::{AccountForm, JsonBody, JsonType, SentForm, read_fields, refuse_read_form};
use crate::pages::{FieldError, Notice, NoticeKind};
use crate::passwords::TypedPassword;
use crate::respond;
use crate::routes::fresh::{AfterProof, ask_for_password};
use crate::routes::kept_form;
use crate::site::Site;
use crate::users::{Profile, ProfileChange, User};

/// The body of the request. If an API client omits a field, the stored value does not change. `current_password` is
/// required only to change the email address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct SettingsInput {
    display_name: Option<String>,
    email: Option<String>,
    current_password: Option<String>,
    /// The hidden field that identifies the form's user. `None` for API clients.
    owner: Option<String>,
}

impl JsonBody for SettingsInput {
    const MEMBERS: &'static [(&'static str, JsonType)] = &[
        ("display_name", JsonType::StringOrNull),
        ("email", JsonType::StringOrNull),
        ("current_password", JsonType::StringOrNull),
    ];
}

impl AccountForm for SettingsInput {
    const PAGE: &'static str = "/account";
    const UNCHANGED: Option<&'static str> = Some("kept");
    const HAS_TEXT: bool = true;

    fn is_of(&self, user: &User, site: &Site) -> bool {
        self.owner(site).is_some_and(|owner| owner == user.id)
    }

    async fn read(request: Request, site: &Site) -> Result<Self, Response> {
        read_fields(request, site).await
    }

    fn keep(&self, response: &mut Response, site: &Site) -> Option<()> {
        let user_id = self.owner(site)?;
        let Self { display_name: Some(display_name), email: Some(email), .. } = self else { return None };
        let profile = Profile { display_name: display_name.clone(), email: email.clone() };
        let sealed = kept_form::seal(&user_id, &profile, &site.auth)?;
        *response = kept_form::set(std::mem::take(response), &sealed, site);
        Some(())
    }

    async fn show_again(
        self,
        site: &Site,
        auth: &Auth,
        user: &CurrentUser<User>,
        notice: Notice<'_>,
    ) -> Result<Response, AuthError> {
        if self.is_of_another(user, site) {
            return Ok(refuse_for_another(user, site));
        }
        let profile = self.change().apply_to(user);
        if !user.token().is_fresh(auth.authenticator().now()) {
            return Ok(ask_and_keep(AfterProof::Account.redirect(site), user, &profile, site));
        }
        let page = AccountPage { profile, notice: Some(notice), ..AccountPage::new(user, site) };
        Ok(page.respond(user, StatusCode::FORBIDDEN))
    }
}

/// Adds a cookie to the response `redirect`. The cookie keeps the input until the user has entered the password.
fn ask_and_keep(redirect: Response, user: &User, profile: &Profile, site: &Site) -> Response {
    match kept_form::seal(&user.id, profile, &site.auth) {
        Some(sealed) => kept_form::set(redirect, &sealed, site),
        None => redirect,
    }
}

/// Responds to a form that was rendered for a different user. Changes nothing, and shows the account page with the
/// stored profile of the current user.
fn refuse_for_another(user: &CurrentUser<User>, site: &Site) -> Response {
    let text = of_another(user);
    let notice = Some(Notice { kind: NoticeKind::Problem, text: &text });
    let page = AccountPage { notice, ..AccountPage::new(user, site) };
    page.respond(user, StatusCode::FORBIDDEN)
}

impl SettingsInput {
    /// Returns whether the form was rendered for a user other than the one who is logged in now.
    fn is_of_another(&self, user: &User, site: &Site) -> bool {
        self.owner(site).is_some_and(|owner| owner != user.id)
    }

    /// Returns the id of the user for whom the form was rendered.
    fn owner(&self, site: &Site) -> Option<String> {
        kept_form::owner(self.owner.as_deref()?, &site.auth)
    }

    fn change(&self) -> ProfileChange {
        ProfileChange { display_name: self.display_name.clone(), email: self.email.clone() }
    }
}

pub(crate) async fn change_settings(
    State(site): State<Site>,
    auth: Auth,
    fresh: Result<FreshAccessToken, AuthError>,
    request: RequestInfo,
    SentForm { user, input }: SentForm<SettingsInput>,
) -> Result<Response, AuthError> {
    if auth.wants() == Wants::Page && input.is_of_another(&user, &site) {
        return Ok(refuse_for_another(&user, &site));
    }
    if let Err(error) = fresh {
        return Ok(match ask_for_password(&site, &auth, error, AfterProof::Account) {
            Ok(redirect) => ask_and_keep(redirect, &user, &input.change().apply_to(&user), &site),
            Err(error) => error.into_response(),
        });
    }
    let work = Box::pin(change(site.clone(), auth.clone(), user, input, request));
    site.run_uninterrupted(&auth, work).await
}

async fn change(
    site: Site,
    auth: Auth,
    user: CurrentUser<User>,
    input: SettingsInput,
    request: RequestInfo,
) -> Result<Response, AuthError> {
    let checked = site.accounts.check_session::<Infallible>(&site.auth, &user.id, user.token().session()).await;
    let session = match checked {
        Ok(session) => session,
        Err(error) => return Ok(refuse_read_form(auth.refuse(error), &input, &auth, &site)),
    };
    let wants = auth.wants();
    let (change, password) = (input.change(), input.current_password.clone());
    let profile = change.apply_to(&user);
    let asked = password.as_ref().is_some_and(|password| !password.is_empty());
    let password = match password.map(TypedPassword::new).transpose() {
        Ok(password) => password,
        Err(problem) => {
            let text = problem.to_string();
            let errors = [FieldError { field: "current_password", text: &text }];
            if wants != Wants::Page {
                return Ok(respond::invalid_fields(wants, &errors));
            }
            let page = AccountPage { profile, profile_errors: &errors, ..AccountPage::new(&user, &site) };
            return Ok(page.respond(&user, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let password = CurrentPassword::ForNewAddress(password);
    let error = match site.accounts.change_profile(&user, change, password, &session, &request).await {
        Ok((changed, link)) => {
            let mut body = json!(changed);
            // The page announces a confirmation link only if this form has caused one.
            let done = match link {
                ConfirmationLink::NotNeeded => "settings",
                ConfirmationLink::Requested => "settings-link",
                ConfirmationLink::Refused(limit) => {
                    body["detail"] = json!(limit.explain(&changed.email));
                    "settings-limited"
                }
            };
            return Ok(respond::success(wants, &site.path(&format!("/account?done={done}")), body));
        }
        Err(ActionError::TooMany(refused)) if wants == Wants::Page => {
            let errors = [FieldError { field: "current_password", text: refused.sentence() }];
            let page = AccountPage { profile, profile_errors: &errors, ..AccountPage::new(&user, &site) };
            return Ok(respond::retry_after(page.respond(&user, StatusCode::TOO_MANY_REQUESTS), &refused));
        }
        // The session ended during the change.
        Err(ActionError::SessionOver(over)) => return Ok(refuse_read_form(auth.refuse(over), &input, &auth, &site)),
        Err(error) => error,
    };
    let ProfileChangeProblem { profile, is_unproven, fields } = match respond::invalid_input(wants, error) {
        Ok(problem) => problem,
        Err(response) => return Ok(*response),
    };
    let mut errors: Vec<_> = fields.iter().map(|p| FieldError { field: p.field, text: p.text }).collect();
    if is_unproven {
        let text = match asked {
            true => "That is not your current password.",
            false => "Enter your current password to change the email address.",
        };
        errors.push(FieldError { field: "current_password", text });
    }
    let status = if is_unproven { StatusCode::FORBIDDEN } else { StatusCode::UNPROCESSABLE_ENTITY };
    if wants == Wants::Page {
        let page = AccountPage { profile, profile_errors: &errors, ..AccountPage::new(&user, &site) };
        return Ok(page.respond(&user, status));
    }
    let detail = errors.iter().map(|error| error.text).collect::<Vec<_>>().join(" ");
    Ok(respond::problem(wants, status, "invalid_fields", &detail, &errors))
}
