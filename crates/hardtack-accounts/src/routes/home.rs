//! `/`: anyone; says who is logged in.

use axum::Json;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, CurrentUser};
use http::StatusCode;
use serde_json::json;

use super::{answer, visitor};
use crate::pages::{Notice, NoticeKind, Shell, home};
use crate::users::User;

pub(crate) async fn show(auth: Auth, user: Option<CurrentUser<User>>) -> Response {
    if auth.wants() == Wants::Api {
        return Json(json!({ "user": user.map(CurrentUser::into_user) })).into_response();
    }
    let confirmed = auth
        .query("done")
        .filter(|done| done == "email")
        .map(|_| Notice { kind: NoticeKind::Success, text: "Your email address is confirmed." });
    let nobody = Shell { notice: confirmed, ..Shell::default() };
    let shell = user.as_ref().map_or(nobody, |user| visitor::shell_of(user, confirmed));
    answer::page(StatusCode::OK, home(&shell))
}
