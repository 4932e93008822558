//! `/`: the home page, for visitors and users.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::error::WithCauses;
use hardtack::request::Wants;
use hardtack_axum::{Auth, CurrentUser};
use http::StatusCode;
use serde_json::json;

use super::confirm_email::AT_MOST;
use super::link_used;
use crate::extract::shell_of;
use crate::pages::{Notice, NoticeKind, Shell, home};
use crate::respond;
use crate::site::Site;
use crate::users::User;

/// During this time after the sign-up, the home page says which address the user has to confirm. The account page
/// always says this.
const JUST_SIGNED_UP: Duration = Duration::from_secs(10 * 60);

pub(crate) async fn show(State(site): State<Site>, auth: Auth, user: Option<CurrentUser<User>>) -> Response {
    if auth.wants() == Wants::Api {
        return Json(json!({ "user": user.map(CurrentUser::into_user) })).into_response();
    }
    let done = auth.query("done").unwrap_or_default();
    let used = link_used::text(&done, link_used::user(&site, &auth).await.as_ref(), user.as_deref());
    let kind = if used.is_some() { NoticeKind::Success } else { NoticeKind::Info };
    let text = match (used, &user) {
        (None, Some(user)) => to_confirm(&site, user, &done).await,
        (used, _) => used,
    };
    let notice = text.as_deref().map(|text| Notice { kind, text });
    let visitor = Shell { viewer: None, notice, is_known: true };
    let shell = user.as_ref().map_or(visitor, |user| shell_of(user, notice));
    link_used::forget(respond::page(StatusCode::OK, home(&shell)), &auth)
}

/// Returns a notice that tells a user who has just signed up which address has to be confirmed.
async fn to_confirm(site: &Site, user: &User, done: &str) -> Option<String> {
    let User { email, .. } = user;
    let is_new = site.auth.now().since(user.created_at) <= JUST_SIGNED_UP;
    if !site.accounts.sends_mail() || !is_new || email.is_empty() || user.email_confirmed {
        return None;
    }
    let was_sent = site.accounts.has_sent_confirmation(user).await.unwrap_or_else(|error| {
        tracing::warn!(event = "store_unavailable", error = %WithCauses(&error));
        false
    });
    match was_sent {
        true => Some(format!("Open the link that we send to {email} within a day to confirm the address. {AT_MOST}")),
        false => (done == "signup-limited").then(|| {
            format!(
                "We have not sent a link to {email}, because the hourly limit for emails was reached. To confirm the \
                 address, request the link later on your account page."
            )
        }),
    }
}
