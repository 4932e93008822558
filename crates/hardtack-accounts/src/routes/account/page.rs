//! `/account`: settings and password, for someone who typed the password recently.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::{FailureKind, Wants};
use hardtack_axum::{Auth, AuthError, CurrentUser, FreshAccessToken};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{answer, draft, visitor};
use crate::accounts::PasswordChange;
use crate::activity::Source;
use crate::input::Input;
use crate::pages::{AccountView, FieldError, Notice, NoticeKind, account};
use crate::routes::sessions::date_of;
use crate::site::Site;
use crate::users::{Settings, User};

/// What the password form sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewPassword {
    current_password: String,
    new_password: String,
}

/// What the settings form sends. What a program leaves out stays as it is.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewSettings {
    display_name: Option<String>,
    email: Option<String>,
}

impl NewSettings {
    fn over(self, user: &User) -> Settings {
        Settings {
            display_name: self.display_name.unwrap_or_else(|| user.display_name.clone()),
            email: self.email.unwrap_or_else(|| user.email.clone()),
        }
    }
}

/// The page's changing parts.
struct Page<'a> {
    settings: Settings,
    settings_errors: &'a [FieldError<'a>],
    password_errors: &'a [FieldError<'a>],
    notice: Option<Notice<'a>>,
    /// Whether letters are sent at all.
    sends_mail: bool,
}

impl<'a> Page<'a> {
    fn of(user: &User, site: &Site) -> Self {
        let settings = Settings { display_name: user.display_name.clone(), email: user.email.clone() };
        Self {
            settings,
            settings_errors: &[],
            password_errors: &[],
            notice: None,
            sends_mail: site.accounts.sends_mail(),
        }
    }

    fn render(&self, user: &CurrentUser<User>, status: StatusCode) -> Response {
        let unconfirmed = self.sends_mail && !user.email_confirmed && !user.email.is_empty();
        let view = AccountView {
            csrf_token: user.token().csrf_token(),
            username: &user.username,
            display_name: &self.settings.display_name,
            email: &self.settings.email,
            to_confirm: unconfirmed.then_some(user.email.as_str()),
            created: &date_of(user.created_at),
            settings_errors: self.settings_errors,
            password_errors: self.password_errors,
        };
        answer::page(status, account(&visitor::shell_of(user, self.notice), &view))
    }
}

fn success(text: &str) -> Option<Notice<'_>> {
    Some(Notice { kind: NoticeKind::Success, text })
}

pub(crate) async fn show(
    State(site): State<Site>,
    auth: Auth,
    _fresh: FreshAccessToken,
    user: CurrentUser<User>,
    headers: HeaderMap,
) -> Response {
    if auth.wants() == Wants::Api {
        return axum::Json(user.into_user()).into_response();
    }
    let mut page = Page::of(&user, &site);
    page.notice = match auth.query("done").as_deref() {
        Some("settings") => success("Your settings are saved."),
        Some("password") => success("Your password is changed. All other devices are logged out."),
        Some("letter") => success("A letter is on its way. Open the link in it."),
        _ => None,
    };
    let Some(kept) = draft::read(&headers, &user) else { return page.render(&user, StatusCode::OK) };
    page.settings = kept;
    let text = "Your changes are still here, but not saved yet. Check them and save.";
    page.notice = Some(Notice { kind: NoticeKind::Info, text });
    draft::clear(page.render(&user, StatusCode::OK), auth.engine())
}

pub(crate) async fn change_settings(
    State(site): State<Site>,
    auth: Auth,
    user: CurrentUser<User>,
    fresh: Result<FreshAccessToken, AuthError>,
    source: Source,
    Input(typed): Input<NewSettings>,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    let settings = typed.over(&user);
    if let Err(error) = fresh {
        // The password is asked for first; what was typed waits in the browser until then.
        return Ok(match ask_for_password(&auth, error) {
            Ok(page) => draft::keep(page, &user, &settings, auth.engine()),
            Err(error) => error.into_response(),
        });
    }
    match site.accounts.change_settings(&user, settings, &source).await {
        Ok(changed) => Ok(answer::done(wants, "/account?done=settings", json!(changed))),
        Err(refusal) => {
            let (settings, problems) = match answer::problem_of(wants, refusal) {
                Ok(problem) => problem,
                Err(response) => return Ok(*response),
            };
            let errors: Vec<_> = problems.iter().map(|p| FieldError { field: p.field, text: p.text }).collect();
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            if wants == Wants::Page {
                return Ok(Page { settings, settings_errors: &errors, ..Page::of(&user, &site) }.render(&user, status));
            }
            let detail = errors.iter().map(|error| error.text).collect::<Vec<_>>().join(" ");
            Ok(answer::problem(wants, status, "invalid_fields", &detail, &errors))
        }
    }
}

/// Sends a person whose token is no longer fresh for the password, and then to the page with the forms,
/// which a browser that keeps its `Referer` to itself would not say.
fn ask_for_password(auth: &Auth, error: AuthError) -> Result<Response, AuthError> {
    let stale = error.failure().reason().kind() == FailureKind::NotFresh;
    if stale && auth.wants() == Wants::Page {
        return Ok(Redirect::to("/reauthenticate?next=%2Faccount").into_response());
    }
    Err(error)
}

pub(crate) async fn change_password(
    State(site): State<Site>,
    auth: Auth,
    user: CurrentUser<User>,
    fresh: Result<FreshAccessToken, AuthError>,
    source: Source,
    Input(typed): Input<NewPassword>,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    if let Err(error) = fresh {
        return ask_for_password(&auth, error);
    }
    match site.accounts.change_password(&user, typed.current_password, typed.new_password, &source).await {
        Ok(()) => {
            let cookies = auth.renew().await?;
            let body = json!(user.into_user());
            Ok((cookies, answer::done(wants, "/account?done=password", body)).into_response())
        }
        Err(refusal) => {
            let (status, field, text) = match answer::problem_of(wants, refusal) {
                Ok(PasswordChange::WrongCurrent) => {
                    (StatusCode::FORBIDDEN, "current_password", "That is not your current password.".to_owned())
                }
                Ok(PasswordChange::BadNew(problem)) => {
                    (StatusCode::UNPROCESSABLE_ENTITY, "new_password", problem.to_string())
                }
                Err(response) => return Ok(*response),
            };
            let errors = [FieldError { field, text: &text }];
            if wants == Wants::Page {
                return Ok(Page { password_errors: &errors, ..Page::of(&user, &site) }.render(&user, status));
            }
            Ok(answer::problem(wants, status, "invalid_fields", &text, &errors))
        }
    }
}
