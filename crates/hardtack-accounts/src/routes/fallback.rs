//! Places that are not there, and ways that are not taken.

use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::answer;
use super::visitor::Visitor;

pub(crate) async fn no_such_page(headers: HeaderMap, visitor: Visitor) -> Response {
    let detail = "There is nothing at this address. Check how it is written, or start from the home page.";
    let wants = answer::wants_of(&headers);
    answer::problem_in(&visitor.shell(None), wants, StatusCode::NOT_FOUND, "not_found", detail, &[])
}

pub(crate) async fn no_such_method(headers: HeaderMap) -> Response {
    method_not_allowed(&headers)
}

pub(super) fn method_not_allowed(headers: &HeaderMap) -> Response {
    let detail = "This address does not take that method; what changes something is sent by POST.";
    answer::problem(answer::wants_of(headers), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail, &[])
}
