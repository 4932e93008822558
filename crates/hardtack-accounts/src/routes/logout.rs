//! `/logout`: GET asks for confirmation, POST logs out.

use axum::response::{IntoResponse, Redirect, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::StatusCode;
use serde_json::json;

use super::account::draft;
use crate::extract::shell_of;
use crate::pages::confirm_logout;
use crate::respond;
use crate::users::User;

pub(crate) async fn show(user: Option<CurrentUser<User>>) -> Response {
    match user {
        Some(user) => {
            let page = confirm_logout(&shell_of(&user, None), &user.token().csrf_token());
            respond::page(StatusCode::OK, page)
        }
        None => Redirect::to("/").into_response(),
    }
}

pub(crate) async fn submit(auth: Auth) -> Result<Response, AuthError> {
    let cookies = auth.log_out().await?;
    let response = (cookies, respond::success(auth.wants(), "/", json!({ "logged_out": true }))).into_response();
    // The next user of the browser must not find this user's draft.
    Ok(if auth.wants() == Wants::Api { response } else { draft::clear(response, auth.authenticator()) })
}
