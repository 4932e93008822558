//! `/logout`: by POST; GET asks first.

use axum::response::{IntoResponse, Redirect, Response};
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError, CurrentUser};
use http::StatusCode;
use serde_json::json;

use super::{answer, draft, visitor};
use crate::pages::logout_confirm;
use crate::users::User;

pub(crate) async fn show(user: Option<CurrentUser<User>>) -> Response {
    match user {
        Some(user) => {
            let csrf_token = user.token().csrf_token().to_owned();
            answer::page(StatusCode::OK, logout_confirm(&visitor::shell_of(&user, None), &csrf_token))
        }
        None => Redirect::to("/").into_response(),
    }
}

pub(crate) async fn submit(auth: Auth) -> Result<Response, AuthError> {
    let cookies = auth.log_out().await?;
    let response = (cookies, answer::done(auth.wants(), "/", json!({ "logged_out": true }))).into_response();
    // Whoever uses the browser next finds nothing that was typed.
    Ok(if auth.wants() == Wants::Api { response } else { draft::clear(response, auth.authenticator()) })
}
