//! `/service`: an example of a protected page.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, CurrentUser};
use http::StatusCode;

use crate::extract::shell_of;
use crate::pages::service;
use crate::respond;
use crate::site::Site;
use crate::users::User;

pub(crate) async fn show(State(site): State<Site>, auth: Auth, user: CurrentUser<User>) -> Response {
    if auth.wants() == Wants::Api {
        return Json(user.into_user()).into_response();
    }
    respond::page(StatusCode::OK, service(&shell_of(&site.settings, &user, None), &user.username))
}
