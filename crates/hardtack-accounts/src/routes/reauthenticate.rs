//! `/reauthenticate`: verifies the password again and issues fresh tokens for the same session.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::kept_form;
use crate::accounts::{ActionError, WrongPassword};
use crate::activity::RequestInfo;
use crate::extract::{AccountForm, JsonBody, JsonType, SentForm, next_or_home, next_page, read_fields, shell_of};
use crate::pages::{FieldError, Notice, NoticeKind, ReauthenticateView, reauthenticate};
use crate::passwords::TypedPassword;
use crate::respond;
use crate::site::Site;
use crate::users::User;

const WRONG_PASSWORD: &str = "That is not your password.";

const KEPT: Notice<'_> = Notice {
    kind: NoticeKind::Info,
    text: "We have kept what you typed, except passwords. Enter your password to check and save your changes.",
};

/// The request body. If `username` is present, it must be the name of the user who is logged in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReauthenticateInput {
    password: String,
    username: Option<String>,
    next: Option<String>,
}

impl JsonBody for ReauthenticateInput {
    const MEMBERS: &'static [(&'static str, JsonType)] =
        &[("password", JsonType::String), ("username", JsonType::StringOrNull), ("next", JsonType::StringOrNull)];

    const REQUIRED: &'static [&'static str] = &["password"];
}

impl AccountForm for ReauthenticateInput {
    const PAGE: &'static str = "/";
    const OUT_OF_DATE: &'static str = "Nothing was changed. Enter your password again.";
    const REAUTHENTICATES: bool = true;

    async fn read(request: Request, site: &Site) -> Result<Self, Response> {
        read_fields(request, site).await
    }

    fn after_log_in(&self, site: &Site, auth: &Auth) -> Option<String> {
        Some(next_or_home(site, auth, self.next.as_deref().or(auth.query("next").as_deref())))
    }

    fn page_again(input: Option<&Self>, site: &Site, auth: &Auth) -> String {
        let next = input.and_then(|input| input.next.clone()).or_else(|| auth.query("next"));
        let next = next.and_then(|next| next_page(site, auth, &next));
        next.map_or_else(|| "/reauthenticate".to_owned(), |next| next.append_to("/reauthenticate"))
    }

    async fn show_again(
        self,
        site: &Site,
        auth: &Auth,
        user: &CurrentUser<User>,
        notice: Notice<'_>,
    ) -> Result<Response, AuthError> {
        let next = self.next.or_else(|| auth.query("next"));
        Ok(show_form(site, auth, user, StatusCode::FORBIDDEN, next.as_deref(), &[], Some(notice)))
    }
}

/// Shows the form. If the token is already fresh, for example because the user has just logged in, redirects to the
/// page in `next` instead.
pub(crate) async fn show(State(site): State<Site>, auth: Auth, user: CurrentUser<User>) -> Response {
    let next = auth.query("next").and_then(|next| next_page(&site, &auth, &next));
    if let Some(next) = next.filter(|_| user.token().is_fresh(auth.authenticator().now())) {
        return Redirect::to(next.as_str()).into_response();
    }
    show_form(&site, &auth, &user, StatusCode::OK, auth.query("next").as_deref(), &[], None)
}

fn show_form(
    site: &Site,
    auth: &Auth,
    user: &CurrentUser<User>,
    status: StatusCode,
    next: Option<&str>,
    errors: &[FieldError<'_>],
    notice: Option<Notice<'_>>,
) -> Response {
    let next = next.and_then(|next| next_page(site, auth, next));
    let kept = kept_form::find(auth.headers(), user, site).is_some();
    let notice = notice.or_else(|| kept.then_some(KEPT));
    let csrf_token = user.token().csrf_token();
    let view = ReauthenticateView {
        csrf_token: &csrf_token,
        username: &user.username,
        next: next.as_ref().map(hardtack::request::NextPath::as_str),
        errors,
    };
    respond::page(status, reauthenticate(&shell_of(&site.settings, user, notice), &view))
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    SentForm { user, input }: SentForm<ReauthenticateInput>,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    if input.username.as_ref().is_some_and(|name| !user.has_username(name.trim())) {
        return Err(auth.refuse(Reason::OtherUser));
    }
    let next = input.next.or_else(|| auth.query("next"));
    let password = match TypedPassword::new(input.password) {
        Ok(password) => password,
        Err(problem) => {
            let text = problem.to_string();
            let errors = [FieldError { field: "password", text: &text }];
            return Ok(match wants {
                Wants::Page => {
                    show_form(&site, &auth, &user, StatusCode::UNPROCESSABLE_ENTITY, next.as_deref(), &errors, None)
                }
                _ => respond::invalid_fields(wants, &errors),
            });
        }
    };
    match site.accounts.verify_password_again(&user.id, user.token().session(), password, &request).await {
        Ok(verified) => {
            let cookies = auth.reauthenticate(&verified.user_id).await?;
            let location = next_or_home(&site, &auth, next.as_deref());
            Ok((cookies, respond::success(wants, &location, json!(user.into_user()))).into_response())
        }
        Err(ActionError::TooMany(refused)) if wants == Wants::Page => {
            let errors = [FieldError { field: "password", text: refused.sentence() }];
            let status = StatusCode::TOO_MANY_REQUESTS;
            let response = show_form(&site, &auth, &user, status, next.as_deref(), &errors, None);
            Ok(respond::retry_after(response, &refused))
        }
        Err(error) => Ok(match respond::invalid_input(wants, error) {
            Ok(WrongPassword) if wants == Wants::Page => {
                let errors = [FieldError { field: "password", text: WRONG_PASSWORD }];
                show_form(&site, &auth, &user, StatusCode::UNAUTHORIZED, next.as_deref(), &errors, None)
            }
            Ok(WrongPassword) => {
                respond::problem(wants, StatusCode::UNAUTHORIZED, "wrong_password", WRONG_PASSWORD, &[])
            }
            Err(response) => *response,
        }),
    }
}
