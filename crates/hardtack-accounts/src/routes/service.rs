//! `/service`: someone logged in.

use axum::Json;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, CurrentUser};
use http::StatusCode;

use super::{answer, visitor};
use crate::pages::service;
use crate::users::User;

pub(crate) async fn show(auth: Auth, user: CurrentUser<User>) -> Response {
    if auth.wants() == Wants::Api {
        return Json(user.into_user()).into_response();
    }
    answer::page(StatusCode::OK, service(&visitor::shell_of(&user, None), &user.username))
}
