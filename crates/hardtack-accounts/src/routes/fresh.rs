//! The responses to requests whose token is not fresh. A token is fresh if the user has entered the password recently.

use axum::response::{IntoResponse, Redirect, Response};
use hardtack::FailureKind;
use hardtack::request::{NextPath, Wants};
use hardtack_axum::{Auth, AuthError};

use crate::site::Site;

/// If `error` says that a browser's token is no longer fresh, redirects the browser to `/reauthenticate`. After
/// entering the password there, the user continues to `next`. Returns any other error unchanged. The core's own
/// response would send the user back to the page in the `Referer` field, but browsers sometimes omit that field.
pub(super) fn ask_for_password(
    site: &Site,
    auth: &Auth,
    error: AuthError,
    next: AfterProof,
) -> Result<Response, AuthError> {
    if is_not_fresh(&error) && auth.wants() == Wants::Page {
        return Ok(next.redirect(site));
    }
    Err(error)
}

/// Returns whether a token was refused only because it is no longer fresh.
pub(super) fn is_not_fresh(error: &AuthError) -> bool {
    error.failure().reason().kind() == FailureKind::NotFresh
}

/// The page to which the user continues after entering the password.
#[derive(Clone, Copy, Debug)]
pub(super) enum AfterProof {
    /// The account page.
    Account,
    /// The account page, with a notice that the password has not been changed yet.
    PasswordUnchanged,
    /// The list of devices, with a notice that no device has been logged out yet.
    Devices,
}

impl AfterProof {
    /// Redirects a browser to the page that asks for the password.
    pub(super) fn redirect(self, site: &Site) -> Response {
        let next = site.path(match self {
            Self::Account => "/account",
            Self::PasswordUnchanged => "/account?done=unchanged",
            Self::Devices => "/account/sessions?done=proof",
        });
        let url = site.path("/reauthenticate");
        let location = NextPath::parse(&next).map_or_else(|| url.clone(), |next| next.append_to(&url));
        Redirect::to(&location).into_response()
    }
}
