//! The name of the notice that a page shows after the user has sent a form of this site.

use hardtack_axum::Auth;

/// Returns the query parameter `done`, which a form of this site adds when it redirects to the page that shows the
/// result.
///
/// If the browser says that the request came from elsewhere, such as a link on another site or in an email, returns
/// `None`. Otherwise, strangers could write links that make a page claim that something has happened, for example that
/// the user's password has been changed.
pub(crate) fn done(auth: &Auth) -> Option<String> {
    let from = auth.headers().get("sec-fetch-site");
    if from.is_some_and(|from| from != "same-origin") {
        return None;
    }
    auth.query("done")
}
