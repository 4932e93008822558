//! `/reauthenticate`: verifies the password again and issues fresh tokens for the same session.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::accounts::WrongPassword;
use crate::activity::RequestInfo;
use crate::extract::{AccountForm, SentForm, read_fields, shell_of};
use crate::pages::{FieldError, Notice, ReauthenticateView, reauthenticate};
use crate::respond;
use crate::site::Site;
use crate::users::User;

const WRONG_PASSWORD: &str = "That is not your password.";

/// The body. If it has a `username`, it must be that of the user who is logged in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReauthenticateInput {
    password: String,
    username: Option<String>,
    next: Option<String>,
}

impl AccountForm for ReauthenticateInput {
    const PAGE: &'static str = "/";

    async fn read(request: Request, site: &Site) -> Result<Self, Response> {
        read_fields(request, site).await
    }

    fn after_log_in(&self, auth: &Auth) -> String {
        auth.authenticator().next_or_home(self.next.as_deref().or(auth.query("next").as_deref()))
    }

    async fn show_again(
        self,
        _: &Site,
        auth: &Auth,
        user: &CurrentUser<User>,
        notice: Notice<'_>,
    ) -> Result<Response, AuthError> {
        let next = self.next.or_else(|| auth.query("next"));
        Ok(show_form(auth, user, StatusCode::FORBIDDEN, next.as_deref(), &[], Some(notice)))
    }
}

pub(crate) async fn show(auth: Auth, user: CurrentUser<User>) -> Response {
    show_form(&auth, &user, StatusCode::OK, auth.query("next").as_deref(), &[], None)
}

fn show_form(
    auth: &Auth,
    user: &CurrentUser<User>,
    status: StatusCode,
    next: Option<&str>,
    errors: &[FieldError<'_>],
    notice: Option<Notice<'_>>,
) -> Response {
    let next = next.and_then(|next| auth.authenticator().next(next));
    let csrf_token = user.token().csrf_token();
    let view = ReauthenticateView {
        csrf_token: &csrf_token,
        username: &user.username,
        next: next.as_ref().map(hardtack::request::NextPath::as_str),
        errors,
    };
    respond::page(status, reauthenticate(&shell_of(user, notice), &view))
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    request: RequestInfo,
    SentForm { user, input }: SentForm<ReauthenticateInput>,
) -> Result<Response, AuthError> {
    let wants = auth.wants();
    if input.username.as_ref().is_some_and(|name| !user.has_username(name)) {
        return Err(auth.refuse(Reason::OtherUser));
    }
    let next = input.next.or_else(|| auth.query("next"));
    match site.accounts.verify_again(&user.id, input.password, &request).await {
        Ok(verified) => {
            let cookies = auth.reauthenticate(&verified.user_id).await?;
            let location = auth.authenticator().next_or_home(next.as_deref());
            Ok((cookies, respond::success(wants, &location, json!(user.into_user()))).into_response())
        }
        Err(error) => Ok(match respond::invalid_input(wants, error) {
            Ok(WrongPassword) if wants == Wants::Page => {
                let errors = [FieldError { field: "password", text: WRONG_PASSWORD }];
                show_form(&auth, &user, StatusCode::UNAUTHORIZED, next.as_deref(), &errors, None)
            }
            Ok(WrongPassword) => {
                respond::problem(wants, StatusCode::UNAUTHORIZED, "wrong_password", WRONG_PASSWORD, &[])
            }
            Err(response) => *response,
        }),
    }
}
