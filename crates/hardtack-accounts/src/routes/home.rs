//! `/`: the home page of `hardtack serve`, for visitors and users.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, CurrentUser};
use http::StatusCode;
use serde_json::json;

use super::link_used;
use super::new_address::new_address;
use crate::extract::{done, shell_of};
use crate::pages::{Notice, NoticeKind, Shell, home};
use crate::respond;
use crate::site::Site;
use crate::users::User;

pub(crate) async fn show(State(site): State<Site>, auth: Auth, user: Option<CurrentUser<User>>) -> Response {
    if auth.wants() == Wants::Api {
        return Json(json!({ "user": user.map(CurrentUser::into_user) })).into_response();
    }
    let done = done(&auth).unwrap_or_default();
    let used = link_used::text(&done, link_used::user(&site, &auth).await.as_ref(), user.as_deref());
    let (kind, text) = match (used, &user) {
        (Some(used), _) => (NoticeKind::Success, Some(used)),
        (None, None) if done == "logout" => (NoticeKind::Success, Some("You are logged out.".to_owned())),
        (None, Some(user)) => (NoticeKind::Info, new_address(&site, user, &done).await),
        (None, None) => (NoticeKind::Info, None),
    };
    let notice = text.as_deref().map(|text| Notice { kind, text });
    let visitor = Shell::visitor(&site.settings, notice);
    let shell = user.as_ref().map_or(visitor, |user| shell_of(&site.settings, user, notice));
    link_used::forget(respond::page(StatusCode::OK, home(&shell)), &site, &auth)
}
