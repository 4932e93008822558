//! Answers, for people and for programs.

use axum::Json;
use axum::response::{Html, IntoResponse, Redirect, Response};
use hardtack::Wants;
use hardtack::session::StoreError;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::Markup;
use serde_json::{Value, json};

use crate::accounts::Refusal;
use crate::pages::{FailureView, FieldError, Shell, failure};

/// The form in which a client wants its answer, from its header fields alone.
pub(crate) fn wants_of(headers: &HeaderMap) -> Wants {
    hardtack_axum::wants(headers)
}

/// A page.
pub(crate) fn page(status: StatusCode, markup: Markup) -> Response {
    (status, Html(markup.into_string())).into_response()
}

/// A person goes to `location` by 303; a program gets 200 and `body`.
pub(crate) fn done(wants: Wants, location: &str, body: Value) -> Response {
    match wants {
        Wants::Page => Redirect::to(location).into_response(),
        Wants::Htmx => [("hx-redirect", location.to_owned())].into_response(),
        _ => Json(body).into_response(),
    }
}

/// An error that is nobody's form: a page, or RFC 9457 problem details with `msg` and `errors` by field.
pub(crate) fn problem(
    wants: Wants,
    status: StatusCode,
    code: &str,
    detail: &str,
    errors: &[FieldError<'_>],
) -> Response {
    problem_in(&Shell::default(), wants, status, code, detail, errors)
}

/// The same within the frame of someone who is known.
pub(crate) fn problem_in(
    shell: &Shell<'_>,
    wants: Wants,
    status: StatusCode,
    code: &str,
    detail: &str,
    errors: &[FieldError<'_>],
) -> Response {
    if wants == Wants::Page {
        let title = status.canonical_reason().unwrap_or("Something went wrong");
        let view = FailureView { status: status.as_u16(), title, explanation: detail, action: None };
        return page(status, failure(shell, &view));
    }
    let mut body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
        "msg": detail,
    });
    if !errors.is_empty() {
        body["errors"] = errors.iter().map(|error| (error.field.to_owned(), json!(error.text))).collect();
    }
    let content_type = HeaderValue::from_static("application/problem+json");
    (status, [(header::CONTENT_TYPE, content_type)], body.to_string()).into_response()
}

/// The database is down: 503, and its words go to the log only.
pub(crate) fn unavailable(wants: Wants, error: &StoreError) -> Response {
    tracing::error!(event = "store_unavailable", %error);
    let detail = "The site's database cannot be reached at the moment. Try again shortly.";
    retry(problem(wants, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail, &[]))
}

/// Too many passwords are being checked: 503.
pub(crate) fn busy(wants: Wants) -> Response {
    let detail = "Many people are logging in at the moment. Try again shortly.";
    retry(problem(wants, StatusCode::SERVICE_UNAVAILABLE, "busy", detail, &[]))
}

fn retry(mut response: Response) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// What was typed wrong, or the answer to everything else.
pub(crate) fn problem_of<P>(wants: Wants, refusal: Refusal<P>) -> Result<P, Box<Response>> {
    match refusal {
        Refusal::Problem(problem) => Ok(problem),
        Refusal::Busy => Err(busy(wants).into()),
        Refusal::Store(error) => Err(unavailable(wants, &error).into()),
    }
}
