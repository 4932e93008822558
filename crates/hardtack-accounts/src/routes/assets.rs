//! `/assets` (the stylesheet, the script and the logo), and the well-known addresses that browsers, crawlers and
//! password managers look for.

use axum::response::{IntoResponse, Redirect};
use http::header;

use crate::pages::{FAVICON, MARK, STYLESHEET, TIMES_SCRIPT};

const PUBLIC: &str = "public, max-age=300";

/// Tells crawlers not to visit pages that need a logged-in user, because they would find only the log-in page there.
/// The same applies to intermediate steps such as `/logout`.
const ROBOTS: &str = "User-agent: *\nDisallow: /account\nDisallow: /service\nDisallow: /logout\nDisallow: /reauthenticate\n\
                      Disallow: /token/\n";

pub(crate) async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, PUBLIC)], STYLESHEET)
}

pub(crate) async fn times_script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, PUBLIC)], TIMES_SCRIPT)
}

pub(crate) async fn mark() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, PUBLIC)], MARK)
}

pub(crate) async fn favicon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/x-icon"), (header::CACHE_CONTROL, PUBLIC)], FAVICON)
}

pub(crate) async fn robots() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, PUBLIC)], ROBOTS)
}

/// Where password managers send their users (W3C: A Well-Known URL for Changing Passwords).
pub(crate) async fn change_password() -> Redirect {
    Redirect::to("/account")
}
