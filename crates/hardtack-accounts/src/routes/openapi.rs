//! `/openapi.json`: the routes in OpenAPI 3.1, for Postman and its like.

use axum::response::IntoResponse;
use http::header;

/// Written by hand; a test holds it against the router.
const DOCUMENT: &str = include_str!("openapi.json");

pub(crate) async fn show() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], DOCUMENT)
}
