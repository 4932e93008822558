//! Refuses requests to pages that are not where the site's links lead.
//!
//! axum does not tell a router where it is nested. If the router of a site is nested at the wrong path, the site can
//! notice this only when a request arrives.

use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{StatusCode, Uri};

use crate::respond;
use crate::site::Site;

/// Checks whether the router is at the path of the site. If not, responds with 500 and logs what to write.
pub(crate) async fn refuse_misplaced(State(site): State<Site>, request: Request, next: Next) -> Response {
    let original = request.extensions().get::<OriginalUri>().map(|OriginalUri(uri)| uri.path());
    if original.is_none_or(|original| is_in_place(original, request.uri(), &site)) {
        return next.run(request).await;
    }
    let original = original.unwrap_or_default();
    let page = request.uri().path();
    tracing::error!(event = "pages_misplaced", "{}", advice(original, page, site.path_in_router(), &site.path(page)));
    let detail = "The pages of this site are not set up correctly. The log of the server says what to change.";
    let wants = hardtack_axum::wants(request.headers());
    respond::problem(wants, StatusCode::INTERNAL_SERVER_ERROR, "pages_misplaced", detail, &[])
}

/// Returns whether the client requested this route at the path where the links of the pages lead. A proxy may have
/// stripped the path of the base URL from the request.
fn is_in_place(original: &str, uri: &Uri, site: &Site) -> bool {
    let page = uri.path().trim_end_matches('/');
    [site.settings.prefix.as_str(), site.path_in_router()]
        .into_iter()
        .any(|prefix| original.trim_end_matches('/').strip_prefix(prefix) == Some(page))
}

/// Returns a text that says what to write. `original` is the path that the client requested, `page` is the path of the
/// page in the site's router, `at` is the path of the pages, and `link` is where links to the page lead.
fn advice(original: &str, page: &str, at: &str, link: &str) -> String {
    if at.is_empty() {
        let nested = original.strip_suffix(page).unwrap_or(original);
        return format!(
            "the router of the pages is nested at {nested:?}, but their links lead to {link:?}; write .at({nested:?}) \
             when you build the site, .urls(Site::urls_at({nested:?})) when you build the authenticator, and \
             .merge(site.router()) instead of .nest({nested:?}, site.router())"
        );
    }
    format!(
        "a page was requested at {original:?}, but the links of the pages lead to {link:?}; write \
         .merge(site.router()) or .nest({at:?}, site.router_to_nest())"
    )
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn the_advice_is_the_line_to_write() {
        assert_eq!(
            advice("/auth/login", "/login", "", "/login"),
            "the router of the pages is nested at \"/auth\", but their links lead to \"/login\"; write .at(\"/auth\") when \
             you build the site, .urls(Site::urls_at(\"/auth\")) when you build the authenticator, and \
             .merge(site.router()) instead of .nest(\"/auth\", site.router())"
        );
        assert_eq!(
            advice("/auth/auth/login", "/login", "/auth", "/auth/login"),
            "a page was requested at \"/auth/auth/login\", but the links of the pages lead to \"/auth/login\"; write \
             .merge(site.router()) or .nest(\"/auth\", site.router_to_nest())"
        );
    }
}
