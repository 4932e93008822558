//! `/`: the home page, for visitors and users.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, CurrentUser};
use http::StatusCode;
use serde_json::json;

use super::link_used;
use crate::extract::shell_of;
use crate::pages::{Notice, NoticeKind, Shell, home};
use crate::respond;
use crate::site::Site;
use crate::users::User;

pub(crate) async fn show(State(site): State<Site>, auth: Auth, user: Option<CurrentUser<User>>) -> Response {
    if auth.wants() == Wants::Api {
        return Json(json!({ "user": user.map(CurrentUser::into_user) })).into_response();
    }
    let done = match auth.query("done") {
        Some(done) => match user.as_ref().and_then(|user| signed_up(&done, user)) {
            Some(text) => Some(text),
            None => link_used::text(&done, link_used::user(&site, &auth).await.as_ref(), user.as_deref()),
        },
        None => None,
    };
    let notice = done.as_deref().map(|text| Notice { kind: NoticeKind::Success, text });
    let visitor = Shell { viewer: None, notice, is_known: true };
    let shell = user.as_ref().map_or(visitor, |user| shell_of(user, notice));
    link_used::forget(respond::page(StatusCode::OK, home(&shell)), &auth)
}

/// Returns what a user who has just signed up has to do.
fn signed_up(done: &str, user: &User) -> Option<String> {
    let User { email, .. } = user;
    match done {
        _ if user.email.is_empty() || user.email_confirmed => None,
        "signup" => Some(format!(
            "Your account is ready. We have sent a link to {email}. Open it within a day to confirm the address."
        )),
        "signup-limited" => Some(format!(
            "Your account is ready. We have not sent a link to {email}, because as many emails as we send in an hour were \
             sent already. Have it sent later, on your account page, to confirm the address."
        )),
        _ => None,
    }
}
