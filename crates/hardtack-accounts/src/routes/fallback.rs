//! Responses to unknown paths and methods.

use axum::response::Response;
use hardtack_axum::wants;
use http::{HeaderMap, StatusCode};

use crate::extract::Visitor;
use crate::respond;

/// Responds with 404.
pub(crate) async fn not_found(headers: HeaderMap, visitor: Visitor) -> Response {
    let detail = "There is no page at this address. Check the address, or start from the home page.";
    respond::problem_in(&visitor.shell(None), wants(&headers), StatusCode::NOT_FOUND, "not_found", detail, &[])
}

/// Responds with 405.
pub(crate) async fn method_not_allowed(headers: HeaderMap) -> Response {
    method_not_allowed_response(&headers)
}

/// The response of [`method_not_allowed`], for a handler that refuses one of its methods.
pub(super) fn method_not_allowed_response(headers: &HeaderMap) -> Response {
    let detail = "This URL does not accept that method. Send changes as POST requests.";
    respond::problem(wants(headers), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail, &[])
}
