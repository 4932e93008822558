//! `/healthz`: whether the site can do its work.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use serde_json::json;

use super::answer;
use crate::site::Site;

pub(crate) async fn show(State(site): State<Site>) -> Response {
    match site.accounts.ping().await {
        Ok(()) => Json(json!({ "status": "ok" })).into_response(),
        Err(error) => answer::unavailable(Wants::Api, &error),
    }
}
