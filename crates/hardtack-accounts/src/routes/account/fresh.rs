//! Responds to requests to `/account` without a fresh token.

use axum::response::{IntoResponse, Redirect, Response};
use hardtack::FailureKind;
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError};

/// Redirects a browser whose token is no longer fresh to `/reauthenticate`, and from there to the page with the
/// forms. Returns every other error unchanged. By default, the core would redirect back to the page in `Referer`,
/// which browsers may omit.
pub(super) fn ask_for_password(auth: &Auth, error: AuthError) -> Result<Response, AuthError> {
    let not_fresh = error.failure().reason().kind() == FailureKind::NotFresh;
    if not_fresh && auth.wants() == Wants::Page {
        return Ok(Redirect::to("/reauthenticate?next=%2Faccount").into_response());
    }
    Err(error)
}
