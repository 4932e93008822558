//! Responses for browsers and for API clients.

use std::borrow::Cow;

use axum::Json;
use axum::response::{Html, IntoResponse, Redirect, Response};
use hardtack::BackendError;
use hardtack::adapter::LogLimit;
use hardtack::error::WithCauses;
use hardtack::refusal::Reason;
use hardtack::request::Wants;
use hardtack::throttle::TooManyAttempts;
use http::{HeaderValue, StatusCode, header};
use maud::Markup;
use serde_json::{Value, json};

use crate::accounts::{ActionError, SessionOver};
use crate::pages::{ErrorView, FieldError, Shell, error_page};
use crate::passwords::PasswordTableError;
use crate::security_headers::POLICY_WITH_SCRIPT;

/// Responds with a page.
pub(crate) fn page(status: StatusCode, markup: Markup) -> Response {
    (status, Html(markup.into_string())).into_response()
}

/// Responds with a page that contains times. Its policy allows the script that shows them in the browser's time zone.
pub(crate) fn page_with_times(status: StatusCode, markup: Markup) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY_WITH_SCRIPT)], page(status, markup)).into_response()
}

/// Responds to a successful request. A browser is redirected to `location` with 303, and htmx with `HX-Redirect`. An
/// API client gets 200 and `body`.
pub(crate) fn success(wants: Wants, location: &str, body: Value) -> Response {
    match wants {
        Wants::Page => Redirect::to(location).into_response(),
        Wants::Htmx => [("hx-redirect", location.to_owned())].into_response(),
        _ => Json(body).into_response(),
    }
}

