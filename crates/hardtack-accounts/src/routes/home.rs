//! `/`: anyone; says who is logged in.

use axum::Json;
use axum::response::{IntoResponse, Response};
use hardtack::Wants;
use hardtack_axum::{Auth, CurrentUser};
use http::StatusCode;
use serde_json::json;

use super::{answer, visitor};
use crate::pages::{Shell, home};
use crate::users::User;

pub(crate) async fn show(auth: Auth, user: Option<CurrentUser<User>>) -> Response {
    if auth.wants() == Wants::Api {
        return Json(json!({ "user": user.map(CurrentUser::into_user) })).into_response();
    }
    let shell = user.as_ref().map_or_else(Shell::default, |user| visitor::shell_of(user, None));
    answer::page(StatusCode::OK, home(&shell))
}
