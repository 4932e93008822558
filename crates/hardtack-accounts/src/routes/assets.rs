//! Serves `/assets`: the stylesheet, the script and the logo. In `hardtack serve`, also serves the well-known addresses
//! that browsers, crawlers and password managers look for.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use http::header;

use crate::pages::{FAVICON, MARK, STYLESHEET, TIMES_SCRIPT};
use crate::site::Site;

const PUBLIC: &str = "public, max-age=300";

/// Tells crawlers not to visit pages that require a logged-in user, because crawlers would find only the log-in page
/// there. Also excludes intermediate steps such as `/logout`.
const ROBOTS: &str = "User-agent: *\nDisallow: /account\nDisallow: /service\nDisallow: /logout\nDisallow: /reauthenticate\n\
                      Disallow: /token/\n";

pub(crate) async fn stylesheet(State(site): State<Site>) -> impl IntoResponse {
    let rules = STYLESHEET.to_owned() + &site.settings.colors.rules();
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, PUBLIC)], rules)
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

/// Redirects to the page where users change their password. Password managers open this path (W3C: A Well-Known URL for
/// Changing Passwords).
pub(crate) async fn change_password(State(site): State<Site>) -> Redirect {
    Redirect::to(&site.path("/account"))
}