/// Responds with an error. A browser gets a page. htmx and API clients get problem details (RFC 9457), which include
/// `msg` and, if fields are invalid, `errors`.
pub(crate) fn problem(
    wants: Wants,
    status: StatusCode,
    code: &str,
    detail: &str,
    errors: &[FieldError<'_>],
) -> Response {
    if wants == Wants::Page {
        let (title, explanation) = for_people(status, code, detail);
        return error(status, title, explanation, None);
    }
    problem_details(status, code, detail, errors)
}

/// An error page. The [`add_navigation`](crate::error_navigation::add_navigation) middleware, which knows the site and
/// the user, renders the page after the handler has run.
#[derive(Clone)]
pub(crate) struct ErrorPage {
    /// What happened, in a few words.
    pub(crate) title: &'static str,
    /// What happened and what to do, in a sentence or two.
    pub(crate) explanation: String,
    /// The path and label of a link to another page of this site. If this field is `None`, the page links to the home
    /// page instead.
    pub(crate) action: Option<(Cow<'static, str>, &'static str)>,
}

/// Responds to a browser with an error page.
pub(crate) fn error(
    status: StatusCode,
    title: &'static str,
    explanation: &str,
    action: Option<(Cow<'static, str>, &'static str)>,
) -> Response {
    let mut response = (status, Html("")).into_response();
    response.extensions_mut().insert(ErrorPage { title, explanation: explanation.to_owned(), action });
    response
}

/// Responds with 422 and the error for each invalid field.
pub(crate) fn invalid_fields(wants: Wants, errors: &[FieldError<'_>]) -> Response {
    let detail = errors.iter().map(|error| error.text).collect::<Vec<_>>().join(" ");
    problem(wants, StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields", &detail, errors)
}

/// Like [`problem`], but renders the page in the given shell.
pub(crate) fn problem_in(
    shell: &Shell<'_>,
    wants: Wants,
    status: StatusCode,
    code: &str,
    detail: &str,
    errors: &[FieldError<'_>],
) -> Response {
    if wants == Wants::Page {
        let (title, explanation) = for_people(status, code, detail);
        let view = ErrorView { status: status.as_u16(), title, explanation, action: None };
        return page(status, error_page(shell, &view));
    }
    problem_details(status, code, detail, errors)
}

fn problem_details(status: StatusCode, code: &str, detail: &str, errors: &[FieldError<'_>]) -> Response {
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

/// Returns the title and the text of an error page, worded for users who do not know HTTP.
fn for_people<'d>(status: StatusCode, code: &str, detail: &'d str) -> (&'static str, &'d str) {
    match code {
        "not_found" => ("Page not found", detail),
        "method_not_allowed" => {
            ("Page not found", "There is no page at this address. Go back, and use the buttons on the previous page.")
        }
        "too_large" => (
            "That is too long",
            "What you typed is too long, so nothing was changed. Shorten the text, and send the form again.",
        ),
        "malformed" | "unsupported_media_type" => (
            "Please send the form again",
            "The form could not be read, so nothing was changed. Go back, reload the page, and send the form again.",
        ),
        "busy" | "store_unavailable" => ("Please try again shortly", detail),
        "too_many_attempts" => ("Too many attempts", detail),
        "outcome_unknown" => ("Please check your change", detail),
        "no_mail" => ("This site sends no email", detail),
        "registration_closed" => ("Registration is closed", detail),
        _ if status.is_client_error() => ("This did not work", detail),
        _ => ("Something went wrong", detail),
    }
}

static UNAVAILABLE: LogLimit = LogLimit::new("store_unavailable");
static UNKNOWN: LogLimit = LogLimit::new("outcome_unknown");
static UNCHECKED: LogLimit = LogLimit::new("password_table_failed");

/// Logs that the database failed while the site was preparing a page, which is shown without the missing information.
pub(crate) fn warn_of_missing(error: &BackendError) {
    UNAVAILABLE.add(|not_logged| {
        tracing::warn!(
            event = "store_unavailable", not_logged, error = %WithCauses(error),
            "a page was shown without some of its information; check that the database is running, can be reached, and \
             has free disk space"
        );
    });
}

/// Responds with 503 after a database failure. The error appears only in the log.
pub(crate) fn unavailable(wants: Wants, error: &BackendError) -> Response {
    UNAVAILABLE.add(|not_logged| {
        tracing::error!(
            event = "store_unavailable", not_logged, error = %WithCauses(error),
            "a request got 503; check that the database is running, can be reached, and has free disk space"
        );
    });
    let detail = "The site cannot reach its database at the moment. Try again shortly.";
    retry_later(problem(wants, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail, &[]))
}

/// Responds with 503 after the database failed while it was storing a change. The response says that the database might
/// have stored the change anyway.
pub(crate) fn outcome_unknown(wants: Wants, error: &BackendError) -> Response {
    UNKNOWN.add(|not_logged| tracing::error!(event = "outcome_unknown", not_logged, error = %WithCauses(error)));
    let detail = "The site lost the connection to its database, so your change may or may not have been saved. Check \
                  before you repeat the change. If you changed your password, first try to log in with the new \
                  password.";
    problem(wants, StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", detail, &[])
}

/// Responds with 503 because the table of passwords failed, so a new password could not be checked. The error appears
/// only in the log.
pub(crate) fn unchecked(wants: Wants, error: &PasswordTableError) -> Response {
    UNCHECKED.add(|not_logged| {
        tracing::error!(
            event = "password_table_failed", not_logged, error = %WithCauses(error),
            "a request got 503, because a new password could not be checked"
        );
    });
    let detail = "The site cannot check new passwords at the moment, so nothing was changed. Try again later.";
    retry_later(problem(wants, StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail, &[]))
}

/// Responds with 503 because too many passwords are being checked.
pub(crate) fn busy(wants: Wants) -> Response {
    let detail = "Too many passwords are being checked at the moment. Try again in a few seconds.";
    retry_later(problem(wants, StatusCode::SERVICE_UNAVAILABLE, "busy", detail, &[]))
}

/// Adds `Retry-After` to a 429 response. The field tells the client how many seconds to wait before it tries again.
pub(crate) fn retry_after(mut response: Response, refused: &TooManyAttempts) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(refused.retry_after_seconds().max(1)));
    response
}

/// Responds with 429 after too many attempts.
pub(crate) fn too_many(wants: Wants, refused: &TooManyAttempts) -> Response {
    let status = StatusCode::TOO_MANY_REQUESTS;
    retry_after(problem(wants, status, "too_many_attempts", refused.sentence(), &[]), refused)
}

fn retry_later(mut response: Response) -> Response {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// If the input is invalid, returns `Ok` with the problem. For any other error, returns `Err` with the complete
/// response.
pub(crate) fn invalid_input<P>(wants: Wants, error: ActionError<P>) -> Result<P, Box<Response>> {
    match error {
        ActionError::Invalid(problem) => Ok(problem),
        ActionError::TooMany(refused) => Err(too_many(wants, &refused).into()),
        ActionError::SessionOver(over) => {
            let reason = Reason::from(over);
            let text = match over {
                SessionOver::Ended => "Your session was ended, so nothing was changed. Log in again.",
                SessionOver::Replaced => reason.advice(),
            };
            Err(problem(wants, StatusCode::UNAUTHORIZED, reason.code(), text, &[]).into())
        }
        ActionError::Busy => Err(busy(wants).into()),
        ActionError::PasswordTable(error) => Err(unchecked(wants, &error).into()),
        ActionError::Backend(error) => Err(unavailable(wants, &error).into()),
        ActionError::Unknown(error) => Err(outcome_unknown(wants, &error).into()),
    }
}
