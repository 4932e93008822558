//! Query parameters that only this site sets, in redirects after a form.

use hardtack_axum::Auth;

/// Returns the query parameter `done`, which a form of this site adds when it redirects to the page that shows the
/// result. Returns `None` if the request came from elsewhere, as [`own_query`] does.
pub(crate) fn done(auth: &Auth) -> Option<String> {
    own_query(auth, "done")
}

/// Returns a query parameter that a form of this site has added to a redirect.
///
/// If the browser says that the request came from elsewhere, such as a link on another site or in an email, returns
/// `None`. Otherwise, strangers could write links that make a page claim that something has happened, for example that
/// the user's password has been changed.
pub(crate) fn own_query(auth: &Auth, name: &str) -> Option<String> {
    let from = auth.headers().get("sec-fetch-site");
    if from.is_some_and(|from| from != "same-origin") {
        return None;
    }
    auth.query(name)
}
