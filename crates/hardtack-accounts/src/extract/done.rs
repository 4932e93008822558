//! Query parameters that the site adds when it redirects the browser after a form submission. They are ignored if the
//! browser says that the request came from elsewhere.

use hardtack_axum::Auth;

/// Returns the query parameter `done`, which one of this site's forms adds when it redirects to the page that shows the
/// result. Like [`own_query`], returns `None` if the request came from elsewhere.
pub(crate) fn done(auth: &Auth) -> Option<String> {
    own_query(auth, "done")
}

/// Returns a query parameter that one of this site's forms has added to a redirect.
///
/// Returns `None` if the browser says that the request came from elsewhere, such as a link on another site or in an
/// email. Otherwise, anyone could craft a link that makes a page claim that something has happened, for example that
/// the user's password has been changed.
pub(crate) fn own_query(auth: &Auth, name: &str) -> Option<String> {
    if is_from_elsewhere(auth) { None } else { auth.query(name) }
}

/// Returns whether the browser says that the request does not come from a page of this site.
pub(super) fn is_from_elsewhere(auth: &Auth) -> bool {
    auth.headers().get("sec-fetch-site").is_some_and(|from| from != "same-origin")
}
