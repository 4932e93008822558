//! `/openapi.json`: the routes as an OpenAPI 3.1 document, for API clients such as Postman.

use axum::response::IntoResponse;
use http::header;

/// The document is written by hand. A test compares it with the router.
const DOCUMENT: &str = include_str!("openapi.json");

pub(crate) async fn show() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], DOCUMENT)
}
