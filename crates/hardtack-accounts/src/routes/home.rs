//! `/`: the home page, for visitors and users.

use axum::Json;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, CurrentUser};
use http::StatusCode;
use serde_json::json;

use crate::extract::shell_of;
use crate::pages::{Notice, NoticeKind, Shell, home};
use crate::respond;
use crate::users::User;

pub(crate) async fn show(auth: Auth, user: Option<CurrentUser<User>>) -> Response {
    if auth.wants() == Wants::Api {
        return Json(json!({ "user": user.map(CurrentUser::into_user) })).into_response();
    }
    let notice = auth
        .query("done")
        .filter(|done| done == "email")
        .map(|_| Notice { kind: NoticeKind::Success, text: "Your email address has been confirmed." });
    let visitor = Shell { viewer: None, notice, is_known: true };
    let shell = user.as_ref().map_or(visitor, |user| shell_of(user, notice));
    respond::page(StatusCode::OK, home(&shell))
}
