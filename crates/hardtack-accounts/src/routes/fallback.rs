//! Responses to unknown paths and methods.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use hardtack::request::Wants;
use hardtack_axum::wants;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::extract::Visitor;
use crate::respond;
use crate::site::Site;

/// Redirects from the base path of the pages, such as `/auth` or `/auth/`, to the account page.
pub(crate) async fn root(State(site): State<Site>) -> Redirect {
    Redirect::to(&site.path("/account"))
}

/// Responds with 404.
pub(crate) async fn not_found(headers: HeaderMap, visitor: Visitor) -> Response {
    let detail = "There is no page at this address. Check the address, or start from the home page.";
    respond::problem_in(&visitor.shell(None), wants(&headers), StatusCode::NOT_FOUND, "not_found", detail, &[])
}

/// The paths to which the account page's forms are posted. If a form has errors, the browser's address bar shows the
/// form's path.
const FORMS_OF_ACCOUNT: [&str; 2] = ["/account/change_settings", "/account/password"];

/// Responds with 405. If a person opens one of [`FORMS_OF_ACCOUNT`] in a browser, redirects to the account page
/// instead.
pub(crate) async fn method_not_allowed(
    State(site): State<Site>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if method == Method::GET && FORMS_OF_ACCOUNT.contains(&uri.path()) && wants(&headers) == Wants::Page {
        return Redirect::to(&site.path("/account")).into_response();
    }
    method_not_allowed_response(&headers)
}

/// Returns the same response as [`method_not_allowed`], for a handler that refuses a method.
pub(super) fn method_not_allowed_response(headers: &HeaderMap) -> Response {
    let detail = "This URL does not accept requests with this method. Send changes as POST requests.";
    respond::problem(wants(headers), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail, &[])
}
