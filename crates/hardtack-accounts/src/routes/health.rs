//! `/healthz`: checks that the database responds. If the last write failed, also checks that the database accepts
//! writes again.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::request::Wants;
use serde_json::json;

use crate::respond;
use crate::site::Site;

pub(crate) async fn show(State(site): State<Site>) -> Response {
    match site.accounts.ping().await {
        Ok(()) => Json(json!({ "status": "ok" })).into_response(),
        Err(error) => respond::unavailable(Wants::Api, &error),
    }
}
